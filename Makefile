# From a fresh clone: `make reproduce` (experiments to PDF), `make test`. `make help` lists the rest.
# Works with GNU Make 3.81. Results are checked by content, not by date: see experiments/run.py.

PROFILE ?= quick
PYTHON ?= python3
# Leave empty for all; experiments' names in experiments/*/profiles.toml.
EXPERIMENT ?=
# How many chunks of runs are made side by side. Empty: full runs, whose times the paper shows, one
# at a time, the others on all cores, up to four, for which there is memory.
JOBS ?=
# Empty: this machine. dask: the workers of a running cluster, with SCHEDULER=tcp://HOST:8786.
ENGINE ?=
SCHEDULER ?=
# i/n: every n-th chunk alone, for `make results` in a batch system's array.
PART ?=

PY := .venv/bin/python
READY := .venv/ready
RUN := $(PY) -m experiments.run
TEXT := $(wildcard report/*.tex report/*.bib report/paper/*.tex report/supplement/*.tex)
# Tests by what they need: those of the library and the benchmarks run once a backend, those of the
# experiments on JAX, on which all of them run, and all others once.
OTHERS_tensorflow := tests/benchmarks
OTHERS_jax := tests/benchmarks tests/experiments
ONCE := tests/pipeline tests/report
# The backends, each in an environment of its own with the oldest versions that pyproject allows.
FLOORS := $(patsubst requirements/floor-%.txt,%,$(wildcard requirements/floor-*.txt))
# The environments of `bench-peers`: one package there wants an older JAX than all others.
PEERS := $(patsubst requirements/%.txt,%,$(wildcard requirements/peers*.txt))

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.DEFAULT_GOAL := help
.PHONY: help setup reproduce results worker figures report verify bench bench-gpu bench-devices bench-peers publish-peers test test-tensorflow test-jax test-torch test-once test-floor wheel docs docs-links fuzz lint lock publish confirm clean \
	$(FLOORS:%=test-floor-%) checked/reference checked/$(PROFILE)

ifneq ($(PART),)
ifneq ($(MAKECMDGOALS),results)
$(error PART is for `make results`. A last call without it makes the report)
endif
endif

ifeq ($(PROFILE),reference)
$(error PROFILE must be smoke, quick or full. Received: reference. `make report` uses the reference)
endif

help: ## say what can be made
	@echo "make TARGET [PROFILE=smoke|quick|full] [EXPERIMENT='e01_shallow ...'] [JOBS=N] [PYTHON=python3.12]"
	@echo "            [ENGINE=dask SCHEDULER=tcp://HOST:8786] [PART=i/n]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-14s%s\n", $$1, $$2}'

setup: $(READY) ## make .venv with exactly the packages in requirements/

$(READY): requirements/uv.txt requirements/all.txt requirements/setup.py
	@$(PYTHON) requirements/setup.py

reproduce: build/$(PROFILE)/report.pdf build/$(PROFILE)/supplement.pdf ## run what is missing, then make every figure, table, number and the PDFs
	@echo "The paper is $(CURDIR)/$<, its supplement is beside it"
	@test $(PROFILE) = full || echo "It shows the $(PROFILE) profile; the paper's own numbers: make reproduce PROFILE=full (long, can be stopped and resumed)"

results: checked/$(PROFILE) ## run what is missing of the experiments
	@$(if $(PART),,echo "build/$(PROFILE)/results is complete")

worker: $(READY) ## be a worker of the Dask cluster at SCHEDULER in this checkout, also of one that restarts
	@$(if $(SCHEDULER),,echo "error: name the cluster: make worker SCHEDULER=tcp://HOST:8786" >&2; exit 1)
	@trap 'exit 130' INT TERM; while $(PY) -m distributed.cli.dask_worker $(SCHEDULER) --nthreads 1 --death-timeout 600 --local-directory build/worker; do sleep 2; done

report: build/reference/report.pdf build/reference/supplement.pdf ## make the PDFs from the committed results of the full profile
	@echo "The paper is $(CURDIR)/$<, its supplement is beside it"

# One call checks all experiments: with nothing to do it costs one short Python process.
checked/$(PROFILE): $(READY)
	@$(RUN) run --profile $(PROFILE) $(JOBS:%=--jobs %) $(ENGINE:%=--engine %) $(SCHEDULER:%=--scheduler %) $(PART:%=--part %) $(EXPERIMENT)

checked/reference: $(READY)
	@$(RUN) status --profile reference

# Equal inputs give equal bytes: matplotlib writes this date into its PDF files.
DATED := SOURCE_DATE_EPOCH=946684800

# $(1): profile or `reference`; $(2): where its results lie. draw.py knows what each figure, table and
# number is made of; it rewrites the list of them only if it made any, so with nothing to do no PDF is.
define REPORT
build/$(1)/shown: checked/$(1)
	@$(DATED) $(PY) report/draw.py $(2) build/$(1)

build/$(1)/report.pdf: report/typeset.py $(TEXT) build/$(1)/shown
	@$(PY) report/typeset.py build/$(1)

# Made with the paper; this is for the case that it alone was removed.
build/$(1)/supplement.pdf: build/$(1)/report.pdf
	@test -e $$@ || $(PY) report/typeset.py build/$(1)
endef

$(eval $(call REPORT,$(PROFILE),build/$(PROFILE)/results))
$(eval $(call REPORT,reference,report/reference))

figures: build/$(PROFILE)/shown ## make figures, tables and numbers of the profile, without the PDFs
	@echo "build/$(PROFILE): figures, tables and numbers.tex are ready"

# With a PROFILE of your own choice its results are held against the reference as well.
FRESH := $(if $(filter file,$(origin PROFILE)),,$(PROFILE))
verify: checked/reference $(FRESH:%=checked/%) ## recompute every verdict; with PROFILE=full also compare a fresh run
	@$(PY) report/verify.py report/reference $(FRESH:%=build/%/results %)

publish: $(READY) ## copy the current results of the full profile to report/reference, redraw the README's picture
	@$(RUN) publish $(EXPERIMENT)
	@mkdir -p docs && $(DATED) $(PY) report/draw.py --one figures/readme_landscapes report/reference docs/landscapes.png

confirm: $(READY) ## after a change that alters no result: repeat a run of each stale variant and compare
	@$(RUN) confirm $(EXPERIMENT)

BASE ?=
bench: $(READY) ## time one training step against Keras' own, BASE=<commit> against that commit's
	@$(PY) benchmarks/step_time.py $(BASE:%=--base %)

bench-gpu: ## the same on a CUDA device with the JAX of PYTHON: depth 100, 1,000 and 10,000
	@$(PYTHON) benchmarks/step_time_gpu.py

bench-devices: $(READY) ## time the step with layers spread over 2 and 4 virtual devices
	@$(PY) benchmarks/step_time_devices.py

bench-peers: $(PEERS:%=build/%/ready) ## time a step with inferred targets against other packages' (build/peers*: 1.6 GB)
	@build/peers/bin/python benchmarks/peers.py

PEERS_PUBLISHED := report/studies/overview/peers.json
publish-peers: build/peers.json $(READY) ## write what bench-peers found to docs/ and the report
	@cp build/peers.json $(PEERS_PUBLISHED)
	@$(PY) benchmarks/peers_page.py $(PEERS_PUBLISHED) docs/peers.md

build/peers.json:
	@echo "error: build/peers.json is missing: run make bench-peers first" >&2; exit 1

$(PEERS:%=build/%/ready): build/%/ready: requirements/uv.txt requirements/%.txt requirements/setup.py
	@$(PYTHON) requirements/setup.py build/$* $*.txt

# Most of the tests' time is compilation: so they have the backends compile fast. The experiments,
# benchmarks, test-floor and the tests of what depends on how XLA rounds run as users do.
AS_USERS := tests/library/test_fused.py tests/library/test_guard.py
# In two halves, for a process keeps whatever TensorFlow has traced in it: 20 MB and more a test.
LIBRARY := $(filter-out $(AS_USERS),$(sort $(wildcard tests/library/test_*.py)))
HALF := $(shell expr $(words $(LIBRARY)) / 2)
ON_ALL_CORES := -m pytest -q -n auto --dist worksteal
PYTEST := $(PY) $(ON_ALL_CORES)
test: $(READY) ## run all tests on all cores, those of the library on one backend after the other
	@failed=0; for part in test-tensorflow test-jax test-torch test-once; do $(MAKE) -s $$part || failed=1; done; exit $$failed

test-tensorflow test-jax: test-%: $(READY)
	@failed=0; export KERAS_BACKEND=$*; echo "== tests on $*"; \
	$(PYTEST) --quick-compile $(wordlist 1,$(HALF),$(LIBRARY)) $(OTHERS_$*) || failed=1; \
	echo "== the other half of the library's"; \
	$(PYTEST) --quick-compile $(filter-out $(wordlist 1,$(HALF),$(LIBRARY)),$(LIBRARY)) || failed=1; \
	echo "== tests on $*, compiled as users do"; \
	$(PYTEST) $(AS_USERS) || failed=1; \
	exit $$failed

# An environment of its own, for TensorFlow and PyTorch do not share a process well. A thread for
# each process: with more they wait for each other.
test-torch: build/torch/ready ## the library's tests on PyTorch (build/torch: 180 MB to download for it alone)
	@echo "== library tests on torch"
	@KERAS_BACKEND=torch OMP_NUM_THREADS=1 build/torch/bin/python $(ON_ALL_CORES) tests/library

build/torch/ready: requirements/uv.txt requirements/torch.txt requirements/torch.in requirements/setup.py
	@$(PYTHON) requirements/setup.py build/torch torch.txt

codecheck.yml: report/codecheck.py $(wildcard report/studies/*/*.py) | $(READY)
	@$(PY) report/codecheck.py

