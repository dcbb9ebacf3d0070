"""The rules of tidiness, each a function from a source to what breaks it; test_tidy.py applies them."""

import ast
import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAYERS = {
    "canonical": (),
    "adapters": ("canonical",),
    "node": ("canonical", "adapters"),
}  # what each may import

# Formats and links by the first word of their modules' names; none imports another.
FAMILIES = (
    "fix",
    "iso20022",
    "swift_mt",
    "delimited",
    "fixed_width",
    "json_fields",
    "folder",
    "mqtt",
    "http",
)

# A library stays where its reason is: quickfix takes minutes to build, the others are edges.
OWNERS = {
    "quickfix": ("adapters/fix_engine.py", "node/bench/*"),  # the bench parses with it for comparison
    "lxml": ("adapters/iso20022*.py",),
    "nats": ("node/*",),
    "pkcs11": ("node/pkcs11_wrapping.py",),
    "cryptography": ("node/*",),
    "sqlite3": ("node/*",),
    "typer": ("node/*",),
    "rich": ("node/*",),
}

# All that the pure layer may import beside itself: no clock, chance, socket, thread, file or environment.
PURE_IMPORTS = """
    __future__ abc bisect collections contextlib dataclasses datetime decimal enum fractions functools
    hashlib itertools json math operator re string types typing unicodedata annotated_types canonical pydantic
    pydantic_core stdnum
""".split()  # noqa: SIM905 - a list of quoted words is harder to read
IMPURE_CALLS = {"open", "print", "input", "id", "hash", "globals", "eval", "exec", "__import__"}
IMPURE_METHODS = {"now", "utcnow", "today", "fromtimestamp"}

FILE_LINES = 300
FUNCTION_LINES = 50
LONGER: dict[str, str] = {}  # "package/module.py" or "package/module.py:function": why it may be longer

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}  # they say nothing
WORDS = {  # each pattern is written so that it does not find itself
    r"(?<![\w.])/[w]ork/|(?<![\w./])/[r]oot/|/[f]arm\b": "a path of one machine",
    r"[p]ypi\.org|[p]ythonhosted|[r]egistry\.npmjs|[d]eb\.debian": "a registry's host",
    r"(?i)\b[t]his session\b|\b[i]ssue #|\b[i]ssue \d": "how it came to be belongs into no file",
    r"\b[T]ODO\b|\b[F]IXME\b": "unfinished work belongs into an issue",
}
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"}
EXCEPTION = re.compile(
    r"#\s*(?:noqa|type: ignore|pyright: ignore)(?::\s*[A-Z0-9, ]+\b|\[[\w, -]*\])?(?P<reason>.*)"
)


@dataclass(frozen=True)
class Source:
    """One Python file, parsed."""

    path: str  # from the root of the checkout, with slashes
    text: str

    @property
    def package(self) -> str:
        """The folder right under the root."""
        return self.path.split("/")[0]

    @property
    def stem(self) -> str:
        """The module's name."""
        return Path(self.path).stem

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    def imports(self) -> Iterator[str]:
        """The dotted names that the file imports, relative ones made absolute."""
        for found in ast.walk(self.tree):
            if isinstance(found, ast.Import):
                yield from (alias.name for alias in found.names)
            elif isinstance(found, ast.ImportFrom):
                folder = self.path.split("/")[: -found.level] if found.level else []
                base = ".".join([*folder, *filter(None, [found.module])])
                yield base
                yield from (f"{base}.{alias.name}".lstrip(".") for alias in found.names)


def direction(source: Source) -> Iterator[str]:
    """node -> adapters -> canonical, never upward."""
    for name in source.imports():
        top = name.split(".")[0]
        if top in {*LAYERS, "tests"} - {source.package, *LAYERS[source.package]}:
            yield f"{source.package} imports {name}"


def sideways(source: Source) -> Iterator[str]:
    """A format or link knows no other."""
    own = family(source.stem)
    for name in source.imports():
        package, _, rest = name.partition(".")
        other = family(rest.split(".")[0])
        if source.package == package == "adapters" and own and other and own != other:
            yield f"{own} imports {name}"


