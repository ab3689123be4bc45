"""Code as text that says what it does, not where it lies: for content keys.

Comments, docstrings and annotations are left out, imports too: a name stands for what it means, a
name of another package (`numpy.asarray`) or a definition of the project, of which the text only
says that there is one. The dump is our own because `ast.dump` differs between Python versions.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.driver.errors import DriverError

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
LEFT_OUT = ("kind", "type_comment")
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)

# What a name may mean where it stands: dotted names; none for a variable of a function.
Scope = dict[str, tuple[str, ...]]
# What stands in the text for a dotted name.
Meaning = Callable[[str], str]
# Decorators and functions that do nothing to other code.
HARMLESS = {
    "abstractmethod", "cache", "classmethod", "contextmanager", "custom_gradient", "dataclass",
    "dict", "documented_as", "float", "frozenset", "int", "jit", "len", "list", "lru_cache",
    "namedtuple", "overload", "partial", "property", "register_keras_serializable", "set",
    "setter", "sorted", "sqrt", "staticmethod", "tuple", "vmap", "wraps", "zip",
}  # fmt: skip


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


class Writer:
    """Writes code of a module as text.

    Args:
        meaning: Called with every dotted name that the code uses and that is no variable of a
            function: `model.RelaxedModel.fit` may stand for `raikeras.model.RelaxedModel`.
        package: Name of the module's package, for relative imports.
        names: What the module's own names mean, as a `Scope`.
    """

    def __init__(self, meaning: Meaning, package: str, names: Scope):
        self._meaning, self._package = meaning, package
        self._scopes = [names]

    def text(self, node: Any) -> str:
        """Node names and their non-empty fields."""
        if isinstance(node, list):
            return "[" + ",".join(filter(None, map(self.text, node))) + "]"
        if isinstance(node, ast.Import | ast.ImportFrom):
            return ""
        if not isinstance(node, ast.AST):
            return repr(node)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            found = self._name(node)
            if found is not None:
                return found
        if isinstance(node, SCOPES):
            return self._scope(node)
        return self._fields(node)

    def _name(self, node: ast.AST) -> str | None:
        """A dotted name as what it means; `None` if it is none or is a function's variable."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        for scope in reversed(self._scopes):
            if node.id in scope:
                found = [".".join([target, *attributes]) for target in scope[node.id]]
                return "|".join(map(self._meaning, found)) or None
        return None  # a builtin

    def _scope(self, node: Any) -> str:
        if isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.Import | ast.ImportFrom):
                    raise DriverError(
                        "An import must stand outside class bodies, so that content keys can "
                        f"follow it. Received: {ast.unparse(one)} in class {node.name}"
                    )
            return self._fields(node)  # its names are not those of its methods
        # These are read outside, so a name that is bound inside is none of theirs.
        outside = [getattr(node, "decorator_list", [])]
        if isinstance(node, COMPREHENSIONS):
            outside.append(node.generators[0].iter)
        else:
            outside += [node.args.defaults, node.args.kw_defaults]
        before = ";".join(map(self.text, outside))
        own = bound(node, self._package)
        for name in asked_of_module(node):
            own[name] = self._scopes[0].get(name, ())
        self._scopes.append(own)
        skipped = ["decorator_list", "defaults", "kw_defaults"]
        if not any(map(_decorates, getattr(node, "decorator_list", []))):
            skipped += ["annotation", "returns"]
        inside = self._fields(node, skipped)
        self._scopes.pop()
        return f"{before};{inside}"

    def _fields(self, node: ast.AST, skipped: Sequence[str] = ()) -> str:
        parts = []
        for field in node._fields:
            value: Any = getattr(node, field, None)
            if field == "body" and isinstance(node, DOCUMENTED) and has_docstring(node):
                value = value[1:]
            # Newer Pythons add empty fields (type_params) and string prefixes are no code.
            empty = value is None and field != "value" or value == []
            if empty or field in LEFT_OUT or field in skipped:
                continue
            if isinstance(value, ast.arguments):
                parts.append(f"args={self._arguments(value, skipped)}")
            else:
                parts.append(f"{field}={self.text(value)}")
        return f"{type(node).__name__}({','.join(parts)})"

    def _arguments(self, node: ast.arguments, skipped: Sequence[str]) -> str:
        parts = []
        for field in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            value = getattr(node, field)
            each = value if isinstance(value, list) else [value] if value else []
            parts.append(f"{field}=[{','.join(self._fields(one, skipped) for one in each)}]")
        return ",".join(parts)


