"""Content keys: a result is current while its script, its settings and the code it imports are.

A source counts as parsed code without comments and docstrings, so rewording one changes no key.
The dump is our own because the text of `ast.dump` differs between Python versions.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from driver.errors import DriverError

# Bookkeeping that scripts import but whose changes cannot change a number.
NOT_IN_KEY = {"results", "run", "driver"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Sources:
    """Parsed project files, each read once, found below `folders` by their module names."""

    def __init__(self, folders: list[Path]):
        self._folders = folders
        self._digests: dict[Path, str] = {}
        self._imports: dict[Path, set[tuple[str, Path]]] = {}

    def digests(self, script: Path) -> dict[str, str]:
        """Module name -> digest of its code, for a script and all project modules it reaches."""
        reached = {"": script}
        waiting = [("", script)]
        while waiting:
            for name, path in self._read(*waiting.pop()):
                if name not in reached:
                    reached[name] = path
                    waiting.append((name, path))
        return {name: self._digests[path] for name, path in sorted(reached.items())}

    def _read(self, name: str, path: Path) -> set[tuple[str, Path]]:
        if path not in self._imports:
            tree = parse(path)
            self._digests[path] = digest(canonical(tree))
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            self._imports[path] = set(self._follow(tree, package))
        return self._imports[path]

    def _follow(self, tree: ast.AST, package: str) -> Iterator[tuple[str, Path]]:
        for candidates in imported_names(tree, package):
            if candidates[0].partition(".")[0] in NOT_IN_KEY:
                continue
            if candidates[0].endswith("."):
                yield from self._package(candidates[0][:-1])
                continue
            found = next(filter(None, map(self._find, candidates)), None)
            if found:
                yield found

    def _package(self, name: str) -> Iterator[tuple[str, Path]]:
        """All modules of a package: what an import with a name made at run time may reach."""
        for folder in self._folders:
            for path in sorted(folder.joinpath(*name.split(".")).glob("*.py")):
                yield f"{name}.{path.stem}", path

    def _find(self, name: str) -> tuple[str, Path] | None:
        for folder in self._folders:
            base = folder.joinpath(*name.split("."))
            for path in (base.with_suffix(".py"), base / "__init__.py"):
                if path.is_file():
                    return name, path
        return None


def imported_names(tree: ast.AST, package: str) -> Iterator[list[str]]:
    """Absolute names that one import may mean, most specific first.

    `from raikeras.model import RelaxedModel` means raikeras.model, never raikeras/__init__.py.
    A final dot means every module of a package: `import_module(f"raikeras._steps.{name}")`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield [alias.name]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            for alias in node.names:
                yield [f"{base}.{alias.name}", base]
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            yield [_literal(node.args[0])]


def _name(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", "")


def _literal(node: ast.AST) -> str:
    """The text of a string, or an f-string's text before its first expression."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    text = first.value if isinstance(first, ast.Constant) else None
    if isinstance(text, str) and not text.startswith(".") and (first is node or text.endswith(".")):
        return text
    raise DriverError(
        "import_module must be given a literal absolute name or package, as in "
        'f"raikeras._steps.{name}", so that content keys can follow it. '
        f"Received: {ast.unparse(node)}"
    )


def parse(path: Path) -> ast.Module:
    """The file's syntax tree."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise DriverError(
            f"{path} must be valid Python. Received: {error.msg} in line {error.lineno}."
        ) from None
    except OSError as error:
        raise DriverError(f"{path} must be readable. Received: {error.strerror}.") from None


def canonical(node: Any) -> str:
    """Code as text: node names and their non-empty fields, docstrings left out."""
    if isinstance(node, list):
        return "[" + ",".join(map(canonical, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for field in node._fields:
        value = getattr(node, field, None)
        if (
            field == "body"
            and isinstance(node, DOCUMENTED)
            and ast.get_docstring(node, clean=False)
        ):
            value = value[1:]
        # Newer Pythons add empty fields (type_params) and string prefixes are no code.
        if value is None and field != "value" or value == [] or field == "kind":
            continue
        parts.append(f"{field}={canonical(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def digest(value: Any) -> str:
    """A short hash of text or of anything JSON can hold."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