def family(module: str) -> str | None:
    return next((name for name in FAMILIES if module == name or module.startswith(f"{name}_")), None)


def owned_library(source: Source) -> Iterator[str]:
    for name in source.imports():
        owners = OWNERS.get(name.split(".")[0], ("*",))
        if not any(fnmatch.fnmatch(source.path, owner) for owner in owners):
            yield f"imports {name}, which belongs to {' and '.join(owners)}"


def impure_import(source: Source) -> Iterator[str]:
    for name in source.imports():
        if source.package == "canonical" and name.split(".")[0] not in PURE_IMPORTS:
            yield f"imports {name}"


def impure_code(source: Source) -> Iterator[str]:
    """Floats, clocks, files and object identities have no place in what all nodes must compute alike."""
    for found in ast.walk(source.tree) if source.package == "canonical" else ():
        match found:
            case ast.Constant(value=float() | complex()):
                yield f"line {found.lineno}: float {found.value}"
            case ast.Name(id="float" as name):
                yield f"line {found.lineno}: {name}"
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield f"line {found.lineno}: {name}"
            case ast.Attribute(attr=name) if name in IMPURE_METHODS:
                yield f"line {found.lineno}: .{name}"


def unordered(source: Source) -> Iterator[str]:
    """The order of a set differs from node to node: a contract sorts it first."""
    sets = {name for found in ast.walk(source.tree) for name in set_names(found)}
    for found in ast.walk(source.tree) if source.path.startswith("canonical/contracts/") else ():
        for each in iterated(found):
            if is_set(each) or (isinstance(each, ast.Name) and each.id in sets):
                yield f"line {each.lineno}: iterates over a set"


def set_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_set(value):
            yield name
        case (
            ast.AnnAssign(target=ast.Name(id=name), annotation=kind) | ast.arg(arg=name, annotation=kind)
        ) if kind:
            if re.match(r"(frozen)?set\b|(Mutable|Abstract)?Set\b", ast.unparse(kind)):
                yield name


def is_set(node: ast.AST) -> bool:
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    return isinstance(node, ast.Set | ast.SetComp) or called in {"set", "frozenset"}


def iterated(node: ast.AST) -> list[ast.expr]:
    """What the node goes through in its own order; into a set or a sorted list the order does not matter."""
    match node:
        case ast.For(iter=each):
            return [each]
        case ast.ListComp(generators=parts) | ast.DictComp(generators=parts):
            return [part.iter for part in parts]
        case ast.Call(
            func=ast.Name(id="list" | "tuple" | "next" | "iter" | "enumerate" | "zip" | "map"), args=args
        ):
            return args
        case ast.Call(func=ast.Attribute(attr="join" | "extend"), args=args):
            return args
    return []


def too_long(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES and source.path not in LONGER:
        yield f"{lines} lines, at most {FILE_LINES}"
    for found in ast.walk(source.tree):
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (found.end_lineno or 0) - found.lineno + 1
            if length > FUNCTION_LINES and f"{source.path}:{found.name}" not in LONGER:
                yield f"{found.name} has {length} lines, at most {FUNCTION_LINES}"


def empty_name(source: Source) -> Iterator[str]:
    if EMPTY_NAMES & set(source.stem.split("_")):
        yield "a name that says nothing"


def unexplained(source: Source) -> Iterator[str]:
    """Public functions and classes say what they do; an exception to a linter's rule says why."""
    for found in source.tree.body if source.package in LAYERS else ():
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if ast.get_docstring(found) is None and not found.name.startswith("_"):
                yield f"{found.name} has no docstring"
    for number, line in enumerate(source.text.splitlines(), 1):
        marker = EXCEPTION.search(line)
        if marker and not re.search(r"[a-z]{2}", marker["reason"]):
            yield f"line {number}: an exception without its reason"


Rule = Callable[[Source], Iterator[str]]
PACKAGE_RULES: list[Rule] = [direction, sideways, owned_library, impure_import, impure_code, unordered]
RULES: list[Rule] = [too_long, empty_name, unexplained]


def words(text: str) -> list[str]:
    return [f"{found[0]!r}: {why}" for pattern, why in WORDS.items() for found in re.finditer(pattern, text)]
