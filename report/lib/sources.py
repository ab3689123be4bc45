"""Which files something that is shown is made by: its module, what that imports, their data."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = (".toml", ".json")


@functools.cache
def reached(file: Path) -> frozenset[Path]:
    """A module of report/, the modules of report/ that it reaches, the data files that these name.

    Data files lie beside the module that names them.
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _named(path)
    return frozenset(found)


@functools.cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def _named(path: Path) -> tuple[Path, ...]:
    """The files that a module names itself."""
    if path.suffix in DATA:
        return ()
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom):
            found.append(_module(node.module or ""))
            found += [_module(f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [_module(alias.name) for alias in node.names]
        elif isinstance(node, ast.Constant) and str(node.value).endswith(DATA):
            found.append(path.with_name(str(node.value).rpartition("/")[2]))
    if path == ROOT / "report" / "lib" / "studies.py":  # which imports what it finds
        found += (ROOT / "report" / "studies").glob("*/looks.py")
    return tuple(one for one in found if one.is_file())


def _module(name: str) -> Path:
    """Where a module of the report would lie; nothing that is shown is made of others."""
    own = name if name.startswith("report.") else "report"
    return ROOT.joinpath(*own.split(".")).with_suffix(".py")
