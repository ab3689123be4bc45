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

from experiments.driver.code import (
    FUNCTIONS,
    Scope,
    Writer,
    acts,
    bound_by,
    has_docstring,
    imports,
    parse,
)
from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed

# Bookkeeping that scripts import but whose changes cannot change a number.
NOT_IN_KEY = ("experiments.results", "experiments.run", "experiments.driver")
# What computes a result, beside the project's code.
COMPUTES = {
    "tensorflow": ("keras", "numpy", "scipy", "scikit-learn", "tensorflow"),
    "jax": ("keras", "numpy", "scipy", "scikit-learn", "jax", "jaxlib"),
}
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


class Definition(NamedTuple):
    """Something at the top of a module, a name's definition or all that only takes effect.

    Attributes:
        text: What it does, see `driver.code`.
        uses: The project's definitions in it, in order: module and name, `"*"` for the module.
        packages: Those of which a module is imported by a name made at run time.
    """

    text: str
    uses: tuple[tuple["Module", str], ...]
    packages: tuple[str, ...]


class Module:
    """A parsed project file, its top-level names and what they stand for.

    Args:
        name: Its dotted name; `""` for a script.
        path: Its file.

    Attributes:
        body: Its statements.
        defining: The statements that bind a name, imports apart.
        effects: The statements that may do something to other code than binding names.
        names: What its names may mean.
        shown: The names that it hands on from other modules.
        imported: The absolute dotted names of all that it imports, wherever in it.
    """

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        tree = parse(path)
        self.body = tree.body[has_docstring(tree) :]
        self.defining: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        self.names: Scope = {}
        self.shown: set[str] = set()
        for node in self.body:
            own = bound_by([node], self.package)
            if "__all__" in own:
                self.shown |= _listed(node, path)
                continue
            imports_alone = isinstance(node, ast.Import | ast.ImportFrom)
            for key, targets in own.items():
                if not imports_alone:
                    self.defining.setdefault(key, []).append(node)
                    targets = (*targets, f"{name}.{key}")
                self.names[key] = (*self.names.get(key, ()), *targets)
            if not _only_defines(node):
                self.effects.append(node)
        if path.name == "__init__.py":
            self.shown = set(self.names)
        nodes = [one for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)]
        self.imported = {full for node in nodes for _, full in imports(node, self.package)}


