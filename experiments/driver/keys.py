"""Content keys: a result is current while its script, its settings and the code it reaches are.

What a script reaches are definitions (functions, classes, constants), found through whatever they
are imported from, never whole modules: so moving or renaming a file changes no key, nor does a
definition that no result depends on. Where code asks for a module by a name made at run time, as
for a backend's, it is that of the run's backend. The locked versions of what computes count too.
"""

import ast
import copy
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from driver.code import FUNCTIONS, Scope, Writer, bound_by, has_docstring, imports, parse
from driver.errors import DriverError
from driver.files import write_if_changed

# Bookkeeping that scripts import but whose changes cannot change a number.
NOT_IN_KEY = {"results", "run", "driver"}
# What computes a result, beside the project's code.
COMPUTES = {
    "tensorflow": ("keras", "numpy", "tensorflow"),
    "jax": ("keras", "numpy", "jax", "jaxlib"),
}
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


class Definition(NamedTuple):
    """Something at the top of a module, a name's definition or all that only takes effect.

    Attributes:
        text: What it does, see `driver.code`.
        uses: The dotted names of the project's definitions and modules in it, in order; with a dot
            at the end, a package of which a module is imported by a name made at run time.
    """

    text: str
    uses: tuple[str, ...]


class Module:
    """A parsed project file, its top-level names and what they stand for.

    Args:
        name: Its dotted name; `""` for a script.
        path: Its file.
    """

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        tree = parse(path)
        body = tree.body[has_docstring(tree) :]
        self.defining: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        self.names: Scope = {}
        exported: set[str] = set()
        for node in body:
            own = bound_by([node], self.package)
            if "__all__" in own:
                exported |= set(ast.literal_eval(node.value))
                continue
            self.names |= {key: target or f"{name}.{key}" for key, target in own.items()}
            if not isinstance(node, ast.Import | ast.ImportFrom):
                for key, target in own.items():
                    if target is None:
                        self.defining.setdefault(key, []).append(node)
            if not _only_defines(node):
                self.effects.append(node)
        self.body = body
        read = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)} | exported
        # Imported for what it does, not for a name: `from raikeras import presets` unused.
        self.unread = tuple(
            target
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for key, target in imports(node, self.package)
            if key not in read
        )


