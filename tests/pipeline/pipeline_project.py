"""A throw-away project in a temporary folder: its one experiment needs no Keras."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, "-m", "experiments.run"]
TOY = "experiments/e01_toy/experiment.py"
TOY_PROFILES = "experiments/e01_toy/profiles.toml"
TOY_SCHEMA = "experiments/e01_toy/schema.py"
# The driver, which a project has beside its experiments.
DRIVER = ("__init__.py", "run.py", "driver", "results")

SCRIPT = """
# %% [markdown]
# # A throw-away experiment
# %% tags=["parameters"]
results = "build/scratch/e01_toy"
provenance = {}
runs = [{"variant": "a", "seed": 0}]
settings = {"size": 2, "wait": 0.0, "fail_at": -1, "rate": 0.5}

# %%
import time
from experiments import results as results_module
from raikeras.model import double

# %%
for run in results_module.each(runs, settings):
    time.sleep(run["settings"]["wait"])
    if run["seed"] == run["settings"]["fail_at"]:
        raise ValueError("this seed fails on purpose")
    results_module.save(
        results, run, metrics={"size": double(run["settings"]["size"])}, curves={}
    )
"""

SCHEMA = """
def metrics(settings):
    return ["size"]


def curves(settings):
    return []
"""

PROFILES = """
[e01_toy]
title = "Toy"
backend = "jax"

[e01_toy.variants.a]
[e01_toy.variants.b]
size = 3

[e01_toy.profiles.quick]
seeds = 2
"""

LIBRARY = {
    "__init__.py": '"""Never followed: only what is imported counts."""\n',
    "model.py": (
        'from ._steps import load\n\ndef double(x):\n    return 2 * x * load("jax").STEP\n'
    ),
    "_steps/__init__.py": (
        "import importlib\n\n"
        'def load(name):\n    return importlib.import_module(f"raikeras._steps.{name}")\n'
    ),
    "_steps/jax.py": "STEP = 1\n",
    "unused.py": "X = 1\n",
}


def copy_driver(root: Path) -> None:
    """Puts the driver into a project's folder."""
    for name in DRIVER:
        source, target = ROOT / "experiments" / name, root / "experiments" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


class Project:
    """The folder, with shorthands to edit it, run the driver in it and read what it made."""

    def __init__(self, root: Path):
        self.root = root
        self.write(TOY, SCRIPT)
        self.write(TOY_PROFILES, PROFILES)
        self.write(TOY_SCHEMA, SCHEMA)
        for name, text in LIBRARY.items():
            self.write(f"raikeras/{name}", text)
        copy_driver(root)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def command(self, *words: str) -> list[str]:
        return [*RUN, *words, "--root", str(self.root)]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        """The driver's command, `run` if none is named, in a fresh process."""
        return subprocess.run(
            self.command(*(words or ("run",))),
            cwd=self.root,
            env={**self.environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @staticmethod
    def environment() -> dict[str, str]:
        """This process's, as a shell would have it: no make above, no backend chosen."""
        names = ("MAKELEVEL", "MAKEFLAGS", "KERAS_BACKEND")
        return {name: value for name, value in os.environ.items() if name not in names}

    def results(self, profile: str = "quick") -> dict[str, dict]:
        """Saved results by VARIANT/seed-K."""
        folder = self.root / "build" / profile / "results" / "e01_toy"
        found = {f"{p.parent.name}/{p.stem}": p for p in folder.glob("*/seed-*.json")}
        return {name: json.loads(path.read_text()) for name, path in sorted(found.items())}

    def times(self) -> dict[str, str]:
        """When each result was made, to see which ones were made again."""
        files = (self.root / "build/quick/results/e01_toy").glob("*/seed-*.json")
        return {f"{p.parent.name}/{p.stem}": p.stat().st_mtime_ns for p in files}


def kernels(project):
    """Command lines of the kernels that run from this project's folder."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    pids = [line.split()[0] for line in listed if "ipykernel_launcher" in line]
    return [pid for pid in pids if _folder(pid) == str(project.root)]


def _folder(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value