class Sources:
    """The project's code, each file read once.

    Args:
        folders: Below which modules are found by their names.
        memo: A file that keeps what was found until any code changes; `None` keeps nothing.
    """

    def __init__(self, folders: list[Path], memo: Path | None = None):
        self._folders, self._memo = folders, memo
        self._code = "" if memo is None else _contents(folders)
        self._kept = {} if memo is None else _kept(memo, self._code)
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
        """Writes the memo, unless code changed meanwhile."""
        if self._memo is not None and _contents(self._folders) == self._code:
            write_if_changed(self._memo, json.dumps({"code": self._code, "digests": self._kept}))

    def _digests(self, script: Path, backend: str) -> list[str]:
        # A module that does nothing by itself leaves no trace: code may be split into files.
        found = [one for one in self.reached(script, backend) if one[1] or _has_effects(one[0])]
        definitions = {(module, name): self._definition(module, name) for module, name, _ in found}
        colours = {key: digest(one.text) for key, one in definitions.items()}
        # As often as it tells more definitions apart: by what they use, by what that uses, ...
        distinct = 0
        while distinct < len(set(colours.values())):
            distinct = len(set(colours.values()))
            colours = {
                key: digest([one.text, [self._colour(use, colours) for use in one.uses]])
                for key, one in definitions.items()
            }
        # Of a module that is handed on as a whole, names are looked up at run time.
        named = {digest([name * exposed, colours[module, name]]) for module, name, exposed in found}
        return sorted(named)

    def _colour(self, use: tuple[Module, str], colours: dict) -> Any:
        if use[1] != "*":
            return colours[use]
        return sorted([name, colours.get((use[0], name), "")] for name in use[0].defining)

    def reached(self, script: Path, backend: str) -> Iterator[tuple[Module, str, bool]]:
        """What a script reaches: module, name (`""`: what takes effect), whether by its name."""
        seen: set[tuple] = set()
        waiting = [(Module("", script), "", False)]
        while waiting:
            module, name, exposed = one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            waiting.append((module, "", False))
            if name == "*":
                waiting += [(module, key, True) for key in module.defining]
                targets = {target for key in module.shown for target in module.names.get(key, ())}
                waiting += [(*found, True) for target in targets for found in self._find(target)]
                continue
            yield one
            if not name:  # it runs what it imports
                waiting += [(each, "", False) for each in self._runs(module)]
            definition = self._definition(module, name)
            waiting += [(*use, False) for use in definition.uses]
            for package in definition.packages:
                waiting += [(each, "*", False) for each in self._imported(package, backend)]

    def _runs(self, module: Module) -> Iterator[Module]:
        """The modules whose statements are run by an import of this one."""
        for full in {module.name, *module.imported}:
            parts = full.split(".")
            for length in range(1, len(parts) + 1):
                found = self._module(".".join(parts[:length]))
                if found and found.path != module.path:
                    yield found

    def _imported(self, package: str, backend: str) -> list[Module]:
        """What an import with a name made at run time finds: the backend's, or all of a package."""
        if not package.endswith("."):
            own = self._module(package)
            return [own] if own else []
        own = self._module(package + backend)
        names = {path.stem for folder in self._folders for path in _inside(folder, package[:-1])}
        every = [own] if own else [self._module(package + name) for name in sorted(names)]
        return [module for module in every if module]

    def _read(self, name: str) -> Module | None:
        if not name or _is_bookkeeping(name):
            return None
        for folder in self._folders:
            base = folder.joinpath(*name.split("."))
            for path in (base / "__init__.py", base.with_suffix(".py")):
                if path.is_file():
                    return Module(name, path)
        return None

    def _find(self, name: str) -> list[tuple[Module, str]]:
        """The definitions that a dotted name may mean, `"*"` for a module; none elsewhere."""
        return [(module, key) for module, key, _ in self._resolve(name) if module]

    def _resolved(self, name: str, asked: tuple[str, ...] = ()) -> list[tuple]:
        """What a dotted name may mean: module, definition and how many of its parts that takes.

        Of other code: `None`, its name there and all parts.
        """
        parts = name.split(".")
        if _is_bookkeeping(name):
            return [(None, name.removeprefix("experiments."), len(parts))]
        tried = [(n, self._module(".".join(parts[:n]))) for n in range(len(parts), 0, -1)]
        places = [(length, module) for length, module in tried if module]
        if not places or name in asked:
            return [(None, name, len(parts))]
        found: list[tuple] = []
        for length, module in places[:2]:  # a package may show something by its module's name
            rest = parts[length:]
            if length < places[0][0] and rest[0] not in module.names:
                continue
            if not rest or rest[0] not in module.names:
                found.append((module, "*", length))
                continue
            for target in module.names[rest[0]]:
                if target == f"{module.name}.{rest[0]}":
                    own = rest[0] in module.defining
                    found += [(module, rest[0], length + 1)] if own else []
                    continue
                full = ".".join([target, *rest[1:]])
                for place, key, taken in self._resolved(full, (*asked, name)):
                    taken += length + 1 - len(target.split("."))
                    found.append((place, key, max(taken, length + 1)))
        return found or [(None, name, len(parts))]

    def _defined(self, module: Module, name: str) -> Definition:
        uses: list[tuple[Module, str]] = []

        def meaning(full: str) -> str:
            texts = []
            for target, key, taken in self._resolve(full):
                if target is None:
                    texts.append(f"<{key}>")
                    continue
                uses.append((target, key))
                function = key != "*" and isinstance(target.defining[key][0], FUNCTIONS)
                texts.append(".".join([f"<{'' if function else key}>", *full.split(".")[taken:]]))
            return "|".join(texts)

        names = module.names
        if module.name and name:
            nodes = module.defining[name]
        elif module.name:
            nodes = module.effects
        else:  # a script is read as a whole, with the names that it gives itself
            nodes = module.body
            own = {key: f".{key}" for key in names}
            names = {key: tuple(t for t in names[key] if t != own[key]) for key in names}
            names = {key: targets for key, targets in names.items() if targets}
        nodes = [_nameless(node) if module.name else node for node in nodes]
        text = Writer(meaning, module.package, names).text(nodes)
        packages = {package for node in nodes for package in at_run_time(node)}
        return Definition(text, tuple(uses), tuple(sorted(packages)))


def _has_effects(module: Module) -> bool:
    return bool(module.effects) or not module.name  # a script


def _is_bookkeeping(name: str) -> bool:
    return f"{name}.".startswith(tuple(f"{one}." for one in NOT_IN_KEY))


def _listed(node: Any, path: Path) -> set[str]:
    """The names in an assignment to `__all__`."""
    try:
        return set(ast.literal_eval(node.value))
    except (ValueError, TypeError, AttributeError):
        raise DriverError(
            f"`__all__` must be a literal list, so that content keys can follow it. Received in "
            f"{path}: {ast.unparse(node)}"
        ) from None


def _contents(folders: list[Path]) -> str:
    """A digest of all Python files below the folders, `build` and hidden ones left out."""
    tops = [top for folder in folders for top in folder.iterdir() if top.is_dir()]
    tops = [top for top in tops if not top.name.startswith(".") and top.name != "build"]
    files = {path for top in tops for path in top.rglob("*.py")}
    files |= {path for folder in folders for path in folder.glob("*.py")}
    read = [(str(path), path.read_bytes()) for path in sorted(files) if path.is_file()]
    return digest([[name, hashlib.sha256(content).hexdigest()] for name, content in read])


def _kept(memo: Path, code: str) -> dict[str, list[str]]:
    """What a memo holds of the present code."""
    try:
        found = json.loads(memo.read_text(encoding="utf-8"))
        return dict(found["digests"]) if found["code"] == code else {}
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
        into = any(isinstance(one, ast.Subscript | ast.Attribute) for one in stored)
        return not into and not isinstance(node, ast.AugAssign) and not acts(node.value)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return not acts(node)
    return isinstance(node, ast.Import | ast.ImportFrom)


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
                given = [*node.args, *(one.value for one in node.keywords)]
                yield _literal(given[0])


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
