"""The oldest versions allowed are the ones that `make test-floor` installs; what it leaves out."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BACKENDS = ("tensorflow", "jax")
AGAIN = "make lock UPGRADE=--upgrade"


def version(text: str) -> tuple[int, ...]:
    """A version's numbers, without the zeros that end it: 3.12 is 3.12.0."""
    numbers = [int(number) for number in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def pins(name: str) -> dict[str, list[str]]:
    """What a file in requirements/ installs: versions by package, several where Pythons differ."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "requirements" / name).read_text("utf-8")
    for package, pin in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE):
        found.setdefault(package, []).append(pin)
    return found


def bounds(*extras: str) -> dict[str, str]:
    """The specifiers of pyproject's requirements by package."""
    extra = PROJECT["optional-dependencies"]
    words = [*PROJECT["dependencies"], *(word for name in extras for word in extra[name])]
    return dict(re.fullmatch(r"([\w-]+)(.*)", word).groups() for word in words)


def test_the_floors_install_exactly_the_lower_bounds():
    installed = [pins(f"floor-{backend}.txt") for backend in BACKENDS]
    for package, specifier in bounds(*BACKENDS, "dev").items():
        # One backend may need newer ones than the other: JAX 0.7 needs NumPy 2.
        lowest = min(version(pin) for floor in installed for pin in floor.get(package, []))
        assert lowest == version(re.match(r">=([\d.]+)", specifier)[1]), f"{package}: {AGAIN}"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_floor_has_one_backend_alone(backend):
    assert {"tensorflow", "jax", "torch"} & set(pins(f"floor-{backend}.txt")) == {backend}


def test_keras_has_an_upper_bound_just_above_the_version_that_the_whole_suite_runs_on():
    (newest,) = pins("all.txt")["keras"]
    major, minor, *_ = version(newest)
    assert bounds()["keras"].endswith(f",<{major}.{minor + 1}")


def test_the_floor_is_python_s_too():
    assert PROJECT["requires-python"] == ">=3.11"
    assert "--python-version 3.11 " in (ROOT / "Makefile").read_text("utf-8")


def test_the_librarys_tests_need_neither_experiments_nor_benchmarks():
    """They are what `make test-floor` runs, where only the library's requirements are installed."""
    for path in (ROOT / "tests" / "library").glob("*.py"):
        assert not imported(path) & {"experiments", "benchmarks", "report"}, path.name


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}
