"""Content keys: code and settings change them, comments and docstrings do not."""

import shutil
import subprocess

import pytest
from pipeline_project import ROOT, TOY, TOY_PROFILES, Project

from experiments.driver import profiles
from experiments.driver.code import Writer, parse
from experiments.driver.errors import DriverError
from experiments.driver.keys import Module, Sources

LATER = """
import sys
sys.path.insert(0, ".")
from experiments.driver.keys import *
sources = Sources([Path(".")])
scripts = sorted(Path("experiments").glob("e*/experiment.py"))
print([sources.digests(path, "jax") for path in scripts])
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
        (TOY, "# %%\nimport", "# a remark\n# %%\n\nimport"),
        (TOY, "# # A throw", "# # Another throw"),
        (TOY, "for run in", "for run  in"),
        ("raikeras/model.py", "from ._steps", '"""What it holds."""\nfrom ._steps'),
        ("raikeras/model.py", "(x):\n", '(x):\n    """Twice x."""\n'),
        ("raikeras/model.py", "    return", "    # why\n    return"),
        ("raikeras/unused.py", "X = 1", "X = 2"),
        ("raikeras/__init__.py", '"""\n', '"""\nX = 2\n'),
        (TOY_PROFILES, "[e01_toy]", "# a remark\n[e01_toy]"),
        (
            TOY_PROFILES,
            "seeds = 2",
            "seeds = 2\na = { seeds = 2, size = 2 }",
        ),
    ],
)
def test_key_stays(project, name, old, new):
    before = keys(project)
    project.edit(name, old, new)
    assert keys(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (TOY, "double(", "3 * double("),
        (TOY, '"rate": 0.5', '"rate": 0.25'),
        ("raikeras/model.py", "2 * x", "2.0 * x"),
        ("raikeras/model.py", "2 * x", '"2" * x'),
        ("raikeras/_steps/jax.py", "STEP = 1", "STEP = True"),
        (TOY_PROFILES, 'backend = "jax"', 'backend = "tensorflow"'),
    ],
)
def test_every_key_changes(project, name, old, new):
    before = keys(project)
    project.edit(name, old, new)
    assert not set(before.values()) & set(keys(project).values())


def reached(project, backend="jax"):
    sources = Sources([project.root])
    found = sources.reached(project.root / "experiments" / "e01_toy" / "experiment.py", backend)
    return {(module.name, name) for module, name, _ in found}


# What a result may depend on, besides what its script names

USES = """
import importlib
import numpy as np
from raikeras import helpers
from raikeras.helpers import Kind, apply as applied

TABLE = {}
TABLE["kind"] = Kind

def unrelated():
    return 1

def double(x, kind: Kind = None):
    items = [helpers for helpers in (x,)]
    def inner(applied):
        return applied
    return helpers.apply(np.asarray(items), TABLE) + load("jax").STEP

def load(name):
    return importlib.import_module(f"raikeras._steps.{name}")
"""
HELPERS = """
SIZE = 2

class Kind:
    size = SIZE

def apply(x, table):
    return len(table) * x.sum()

def other():
    return 3