wheel: $(READY) ## build wheel and source distribution into build/dist
	@rm -rf build/dist
	@$(PY) -m uv build --quiet --out-dir build/dist
	@ls build/dist

docs: build/docs-env/ready ## build the documentation into build/docs, running its tutorials (build/docs-env: its environment)
	@build/docs-env/bin/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "The documentation is $(CURDIR)/build/docs/index.html"

docs-links: build/docs-env/ready ## look whether every link of the documentation leads somewhere
	@build/docs-env/bin/python -m sphinx -q -b linkcheck docs build/docs-links

build/docs-env/ready: requirements/uv.txt requirements/docs.txt requirements/setup.py
	@$(PYTHON) requirements/setup.py build/docs-env docs.txt

test-once: $(READY)
	@echo "== tests that need no Keras"
	@env -u KERAS_BACKEND $(PYTEST) $(ONCE)

test-floor: $(FLOORS:%=test-floor-%) ## the library's tests on the oldest versions allowed (build/floor-*: about 1 GB to download)

$(FLOORS:%=test-floor-%): test-floor-%: build/floor-%/ready
	@echo "== library tests on the oldest versions with the backend $*"
	@KERAS_BACKEND=$* build/floor-$*/bin/python $(ON_ALL_CORES) tests/library

build/floor-%/ready: requirements/uv.txt requirements/floor-%.txt requirements/setup.py
	@$(PYTHON) requirements/setup.py build/floor-$* floor-$*.txt

