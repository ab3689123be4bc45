"""Content keys: code and settings change them, comments and docstrings do not."""

import subprocess
from pathlib import Path

import pytest
from driver import profiles
from driver.errors import DriverError
from driver.keys import Sources, canonical, parse
from pipeline_project import ROOT, Project

LATER = """
import sys
sys.path.insert(0, "experiments")
from driver.keys import *
print(digest(canonical(parse(Path(sys.argv[1])))))
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def keys(project):
    (experiment,) = profiles.load(project.root, "quick", [])
    return {run.path: run.key for run in experiment.runs}


@pytest.fixture(autouse=True)
def no_backend_chosen(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("experiments/e01_toy.py", "# %%\nimport", "# a remark\n# %%\n\nimport"),
        ("experiments/e01_toy.py", "# # A throw", "# # Another throw"),
        ("experiments/e01_toy.py", "for run in", "for run  in"),
        ("raikeras/model.py", "from ._steps", '"""What it holds."""\nfrom ._steps'),
        ("raikeras/model.py", "(x):\n", '(x):\n    """Twice x."""\n'),
        ("raikeras/model.py", "    return", "    # why\n    return"),
        ("raikeras/unused.py", "X = 1", "X = 2"),
        ("raikeras/__init__.py", '"""\n', '"""\nX = 2\n'),
        ("experiments/profiles.toml", "[e01_toy]", "# a remark\n[e01_toy]"),
        ("experiments/profiles.toml", "seeds = 2", "seeds = 2\na = { seeds = 2, size = 2 }"),
    ],
)
def test_key_stays(project, name, old, new):
    before = keys(project)
    project.edit(name, old, new)
    assert keys(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("experiments/e01_toy.py", "double(", "3 * double("),
        ("experiments/e01_toy.py", '"rate": 0.5', '"rate": 0.25'),
        ("raikeras/model.py", "2 * x", "2.0 * x"),
        ("raikeras/model.py", "2 * x", '"2" * x'),
        ("raikeras/_steps/jax.py", "STEP = 1", "STEP = True"),
        ("experiments/profiles.toml", 'backend = "jax"', 'backend = "tensorflow"'),
    ],
)
def test_every_key_changes(project, name, old, new):
    before = keys(project)
    project.edit(name, old, new)
    assert not set(before.values()) & set(keys(project).values())


def test_setting_of_one_variant_changes_its_keys_alone(project):
    before = keys(project)
    project.edit("experiments/profiles.toml", "size = 3", "size = 4")
    changed = {path for path, key in keys(project).items() if key != before[path]}
    assert changed == {"b/seed-0.json", "b/seed-1.json"}


def test_profile_and_seed_entries_go_over_the_variants(project):
    project.edit(
        "experiments/profiles.toml",
        "seeds = 2",
        "seeds = 2\nall = { size = 7, wait = 1 }\nb = { seeds = 1, size = 9 }",
    )
    (experiment,) = profiles.load(project.root, "quick", [])
    assert {run.path: run.settings for run in experiment.runs} == {
        "a/seed-0.json": {"size": 7, "wait": 1},
        "a/seed-1.json": {"size": 7, "wait": 1},
        "b/seed-0.json": {"size": 9, "wait": 1},
    }


def test_imports_are_followed_wherever_they_stand(project):
    project.write(
        "experiments/common.py",
        "def f():\n    import raikeras.unused\n    from raikeras import model, VERSION\n",
    )
    project.edit("experiments/e01_toy.py", "import time", "import common")
    digests = Sources([project.root / "experiments", project.root]).digests(
        project.root / "experiments" / "e01_toy.py"
    )
    assert set(digests) == {
        *("", "common", "raikeras", "raikeras.unused", "raikeras.model", "raikeras._steps"),
        *("raikeras._steps.jax", "raikeras._steps.__init__"),
    }


def test_import_that_cannot_be_followed_is_an_error(project):
    project.edit("raikeras/model.py", "def double", "__import__(NAME)\ndef double")
    with pytest.raises(DriverError, match="literal absolute name.*Received: NAME"):
        keys(project)


def test_dump_tells_apart_what_differs_and_nothing_else(tmp_path):
    def dump(text):
        path = tmp_path / "code.py"
        path.write_text(text)
        return canonical(parse(path))

    assert dump("x = 'a'") == dump('x = u"a"  # same') != dump("x = b'a'")
    assert dump("return_ = None") != dump("return_ = 0")
    assert dump("def f():\n    'doc'\n    return None") != dump("def f():\n    return")
    assert dump("{**a}") != dump("{None: a}")
    assert dump("class A:\n    'doc'\n") == dump("class A:\n    'other'\n")
    assert dump("f(a)(b)") != dump("f(a, b)")


@pytest.mark.parametrize("minor", [12, 13, 14])
def test_other_pythons_make_the_same_keys(minor):
    """Otherwise the committed reference would look stale to their users."""
    script = ROOT / "experiments" / "driver" / "keys.py"
    commands = [("python3.11", "-c", LATER), (f"python3.{minor}", "-c", LATER)]
    said = []
    for command in commands:
        try:
            done = subprocess.run(
                [*command, str(script)], cwd=ROOT, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            pytest.skip(f"needs {command[0]}")
        if done.returncode:
            pytest.skip(f"{command[0]} does not run here")
        said.append(done.stdout)
    assert said[0] == said[1] != ""


def test_the_projects_own_experiments_depend_on_their_own_modules_only():
    sources = Sources([ROOT / "experiments", ROOT])
    for script in sorted((ROOT / "experiments").glob("e[0-9][0-9]_*.py")):
        reached = set(sources.digests(script))
        assert not {name for name in reached if name.partition(".")[0] in ("results", "driver")}
        assert not {name for name in reached if Path(name).match("e[0-9][0-9]_*")}