def acts(node: Any) -> bool:
    """Whether running an expression, or making a class or function, may change other things.

    Calling anything may, but for what is `HARMLESS`.
    """
    if node is None or isinstance(node, ast.Lambda):
        return False
    if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
        inside = [*getattr(node, "bases", []), *getattr(node, "keywords", [])]
        if isinstance(node, ast.ClassDef):
            inside += node.body
        else:
            inside += [*node.args.defaults, *node.args.kw_defaults]
        return any(map(_decorates, node.decorator_list)) or any(map(acts, inside))
    if isinstance(node, ast.Call) and _called(node.func) not in HARMLESS:
        return True
    return any(map(acts, ast.iter_child_nodes(node)))


def _decorates(node: ast.expr) -> bool:
    return acts(node) or _called(node.func if isinstance(node, ast.Call) else node) not in HARMLESS


def _called(node: ast.expr) -> str:
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


def asked_of_module(function: Any) -> set[str]:
    """The names that a function declares global."""
    inside = [node for node in ast.walk(function) if isinstance(node, ast.Global)]
    return {name for node in inside for name in node.names}


def has_docstring(node: Any) -> bool:
    """Whether a module, class or function begins with one."""
    return ast.get_docstring(node, clean=False) is not None


def bound(scope: Any, package: str) -> Scope:
    """The names that a function, lambda or comprehension binds itself, imports by what they mean.

    Those of scopes inside it are not among them.
    """
    if isinstance(scope, COMPREHENSIONS):
        return bound_by([generator.target for generator in scope.generators], package)
    arguments = scope.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one]
    body = scope.body if isinstance(scope.body, list) else [scope.body]
    return {one.arg: () for one in every} | bound_by(body, package)


def bound_by(nodes: list, package: str) -> Scope:
    """The same of statements or expressions; a name that is bound twice means all of it."""
    found: Scope = {}
    outer: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer |= set(node.names)
        for name, targets in binds(node, package).items():
            found[name] = tuple(sorted({*found.get(name, ()), *targets}))
        if not isinstance(node, SCOPES):
            waiting += ast.iter_child_nodes(node)
        elif isinstance(node, COMPREHENSIONS):
            walrus = [one for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
            found = {one.target.id: () for one in walrus} | found
    return {name: targets for name, targets in found.items() if name not in outer}


def binds(node: ast.AST, package: str) -> Scope:
    """The names that this node alone binds where it stands."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        found: Scope = {}
        for name, full in imports(node, package):
            # `import os.path` binds `os`.
            plain = isinstance(node, ast.Import) and full.startswith(f"{name}.")
            plain = plain and any(a.name == full and not a.asname for a in node.names)
            found[name] = (*found.get(name, ()), name if plain else full)
        return found
    if isinstance(node, ast.Name):
        return {} if isinstance(node.ctx, ast.Load) else {node.id: ()}
    # Definitions and exceptions have a name, as have parts of patterns; aliases were seen above.
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return {node.name: ()} if node.name else {}
    if isinstance(node, ast.MatchMapping):
        return {node.rest: ()} if node.rest else {}
    return {}


def imports(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """The names that an import binds, each with the absolute dotted name that is imported.

    `import os.path` binds `os`, which then stands for `os` alone.
    """
    base = ""
    if isinstance(node, ast.ImportFrom):
        base = f"{node.module}." if node.module else ""
        if node.level:
            parents = package.split(".")
            base = ".".join([*parents[: len(parents) - node.level + 1], base])
    for alias in node.names:
        first = alias.name.partition(".")[0]
        yield alias.asname or first, base + alias.name