FUZZ_EXAMPLES ?= 2000
FUZZ_SEED ?= $(shell date +%s)
fuzz: $(READY) ## train random nets, FUZZ_EXAMPLES a test and backend, against plain Keras; FUZZ_SEED repeats a run
	@for backend in tensorflow jax; do \
		echo "== $(FUZZ_EXAMPLES) nets a test on $$backend, FUZZ_SEED=$(FUZZ_SEED)"; \
		KERAS_BACKEND=$$backend FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m pytest -q -x tests/library/test_fuzz.py --hypothesis-seed=$(FUZZ_SEED) || exit 1; \
	done

lint: $(READY) ## check style, types and that codecheck.yml is current
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy -p raikeras -p experiments -p benchmarks -p report
	@$(PY) report/codecheck.py --check

# No index or find-links address ends up in the files: they hold names, versions and hashes only.
COMPILE := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
lock: $(READY) ## renew requirements/*.txt (UPGRADE=--upgrade takes the newest versions)
	@$(COMPILE) $(UPGRADE) $(patsubst %,--extra %,tensorflow jax experiments cluster dev) pyproject.toml -o requirements/all.txt
	@for backend in tensorflow jax; do \
		$(COMPILE) $(UPGRADE) --resolution lowest-direct --extra $$backend --extra dev pyproject.toml -o requirements/floor-$$backend.txt || exit; \
	done
	@$(COMPILE) $(UPGRADE) $(patsubst %,--extra %,jax experiments docs) -c requirements/all.txt --no-annotate pyproject.toml -o requirements/docs.txt
	@$(COMPILE) $(UPGRADE) --torch-backend cpu --extra torch --extra dev --no-emit-package torch pyproject.toml requirements/torch.in -o requirements/torch.txt
	@printf '%s\n' fabricpc ngclearn pydeepity | $(COMPILE) $(UPGRADE) --extra jax pyproject.toml - -o requirements/peers.txt
	@echo pcx | $(COMPILE) $(UPGRADE) - -o requirements/peers-pcx.txt
	@echo uv | $(COMPILE) $(UPGRADE) --no-annotate - -o requirements/uv.txt
	@! grep -nE 'https?:|file:|@ /|^-' requirements/*.txt

clean: ## remove build/ except the results of the full profile
	@$(PYTHON) requirements/setup.py --clean