"""


@pytest.fixture
def uses(project):
    project.write("raikeras/model.py", USES)
    project.write("raikeras/helpers.py", HELPERS)
    return project


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("raikeras/model.py", "return 1", "return 2"),
        ("raikeras/helpers.py", "return 3", "return 4"),
        ("raikeras/model.py", "kind: Kind = None", "kind=None"),
        ("raikeras/model.py", "import numpy as np", "import numpy as np\nimport math as np_math"),
        ("raikeras/_steps/tensorflow.py", "STEP = 1", "STEP = 2"),
        ("requirements/all.txt", "tensorflow==2", "tensorflow==3"),
        ("requirements/all.txt", "pandas==2", "pandas==3"),
        ("requirements/all.txt", "hash=sha256:a", "hash=sha256:b"),
    ],
)
def test_what_no_result_depends_on_changes_no_key(uses, name, old, new):
    uses.write("raikeras/_steps/tensorflow.py", "STEP = 1\n")
    uses.write("requirements/all.txt", "tensorflow==2 \\\n    --hash=sha256:a\npandas==2\n")
    before = keys(uses)
    uses.edit(name, old, new)
    assert keys(uses) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("raikeras/helpers.py", "SIZE = 2", "SIZE = 3"),
        ("raikeras/helpers.py", "x.sum()", "x.mean()"),
        ("raikeras/model.py", 'TABLE["kind"]', 'TABLE["other"]'),
        ("raikeras/model.py", "import numpy as np", "import jax.numpy as np"),
        ("raikeras/model.py", "helpers.apply(", "helpers.other("),
        ("raikeras/model.py", "return applied\n", "return items\n"),
        ("raikeras/_steps/jax.py", "STEP = 1", "OTHER = 1"),
        ("requirements/all.txt", "keras==3", "keras==4"),
        ("requirements/all.txt", "jaxlib==0.1 ; python", "jaxlib==0.2 ; python"),
    ],
)
def test_what_a_result_depends_on_changes_its_key(uses, name, old, new):
    uses.write("requirements/all.txt", "keras==3\njaxlib==0.1 ; python >= '3'\n")
    before = keys(uses)
    uses.edit(name, old, new)
    assert not set(before.values()) & set(keys(uses).values())


def test_two_functions_that_change_places_change_the_key(uses):
    uses.edit(
        "raikeras/helpers.py", "def other():\n    return 3", "def other(x, table):\n    return x"
    )
    uses.edit("raikeras/model.py", "TABLE) +", "TABLE) - helpers.other(x, x) +")
    before = keys(uses)
    uses.edit("raikeras/model.py", "helpers.apply", "helpers.once")
    uses.edit("raikeras/model.py", "helpers.other", "helpers.apply")
    uses.edit("raikeras/model.py", "helpers.once", "helpers.other")
    assert not set(before.values()) & set(keys(uses).values())


@pytest.mark.parametrize(
    "how", ["from raikeras import double", "from raikeras.model import double as double"]
)
def test_the_way_by_which_something_is_imported_is_not_in_the_key(uses, how):
    uses.write("raikeras/__init__.py", "from raikeras.model import double\n")
    before = keys(uses)
    uses.edit(TOY, "from raikeras.model import double", how)
    assert keys(uses) == before
    uses.edit(TOY, how, "import raikeras")
    uses.edit(TOY, "double(", "raikeras.double(")
    assert keys(uses) == before


HERE = "from raikeras.helpers import apply, other\n"
MATH = "import raikeras.helpers as helpers\n"


@pytest.mark.parametrize(
    ("model", "old", "new"),
    [
        # who calls whom, further away
        (
            HERE + "def f(x):\n    return apply(x, 1)\ndef g(x):\n    return other()\n"
            "def double(x):\n    return f(x) - g(x)\n",
            "f(x) - g(x)",
            "g(x) - f(x)",
        ),
        (
            MATH + "import raikeras._steps as steps\n"
            "def double(x, one=None):\n    return one(helpers, steps)\n",
            "helpers, steps)",
            "steps, helpers)",
        ),
        # what is done when a module is imported
        (HERE + "TABLE = {}\n@TABLE.setdefault\ndef f(x):\n    return 1\n", "return 1", "return 2"),
        (HERE + "T = []\nclass K:\n    T.append(1)\n", "append(1)", "append(2)"),
        (HERE + "T = []\ndef f(a=T.append(1)):\n    pass\n", "append(1)", "append(2)"),
        (HERE + "T = []\n_ = T.append(1)\n", "append(1)", "append(2)"),
        (HERE + "T = U = []\nU += [1]\n", "[1]", "[2]"),
        # names that mean several things
        (
            "try:\n    from raikeras.helpers import apply\n"
            "except ImportError:\n    from raikeras.helpers import other as apply\n"
            "def double(x):\n    return apply(x, 1)\n",
            "import other as",
            "import Kind as",
        ),
        (
            "import functools\n" + HERE + "apply = functools.cache(apply)\n"
            "def double(x):\n    return apply(x, 1)\n",
            "import apply, other",
            "import other as apply",
        ),
        (
            "def double(x):\n    apply = None\n    if x:\n"
            "        from raikeras.helpers import apply\n    return apply\n",
            "import apply",
            "import other as apply",
        ),
        (
            HERE + "def double(x):\n    apply = 1\n    def inner():\n        global apply\n"
            "        return apply\n    return inner, apply\n",
            "import apply, other",
            "import other as apply",
        ),
        (MATH + "def double(x):\n    return helpers.apply(x)\n", "raikeras.helpers as", "math as"),
        # arguments
        ("def double(x, *, a, b=1):\n    return a\n", "a, b=1", "a=1, b"),
        ("def double(x, a, b=1):\n    return a\n", "a, b=1", "a=1, *, b"),
        # annotations that act
        (
            "class K:\n    size: int = 2\ndef double(x):\n    return K\n",
            "size: int",
            "size: float",
        ),
        (
            "import functools\n@functools.singledispatch\ndef double(x: int):\n    return x\n",
            "x: int",
            "x: float",
        ),
    ],
)
def test_what_is_easily_overlooked_is_in_the_key(uses, model, old, new):
    if "def double" not in model:
        model += "def double(x):\n    return x\n"
    uses.write("raikeras/model.py", model)
    before = keys(uses)
    uses.edit("raikeras/model.py", old, new)
    assert not set(before.values()) & set(keys(uses).values())


def test_what_the_modules_between_do_is_in_the_key(uses):
    uses.write("raikeras/api.py", "import os\nfrom .model import double\nos.environ['A'] = '1'\n")
    uses.edit(TOY, "raikeras.model import", "raikeras.api import")
    before = keys(uses)
    uses.edit("raikeras/api.py", "'1'", "'2'")
    assert not set(before.values()) & set(keys(uses).values())


def test_a_script_that_takes_a_name_again_still_depends_on_its_import(uses):
    uses.edit(
        TOY,
        "import time\n",
        "import time\nfor double in (double,):\n    pass\n",
    )
    before = keys(uses)
    uses.edit("raikeras/helpers.py", "x.sum()", "x.mean()")
    assert not set(before.values()) & set(keys(uses).values())


def test_what_a_module_hands_on_from_another_library_is_in_the_key(uses):
    uses.edit("raikeras/helpers.py", "SIZE = 2", "import numpy as xp\nSIZE = 2")
    uses.edit("raikeras/model.py", "import numpy as np", "from raikeras.helpers import xp as np")
    before = keys(uses)
    uses.edit("raikeras/helpers.py", "import numpy as xp", "import jax.numpy as xp")
    assert not set(before.values()) & set(keys(uses).values())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("class K:\n    import math\ndef double(x):\n    return K\n", "outside class bodies"),
        ("NAMES = ['a']\n__all__ = NAMES\ndef double(x):\n    return x\n", "`__all__` must be"),
    ],
)
def test_code_that_keys_cannot_follow_is_one_error(uses, code, words):
    uses.write("raikeras/model.py", code)
    with pytest.raises(DriverError, match=words):
        keys(uses)


def test_found_digests_are_kept_until_code_changes(uses, monkeypatch):
    before = keys(uses)
    assert (uses.root / "build" / "keys.json").is_file()
    monkeypatch.setattr(Sources, "_digests", None)
    assert keys(uses) == before
    (uses.root / "build" / "keys.json").write_text('{"code": "", "digests": null}')
    with pytest.raises(TypeError):  # nothing is kept, so it asks again
        keys(uses)
    monkeypatch.undo()
    assert keys(uses) == before
    uses.edit("raikeras/helpers.py", "SIZE = 2", "SIZE = 3")
    assert keys(uses) != before


def test_renaming_a_module_changes_no_key(uses):
    before = keys(uses)
    uses.write("raikeras/tools/new.py", HELPERS)
    (uses.root / "raikeras" / "helpers.py").unlink()
    uses.edit("raikeras/model.py", "from raikeras import helpers", "from .tools import new")
    uses.edit("raikeras/model.py", "from raikeras.helpers", "from raikeras.tools.new")
    uses.edit("raikeras/model.py", "helpers.apply(", "new.apply(")
    assert keys(uses) == before


MOVED = {
    "raikeras/network/chain.py": "raikeras/chains/chain.py",
    "raikeras/training/overflow.py": "raikeras/guard/guard.py",
    "raikeras/optimizers.py": "raikeras/optimizers/rprop.py",
    "experiments/common/vectorised.py": "experiments/many/runs.py",
}


def test_moving_files_changes_no_key_of_the_project(tmp_path):
    """On a copy, whose old modules show what the new ones define."""
    for folder in ("raikeras", "experiments", "benchmarks", "requirements"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)

    def all_keys():
        found = profiles.load(tmp_path, "full", [], committed=True)
        return {f"{one.name}/{run.path}": run.key for one in found for run in one.runs}

    before = all_keys()
    assert len(before) > 1000
    for old, new in MOVED.items():
        source, target = tmp_path / old, tmp_path / new
        target.parent.mkdir()
        source.rename(target)
        names = ", ".join(Module("", target).defining)
        module = new.removesuffix(".py").replace("/", ".")
        shows = source if not source.with_suffix("").is_dir() else target.parent / "__init__.py"
        shows.write_text(f"from {module} import {names}\n")
    assert all_keys() == before


def test_setting_of_one_variant_changes_its_keys_alone(project):
    before = keys(project)
    project.edit(TOY_PROFILES, "size = 3", "size = 4")
    changed = {path for path, key in keys(project).items() if key != before[path]}
    assert changed == {"b/seed-0.json", "b/seed-1.json"}


def test_profile_and_seed_entries_go_over_the_variants(project):
    project.edit(
        TOY_PROFILES,
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
        "experiments/common/tools.py",
        "def f():\n    import raikeras.unused\n    from raikeras import model, VERSION\n",
    )
    project.edit(
        TOY,
        "import time",
        "from experiments.common import tools\ntools.f()",
    )
    assert reached(project) >= {
        ("experiments.common.tools", "f"),
        ("raikeras.unused", ""),
        ("raikeras.model", "double"),
        ("raikeras._steps", "load"),
        ("raikeras._steps.jax", "STEP"),
    }


def test_import_that_cannot_be_followed_is_an_error(project):
    project.edit("raikeras/model.py", "def double", "__import__(NAME)\ndef double")
    with pytest.raises(DriverError, match="literal absolute name.*Received: NAME"):
        keys(project)


def test_dump_tells_apart_what_differs_and_nothing_else(tmp_path):
    def dump(text):
        path = tmp_path / "code.py"
        path.write_text(text)
        return Writer(lambda name: name, "", {}).text(parse(path))

    assert dump("x = 'a'") == dump('x = u"a"  # same') != dump("x = b'a'")
    assert dump("return_ = None") != dump("return_ = 0")
    assert dump("def f():\n    'doc'\n    return None") != dump("def f():\n    return")
    assert dump("{**a}") != dump("{None: a}")
    assert dump("class A:\n    'doc'\n") == dump("class A:\n    'other'\n")
    assert dump("f(a)(b)") != dump("f(a, b)")


@pytest.mark.parametrize("minor", [12, 13, 14])
def test_other_pythons_make_the_same_keys(minor):
    """Otherwise the committed reference would look stale to their users."""
    commands = [("python3.11", "-c", LATER), (f"python3.{minor}", "-c", LATER)]
    said = []
    for command in commands:
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip(f"needs {command[0]}")
        if done.returncode:
            pytest.skip(f"{command[0]} does not run here")
        said.append(done.stdout)
    assert said[0] == said[1] != ""


def test_the_projects_own_experiments_depend_on_their_own_modules_only():
    sources = Sources([ROOT])
    for script in sorted((ROOT / "experiments").glob("e*/experiment.py")):
        modules = {module.name for module, *_ in sources.reached(script, "jax")} - {""}
        assert modules
        folders = {name.split(".")[1] for name in modules if name.startswith("experiments.")}
        assert folders <= {"common", script.parent.name}
