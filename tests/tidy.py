"""The rules of tidiness, each a function from a source to what breaks it; test_tidy.py applies them."""

import ast
import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from node.contract_rules import findings

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


def indeterminate(source: Source) -> Iterator[str]:
    """What all nodes must compute alike is computed alike: see node.contract_rules."""
    if source.package == "canonical":
        is_contract = source.path.startswith("canonical/contracts/")
        for line, what in findings(source.tree, is_contract=is_contract):
            yield f"line {line}: {what}"


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
PACKAGE_RULES: list[Rule] = [direction, sideways, owned_library, indeterminate]
RULES: list[Rule] = [too_long, empty_name, unexplained]


def words(text: str) -> list[str]:
    return [f"{found[0]!r}: {why}" for pattern, why in WORDS.items() for found in re.finditer(pattern, text)]
