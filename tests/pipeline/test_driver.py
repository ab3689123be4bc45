"""experiments/run.py: only what is missing runs, failures are readable, a kill loses nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from pipeline_project import TOY, TOY_PROFILES, TOY_SCHEMA, Project, kernels, until

from experiments import run as driver_script
from experiments.driver import profiles, state
from experiments.driver.errors import DriverError

ALL = ["a/seed-0", "a/seed-1", "b/seed-0", "b/seed-1"]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose four results are there; tests that use it must not spoil it."""
    project = Project(tmp_path_factory.mktemp("finished"))
    done = project.run()
    assert done.returncode == 0, done.stderr
    return project, done


def test_all_runs_are_made_once_with_their_settings(finished):
    project, done = finished
    results = project.results()
    assert list(results) == ALL
    assert [r["metrics"]["size"] for r in results.values()] == [4, 4, 6, 6]
    assert results["b/seed-1"]["settings"] == {"size": 3, "wait": 0.0, "fail_at": -1, "rate": 0.5}
    assert results["a/seed-0"]["provenance"]["profile"] == "quick"
    assert "e01_toy 4/4 b seed 1 ..." in done.stdout
    assert done.stderr == ""  # nothing of the kernel's own noise


def test_second_call_does_nothing_and_rewrites_nothing(finished):
    project, _ = finished
    files = [p for p in (project.root / "build" / "quick").rglob("*") if p.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    start = time.monotonic()
    done = project.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - start < 1.5
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_status_counts_expected_present_stale_and_diverged(finished):
    project, _ = finished
    file = project.root / "build/quick/status.json"
    counts = {"expected": 2, "present": 2, "stale": 0, "diverged": 0}
    assert json.loads(file.read_text()) == {
        "profile": "quick",
        "experiments": {"e01_toy": {"title": "Toy", "variants": {"a": counts, "b": counts}}},
    }


def test_only_the_changed_variant_runs_again(project):
    project.run()
    before, stamp = project.times(), project.root / "build/quick/results/e01_toy.stamp"
    old = stamp.read_text()
    project.edit(TOY_PROFILES, "size = 3", "size = 5")
    done = project.run()
    after = project.times()
    assert "2 of 4 results to make" in done.stdout
    assert {name for name in ALL if before[name] != after[name]} == {"b/seed-0", "b/seed-1"}
    assert stamp.read_text() != old
    assert project.results()["b/seed-0"]["metrics"]["size"] == 10


def test_failing_cell_ends_with_its_traceback_and_the_log_and_keeps_the_others(project):
    project.edit(TOY_PROFILES, "size = 3", "fail_at = 1")
    done = project.run()
    assert done.returncode == 1
    assert "ValueError: this seed fails on purpose" in done.stderr
    assert 'raise ValueError("this seed fails on purpose")' in done.stderr
    assert "\x1b[" not in done.stderr
    for name in ("e01_toy.ipynb", "e01_toy.log"):
        assert str(project.root / "build/quick/logs" / name) in done.stderr
        assert (project.root / "build/quick/logs" / name).stat().st_size
    assert list(project.results()) == ALL[:3]
    kept = project.times()
    project.edit(TOY_PROFILES, "fail_at = 1", "fail_at = -1")
    assert project.run().returncode == 0
    assert list(project.results()) == ALL
    assert {name: project.times()[name] for name in ALL[:2]} == {n: kept[n] for n in ALL[:2]}


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_stopped_run_leaves_no_kernel_and_goes_on_where_it_was(project, finished, how):
    project.edit(TOY, '"wait": 0.0', '"wait": 0.6')
    driver = subprocess.Popen(
        project.command("run"),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert until(lambda: len(project.results()) == 1)
    driver.send_signal(getattr(signal, how))
    said = driver.communicate(timeout=20)[0]
    assert driver.returncode == (-signal.SIGKILL if how == "SIGKILL" else 130)
    assert until(lambda: not kernels(project), seconds=5) is True
    if how != "SIGKILL":
        assert "Finished results are kept" in said.splitlines()[-1]
    kept = project.times()
    assert 1 <= len(kept) < 4
    again = project.run()
    assert again.returncode == 0, again.stderr
    assert f"{4 - len(kept)} of 4 results to make" in again.stdout
    assert {name: time for name, time in project.times().items() if name in kept} == kept
    assert not list(project.root.rglob("*.tmp"))
    same = [r["metrics"] for r in finished[0].results().values()]
    assert [r["metrics"] for r in project.results().values()] == same


def test_end_of_make_ends_the_driver_and_its_kernel(project):
    """SIGKILL of make tells nobody: the driver sees that its parent is gone."""
    project.edit(TOY, '"wait": 0.0', '"wait": 30.0')
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    parent = subprocess.Popen(
        [project.command()[0], "-c", script, *project.command("run")],
        cwd=project.root,
        env={**project.environment(), "MAKELEVEL": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert until(lambda: kernels(project))
    parent.kill()
    parent.wait()
    assert until(lambda: not kernels(project), seconds=5) is True


def test_killed_kernel_is_one_clear_error(project):
    project.edit(TOY, '"wait": 0.0', '"wait": 30.0')
    driver = subprocess.Popen(
        project.command("run"),
        cwd=project.root,
        env=project.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = until(lambda: kernels(project))
    time.sleep(1)  # let it reach the cell
    os.kill(int(pids[0]), signal.SIGKILL)
    said = driver.communicate(timeout=30)[1]
    assert driver.returncode == 1
    assert "e01_toy did not finish: its Python process died" in said
    assert "Traceback" not in said


def test_script_that_leaves_early_is_an_error(project):
    project.edit(TOY, "    time.sleep(", "    raise SystemExit(0)\n    (")
    done = project.run()
    assert done.returncode == 1
    assert "must save every run" in done.stderr
    assert "a/seed-0.json" in done.stderr


def test_kernel_gets_the_profiles_backend_and_none_of_the_users_keras_settings(project):
    project.edit(
        TOY,
        'metrics={"size": double(run["settings"]["size"])}',
        'metrics={n: __import__("os").environ[n] for n in ("KERAS_BACKEND", "KERAS_HOME")}',
    )
    project.edit(TOY_SCHEMA, '["size"]', '["KERAS_BACKEND", "KERAS_HOME"]')
    home = project.root / "home"
    spec = {"argv": ["/bin/false"], "display_name": "python3", "language": "python"}
    project.write("home/.local/share/jupyter/kernels/python3/kernel.json", json.dumps(spec))
    done = project.run("run", HOME=str(home), KERAS_HOME=str(home))
    assert done.returncode == 0, done.stderr
    metrics = project.results()["a/seed-0"]["metrics"]
    assert metrics == {"KERAS_BACKEND": "jax", "KERAS_HOME": str(project.root / "build/keras")}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size = 3", "sise = 3", "Unknown setting 'sise' in variant b of .*size, wait"),
        ("size = 3", 'size = "3"', "Setting size must be int like its default 2"),
        ("seeds = 2", "seeds = 2\nc = { size = 1 }", "Unknown variant 'c' in .*quick.*a, all, b"),
        ("seeds = 2", "seeds = -1", "seeds must be a count"),
        ("seeds = 2", "seeds = two", "must be valid TOML"),
        ('title = "Toy"', 'titel = "Toy"', "Unknown entry 'titel' in .e01_toy."),
        ('backend = "jax"', 'backend = "torch"', "one of tensorflow, jax. Received: torch"),
    ],
)
def test_wrong_profile_entry_is_one_error_before_anything_starts(project, old, new, message):
    project.edit(TOY_PROFILES, old, new)
    done = project.run()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert re.search(message, done.stderr), done.stderr
    assert not (project.root / "build").exists()


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (["run", "--profile", "huge"], {}, "Unknown profile 'huge' in .*Known: quick"),
        (["run", "e09"], {}, "Unknown experiment 'e09' in .*Known: e01_toy"),
        (["run"], {"KERAS_BACKEND": "theano"}, "Received: theano from KERAS_BACKEND"),
        (["publish"], {}, "Unknown profile 'full'"),
    ],
)
def test_wrong_call_is_one_error(project, words, environment, message):
    done = project.run(*words, **environment)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert re.search(message, done.stderr), done.stderr


def test_script_without_literal_settings_is_refused(project):
    project.edit(TOY, '"wait": 0.0', '"wait": 0.0 * 2')
    assert "must be a dict of plain values" in project.run().stderr
    project.edit(TOY, "provenance = {}\n", "")
    assert "Missing: provenance" in project.run().stderr


@pytest.mark.parametrize("place", ["build", "build/quick"])
def test_folder_that_cannot_be_written_is_one_error(project, place):
    """A file in the folder's place: root may write everywhere, so modes would not stop it."""
    project.write(place, "in the way")
    done = project.run()
    assert (done.returncode, done.stdout.count("started")) == (1, 0)
    assert re.fullmatch(rf"error: \S+{place}\S* must be writable. Received: .*\n", done.stderr)


def test_no_write_permission_is_one_error(project, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(state.Path, "mkdir", refuse)
    monkeypatch.setattr("sys.argv", ["run.py", "run", "--root", str(project.root)])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert driver_script.main() == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: \S+/build\S* must be writable. Received: Permission .*\n", said)


def test_broken_result_file_counts_as_missing(tmp_path):
    path = tmp_path / "seed-0.json"
    whole = '{\n"status": "ok",\n"provenance": {"key": "k"}\n}\n'
    for text in ("", whole[:-20], "[]", '{"status": "ok"}', "\x00"):
        path.write_text(text)
        assert state.glance(path) == (None, None, "")
    path.write_text(whole)
    assert state.glance(path)[:2] == ("ok", "k")
    path.write_text(json.dumps(json.loads(whole), indent=2))
    assert state.glance(path)[:2] == ("ok", "k")


def test_results_no_longer_asked_for_are_set_aside_and_come_back(finished, tmp_path):
    project = Project(tmp_path)
    shutil.copytree(finished[0].root / "build", tmp_path / "build")
    project.edit(TOY_PROFILES, "seeds = 2", "seeds = 1")
    assert project.run().stderr == ""
    assert list(project.results()) == ["a/seed-0", "b/seed-0"]
    assert (tmp_path / "build/quick/unused/e01_toy/a/seed-1.json").exists()
    project.edit(TOY_PROFILES, "seeds = 1", "seeds = 2")
    assert project.run().stdout == ""
    assert project.results() == finished[0].results()


def test_publish_copies_current_results_and_the_reference_is_never_retrained(finished, tmp_path):
    project = Project(tmp_path)
    shutil.copytree(finished[0].root / "build/quick", tmp_path / "build/full")
    for change in ("profiles.quick", "profiles.full"), ("variants.b]\nsize = 3", "variants.b]"):
        project.edit(TOY_PROFILES, *change)
    assert project.run("publish").stdout == "e01_toy: 2 of 4 results in report/reference\n"
    copied = sorted(p.parent.name for p in (tmp_path / "report/reference").rglob("*.json"))
    assert copied == ["a", "a"]

    def status():
        done = project.run("status", "--profile", "reference", KERAS_BACKEND="tensorflow")
        return done.stdout + done.stderr

    assert status() == "reference: e01_toy: 4 expected, 2 present, 0 stale, 0 diverged\n"
    project.edit(TOY, "double(", "1 + double(")
    assert status() == "reference: e01_toy: 4 expected, 2 present, 2 stale, 0 diverged\n"
    found = json.loads((tmp_path / "build/reference/status.json").read_text())
    assert found["profile"] == "reference"
    assert (tmp_path / "build/reference/results/e01_toy.stamp").exists()


def test_confirm_makes_stale_results_current_only_if_the_numbers_stay(finished, tmp_path):
    project = Project(tmp_path)
    shutil.copytree(finished[0].root / "build/quick", tmp_path / "build/full")
    project.edit(TOY_PROFILES, "profiles.quick", "profiles.full")
    assert project.run("publish").returncode == 0
    path = tmp_path / "report/reference/e01_toy/a/seed-1.json"
    before = json.loads(path.read_text())
    assert project.run("confirm").stdout == "e01_toy: nothing is stale\n"

    project.edit("raikeras/model.py", "return 2 * x", "return x + x")
    done = project.run("confirm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("started") == 2  # seed 0 of either variant, no more
    after = json.loads(path.read_text())
    trained = before["provenance"]["key"]
    assert after["provenance"]["key"] != trained
    assert after["provenance"]["confirmed"]["trained_key"] == trained
    assert after["provenance"]["confirmed"]["seed"] == 0
    assert {**after, "provenance": 0} == {**before, "provenance": 0}
    status = project.run("status", "--profile", "reference").stdout
    assert status == "reference: e01_toy: 4 expected, 4 present, 0 stale, 0 diverged\n"

    project.edit("raikeras/model.py", "return x + x", "return 3 * x")
    done = project.run("confirm")
    assert done.returncode == 1
    assert re.search(r"a seed 0 must give .* metrics differ: size was 4 and is 6", done.stderr)
    assert re.search(r"b seed 0 must give .* metrics differ: size was 6 and is 9", done.stderr)
    assert json.loads(path.read_text()) == after

    project.edit("raikeras/model.py", "return 3 * x", "return 4 if x == 2 else 0")
    done = project.run("confirm")
    assert done.returncode == 1
    assert "e01_toy b seed 0 must give" in done.stderr
    assert "e01_toy a seed 0" not in done.stderr
    assert json.loads(path.read_text())["provenance"]["key"] != after["provenance"]["key"]


@pytest.fixture
def committed(project, tmp_path):
    """In git, with a profile `confirm` and published results of its one commit's code."""

    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    project.edit(TOY_PROFILES, "profiles.quick", "profiles.full")
    more = "[e01_toy.profiles.confirm]\nseeds = 1\nall = { size = 7 }\n"
    project.write(TOY_PROFILES, (tmp_path / TOY_PROFILES).read_text() + more)
    project.write(".gitignore", "build\n__pycache__\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    assert project.run("run", "--profile", "full").returncode == 0
    assert project.run("publish").returncode == 0
    return project


def test_confirm_by_short_runs_holds_the_code_of_the_commit_against_the_present_one(committed):
    project, tmp_path = committed, committed.root
    path = tmp_path / "report/reference/e01_toy/b/seed-1.json"
    before = json.loads(path.read_text())

    project.edit("raikeras/model.py", "return 2 * x", "return x + x")
    done = project.run("confirm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("started") == 4  # a run of either variant and code
    after = json.loads(path.read_text())
    assert after["provenance"]["confirmed"]["trained_key"] == before["provenance"]["key"]
    assert after["provenance"]["confirmed"]["short"]
    assert after["metrics"] == {"size": 6}  # the committed numbers stay
    assert project.run("confirm").stdout == "e01_toy: nothing is stale\n"

    project.edit("raikeras/model.py", "return x + x", "return 0 if x == 7 else 2 * x")
    done = project.run("confirm")
    assert done.returncode == 1
    assert re.search(r"b seed 0 must give .* metrics differ: size was 14 and is 0", done.stderr)

    for one in path.parent.glob("*.json"):  # of other code than any commit's
        keys = json.loads(one.read_text())["provenance"]
        keys = {keys["key"], keys["confirmed"]["trained_key"]}
        one.write_text(re.sub("|".join(keys), "0", one.read_text()))
    done = project.run("confirm")
    assert done.returncode == 1
    assert "e01_toy a seed 0 must give" in done.stderr and "e01_toy b" not in done.stderr
    assert done.stdout.endswith("e01_toy b: the same numbers, its results are current\n")
    assert json.loads(path.read_text())["provenance"]["confirmed"]["short"] is False  # a whole run


def test_confirm_by_short_runs_compares_settings_that_they_do_not_have(committed):
    """What the profile `confirm` sets for all runs hides a change of the profile `full`."""
    committed.edit(TOY_PROFILES, "size = 3", "size = 4")
    done = committed.run("confirm")
    assert done.returncode == 1
    assert "settings differ: size was 3 and is 4" in done.stderr


LIKE = """
[e01_more]
like = "e01_toy"
title = "More"
profiles.quick.all = { size = 7 }
"""


def test_an_experiment_like_another_has_what_it_does_not_say_itself(project):
    file = project.root / TOY_PROFILES
    file.write_text(file.read_text() + LIKE)
    (_, toy), (_, more) = profiles.read(project.root).values()
    assert more["title"] == "More" and more["variants"] == toy["variants"]
    assert more["profiles"]["quick"] == toy["profiles"]["quick"] | {"all": {"size": 7}}
    loaded = profiles.load(project.root, "quick", [], committed=True)
    first, second = ({(run.variant, run.seed): run.key for run in one.runs} for one in loaded)
    assert first.keys() == second.keys() and not {*first.values()} & {*second.values()}
    file.write_text(file.read_text().replace('like = "e01_toy"', 'like = "e01_more"'))
    with pytest.raises(DriverError, match="Unknown experiment 'e01_more' in `like` of .*e01_toy"):
        profiles.read(project.root)


def test_variant_has_a_kernel_of_the_backend_it_names_whatever_the_user_chose(project):
    project.edit(TOY_PROFILES, "size = 3", 'size = 3\nbackend = "tensorflow"')
    project.edit(
        TOY,
        'metrics={"size": double(run["settings"]["size"])}',
        'metrics={n: __import__("os").environ[n] for n in ("KERAS_BACKEND", *NAMES)}',
    )
    project.edit(
        TOY_SCHEMA,
        '["size"]',
        "['KERAS_BACKEND', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_']",
    )
    names = "import time\nNAMES = ('MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')"
    project.edit(TOY, "import time", names)
    done = project.run(KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    found = {name: run["metrics"]["KERAS_BACKEND"] for name, run in project.results().items()}
    assert found == dict.fromkeys(ALL[:2], "jax") | dict.fromkeys(ALL[2:], "tensorflow")
    freed = {
        v for run in project.results().values() for k, v in run["metrics"].items() if "_T" in k
    }
    assert freed == {str(2**30), str(2**32)}
    assert (project.root / "build/quick/logs/e01_toy-tensorflow.log").exists()
    assert project.run(KERAS_BACKEND="jax").stdout == ""


def test_variant_with_an_unknown_backend_is_one_error(project):
    project.edit(TOY_PROFILES, "size = 3", 'size = 3\nbackend = "torch"')
    done = project.run()
    assert done.returncode == 1
    assert "Unknown backend 'torch' in variant b" in done.stderr