class Sources:
    """The project's code, each file read once.

    Args:
        folders: Below which modules are found by their names.
        memo: A file that keeps what was found until any code changes; `None` keeps nothing.
    """

    def __init__(self, folders: list[Path], memo: Path | None = None):
        self._folders, self._memo = folders, memo
        self._code = "" if memo is None else digest(_contents(folders))
        self._kept = {} if memo is None else _kept(memo, self._code)
        self._script = functools.cache(functools.partial(Module, ""))
        self._module = functools.cache(self._read)
        self._resolve = functools.cache(self._resolved)
        self._definition = functools.cache(self._defined)

    def digests(self, script: Path, backend: str) -> list[str]:
        """Digests of a script's code and of all definitions that it reaches, sorted."""
        asked = f"{script} {backend}"
        if asked not in self._kept:
            self._kept[asked] = self._digests(script, backend)
        return self._kept[asked]

    def remember(self) -> None:
        """Writes the memo."""
        if self._memo is not None:
            write_if_changed(self._memo, json.dumps({"code": self._code, "digests": self._kept}))

    def _digests(self, script: Path, backend: str) -> list[str]:
        found = set()
        for module, name, exposed in self.reached(script, backend):
            own = self._definition(module, name)
            uses = [self._find(one) for one in own.uses if not one.endswith(".")]
            around = [self._definition(*one).text for one in uses if one and one[1] != "*"]
            # Of a module that is handed on as a whole, names are looked up at run time.
            found.add(digest([name if exposed else "", own.text, around]))
        return sorted(found)

    def reached(self, script: Path, backend: str) -> Iterator[tuple[Module, str, bool]]:
        """What a script reaches: module, name (`""`: what takes effect), whether by its name."""
        seen: set[tuple] = set()
        waiting = [(self._script(script), "", False)]
        while waiting:
            module, name, exposed = one = waiting.pop()
            if (module.path, name, exposed) in seen:
                continue
            seen.add((module.path, name, exposed))
            if name == "*":
                waiting += [(module, key, True) for key in module.defining]
                if module.path.name == "__init__.py":  # what it shows of others is meant as well
                    others = [
                        target for key, target in module.names.items() if key not in module.defining
                    ]
                    waiting += [(*found, True) for found in map(self._find, others) if found]
                waiting.append((module, "", False))
                continue
            yield one
            waiting.append((module, "", False))
            for use in self._definition(module, name).uses:
                if use.endswith("."):
                    waiting += [(each, "*", False) for each in self._imported(use[:-1], backend)]
                else:
                    found = self._find(use)
                    waiting += [(*found, False)] if found else []

    def _imported(self, package: str, backend: str) -> list[Module]:
        """What an import with a name made at run time finds: the backend's, or all of a package."""
        own = self._module(f"{package}.{backend}")
        if own:
            return [own]
        files = [path for folder in self._folders for path in _inside(folder, package)]
        return [Module(f"{package}.{path.stem}", path) for path in files]

    def _read(self, name: str) -> Module | None:
        if name.partition(".")[0] in NOT_IN_KEY:
            return None
        for folder in self._folders:
            base = folder.joinpath(*name.split("."))
            for path in (base.with_suffix(".py"), base / "__init__.py"):
                if path.is_file():
                    return Module(name, path)
        return None

    def _find(self, name: str) -> tuple[Module, str] | None:
        """The definition that a dotted name means, `"*"` for a module; `None` for other code."""
        found = self._resolve(name)
        return found and found[:2]

    def _resolved(self, name: str) -> tuple[Module, str, int] | None:
        """Besides, how many parts of the name that takes."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            module = self._module(".".join(parts[:length]))
            if module is None:
                continue
            if length == len(parts):
                return module, "*", length
            key = parts[length]
            if key in module.defining:
                return module, key, length + 1
            if key in module.names:  # from elsewhere
                found = self._resolve(".".join([module.names[key], *parts[length + 1 :]]))
                rest = len(module.names[key].split(".")) - 1 - length
                return found and (found[0], found[1], found[2] - rest)
            return module, "*", length
        return None

    def _defined(self, module: Module, name: str) -> Definition:
        uses: list[str] = []

        def meaning(full: str) -> tuple[str, int]:
            found = self._resolve(full)
            if found is None:
                return full, len(full.split("."))
            target, key, length = found
            uses.append(".".join(full.split(".")[:length]))
            if key == "*":
                return "module", length
            (node, *_) = target.defining[key]
            return "" if isinstance(node, FUNCTIONS) else key, length

        if module.name and name:
            nodes = module.defining[name]
        else:
            nodes = module.effects if module.name else module.body
        names = module.names
        if not module.name:  # a script is read as a whole, with the names it gives itself
            names = {key: target for key, target in names.items() if key not in module.defining}
        nodes = [_nameless(node) if module.name else node for node in nodes]
        text = Writer(meaning, module.package, names).text(nodes)
        uses += [one for node in nodes for one in at_run_time(node)]
        uses += [] if name else module.unread
        return Definition(text, tuple(uses))


def _contents(folders: list[Path]) -> list[list[str]]:
    """Names and digests of all Python files below the folders, `build` and hidden ones left out."""
    tops = [top for folder in folders for top in folder.iterdir() if top.is_dir()]
    tops = [top for top in tops if not top.name.startswith(".") and top.name != "build"]
    files = {path for top in (*tops, folders[0]) for path in top.rglob("*.py")}
    return [[str(path), hashlib.sha256(path.read_bytes()).hexdigest()] for path in sorted(files)]


def _kept(memo: Path, code: str) -> dict[str, list[str]]:
    """What a memo holds of the present code."""
    try:
        found = json.loads(memo.read_text(encoding="utf-8"))
        return found["digests"] if found["code"] == code else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # made again, like any file below build/


def versions(lock: Path, backend: str) -> list[str]:
    """The lines of a lock file for what computes on a backend; none without the file."""
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    named = re.compile(rf"({'|'.join(COMPUTES[backend])})==")
    return sorted(line.removesuffix("\\").strip() for line in lines if named.match(line))


def _only_defines(node: ast.stmt) -> bool:
    """Whether a statement at the top of a module does nothing but give names to things."""
    if isinstance(node, ASSIGNMENTS):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        stored = [one for target in targets for one in ast.walk(target)]
        return not any(isinstance(one, ast.Subscript | ast.Attribute) for one in stored)
    return isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom))


def _nameless(node: ast.stmt) -> ast.stmt:
    """A function without its name: who calls it says which one is meant."""
    if not isinstance(node, FUNCTIONS):
        return node
    node = copy.copy(node)
    node.name = ""
    return node


def at_run_time(tree: ast.AST) -> Iterator[str]:
    """What `import_module` is given: a literal name, or a package and a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield _literal(node.args[0])


def _literal(node: ast.AST) -> str:
    """The text of a string, or an f-string's text before its first expression."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    text = first.value if isinstance(first, ast.Constant) else None
    if isinstance(text, str) and not text.startswith(".") and (first is node or text.endswith(".")):
        return text
    raise DriverError(
        "import_module must be given a literal absolute name or package, as in "
        'f"raikeras.backend.{name}", so that content keys can follow it. '
        f"Received: {ast.unparse(node)}"
    )


def _inside(folder: Path, package: str) -> list[Path]:
    files = folder.joinpath(*package.split(".")).glob("*.py")
    return sorted(path for path in files if path.name != "__init__.py")


def digest(value: Any) -> str:
    """A short hash of text or of anything JSON can hold."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
