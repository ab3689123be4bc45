"""Imports run one way: library on Keras and NumPy alone, the report without Keras, no cycles."""

import ast
import sys
from pathlib import Path

import pytest
from driver.code import imports, parse
from driver.keys import at_run_time
from pipeline_project import ROOT

BACKENDS = {"tensorflow", "jax", "torch"}
LIBRARY = sorted((ROOT / "raikeras").rglob("*.py"))
REPORT = sorted((ROOT / "report").rglob("*.py"))
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.py"))
# What stands in one line may import that line and the ones below it, never those above.
LEVELS = [
    {"presets", "callbacks"},
    {"model"},
    {"targets", "weight_steps", "layers", "fused", "data"},
    {"store", "transfer", "losses", "_steps"},
    {"rows"},
]


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
def test_library_imports_keras_and_numpy_alone_and_backends_only_in_steps(path):
    allowed = {"keras", "numpy", "raikeras"}
    found = outside(path)
    if path.parent.name == "_steps":
        allowed |= BACKENDS
        assert len(found & BACKENDS) <= 1
    if path.name == "uci.py":  # where it downloads, and only then: see the next assertion
        allowed |= {"sklearn"}
        top = [node for node in parse(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not any("sklearn" in ast.unparse(node) for node in top)
    assert found <= allowed


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_uses_nothing_of_keras_src_and_does_not_print(path):
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            # One file may, with a reason beside each name: what has no public counterpart.
            assert "keras.src" not in ast.unparse(node) or path.name == "private.py"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print"


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_modules_import_only_what_lies_below_them(path):
    place = {module: level for level, modules in enumerate(LEVELS) for module in modules}
    own = place.get(path.relative_to(ROOT / "raikeras").parts[0].removesuffix(".py"))
    if own is None:
        return  # a helper without a fixed place; the package itself imports everything
    for found in imported(parse(path), path):
        parts = found.split(".")
        if parts[0] == "raikeras" and len(parts) > 1:
            assert place.get(parts[1], own) >= own, found


@pytest.mark.parametrize("path", REPORT, ids=name)
def test_report_never_imports_keras_or_the_library(path):
    assert not outside(path) & {"keras", "raikeras", "results", "driver", *BACKENDS}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name)
def test_experiments_do_not_import_the_report(path):
    assert "report" not in outside(path)


def test_the_check_itself_sees_imports_inside_functions(tmp_path):
    tree = ast.parse("def f():\n    from keras import ops\n    import jax.numpy as jnp\n")
    assert imported(tree) == {"keras.ops", "jax.numpy"}
