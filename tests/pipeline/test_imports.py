"""Imports run one way: library on Keras and NumPy alone, the report without Keras, no cycles."""

import ast
import sys
from pathlib import Path

import pytest
from pipeline_project import ROOT

from experiments.driver.code import imports, parse
from experiments.driver.keys import at_run_time

BACKENDS = {"tensorflow", "jax", "torch"}
LIBRARY = sorted((ROOT / "raikeras").rglob("*.py"))
REPORT = sorted((ROOT / "report").rglob("*.py"))
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.py"))
# What stands in one line may import the lines above it, never its own and those below.
LEVELS = [
    ["installed", "checks", "typing"],
    ["transfer", "backend"],
    ["losses", "constraints", "optimizers", "data", "distribution"],
    ["rows", "layers", "datasets"],
    ["network"],
    ["targets", "initializers"],
    ["training"],
    ["model"],
    ["presets", "functional", "diagnostics", "backup", "step", "weight_steps"],
    ["callbacks"],
    ["__init__"],
]
# Private names of Keras that a subclass defines, for Keras calls them.
HOOKS = {"_maybe_symbolic_build", "_direct_assign", "_track_variables", "_value"}


def imported(tree: ast.AST, path: Path = ROOT / "script.py") -> set[str]:
    """The dotted names of all that a file imports, wherever in it."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {target for node in nodes for _, target in imports(node, package)}
    return named | set(at_run_time(tree))


def outside(path: Path) -> set[str]:
    """Top-level packages that a file imports, the standard library's left out."""
    names = {name.partition(".")[0] for name in imported(parse(path), path)}
    return names - set(sys.stdlib_module_names)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_imports_keras_and_numpy_alone_and_backends_only_in_theirs(path):
    allowed = {"keras", "numpy", "raikeras"}
    found = outside(path)
    if path.parent.name == "backend":
        allowed |= BACKENDS
        assert len(found & BACKENDS) <= 1
    if path.name == "uci_tables.py":  # where it downloads, and only then: see the next assertion
        allowed |= {"sklearn"}
        top = [node for node in parse(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not any("sklearn" in ast.unparse(node) for node in top)
    assert found <= allowed


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_does_not_print(path):
    calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    assert "print" not in {getattr(node.func, "id", "") for node in calls}


def private_names(tree: ast.AST) -> tuple[set[str], set[str]]:
    """The names that code defines, and those with an underscore that it looks up in something."""
    defined, used = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Attribute):
            (used if isinstance(node.ctx, ast.Load) else defined).add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.isidentifier():
                used.add(node.value)  # of `getattr`, or a key of a `__dict__`
    private = {one for one in used if one.startswith("_") and not one.endswith("_")}
    return defined, private


def test_private_names_of_keras_stand_in_one_file():
    """With a reason beside each: what has no public counterpart. JAX' stand in its backend."""
    found = {path: private_names(parse(path)) for path in LIBRARY}
    others = [defined for path, (defined, _) in found.items() if path.name != "keras_internals.py"]
    ours = set().union(*others) | {"_replace", "_fields"}
    ours |= {"_slice_of", "_own_value", "_slice_of_released"}  # kept in `__dict__`
    for path, (_, private) in found.items():
        if path.name != "keras_internals.py" and path.stem not in BACKENDS:
            assert private <= ours | HOOKS, path
            assert "keras.src" not in path.read_text()


def module(path: Path) -> str:
    """The dotted name of a file of the library."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in LIBRARY}


def below(path: Path) -> set[str]:
    """The library's modules that a file imports, wherever in it."""
    found = set()
    for full in imported(parse(path), path):
        while full and full not in MODULES and full.rstrip(".") not in MODULES:
            full = full.rpartition(".")[0]
        found |= {full} - {"", module(path)}
    return found


def level(module: str) -> int:
    top = module.removeprefix("raikeras").lstrip(".").partition(".")[0] or "__init__"
    (place,) = [place for place, tops in enumerate(LEVELS) if top in tops]
    return place


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_modules_import_only_what_lies_below_them(path):
    package = module(path).split(".")[:2]
    for found in below(path):
        if found.split(".")[:2] != package:
            assert level(found.rstrip(".")) < level(module(path)), found


def test_no_imports_of_the_library_run_in_a_circle():
    waiting = {name: below(path) - {"raikeras.backend."} for name, path in MODULES.items()}
    while waiting:
        free = {name for name, needs in waiting.items() if not needs & set(waiting)}
        assert free, waiting
        waiting = {name: needs for name, needs in waiting.items() if name not in free}


@pytest.mark.parametrize("path", REPORT, ids=name)
def test_report_never_imports_keras_or_the_library(path):
    assert not outside(path) & {"keras", "raikeras", *BACKENDS}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name)
def test_experiments_do_not_import_the_report(path):
    assert "report" not in outside(path)


def test_the_check_itself_sees_imports_inside_functions(tmp_path):
    tree = ast.parse("def f():\n    from keras import ops\n    import jax.numpy as jnp\n")
    assert imported(tree) == {"keras.ops", "jax.numpy"}
