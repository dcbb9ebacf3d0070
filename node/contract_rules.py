"""What a contract's sources must not hold, so that all nodes compute alike, whatever machine they run on.

    for finding in contract_findings("matching/1"): print(finding)

Judged on the syntax tree, by the tests for the whole pure layer and by each node at its start for the
contracts that it has. A value that a rule cannot see through is judged by its name and annotation.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from node.contract_identity import PACKAGE, contract_sources

# All that the pure layer may import beside itself: no clock, chance, socket, thread, file or environment.
PURE_IMPORTS = """
    __future__ abc bisect collections contextlib dataclasses datetime decimal enum fractions functools
    hashlib itertools json math operator re string types typing unicodedata annotated_types canonical pydantic
    pydantic_core stdnum
""".split()  # noqa: SIM905 - a list of quoted words is harder to read
IMPURE_CALLS = frozenset(
    {"open", "print", "input", "id", "hash", "globals", "eval", "exec", "__import__", "vars", "locals"}
)
IMPURE_METHODS = frozenset({"now", "utcnow", "today", "fromtimestamp"})
CASE_METHODS = frozenset({"upper", "lower", "casefold", "title", "capitalize", "swapcase"})
CHANGING_METHODS = frozenset(
    {
        "append",
        "add",
        "update",
        "extend",
        "insert",
        "remove",
        "discard",
        "pop",
        "popitem",
        "clear",
        "setdefault",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that may differ from node to node. what: with what to do instead."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


Found = Iterator[tuple[int, str]]
"""Lines, and what stands there."""


def contract_findings(*names: str, package: Path = PACKAGE) -> Iterator[Finding]:
    """What breaks the rules in the sources of contracts ("matching/1") and in all they rest on."""
    for path in sorted({path for name in names for path in contract_sources(name, package)}):
        file = path.relative_to(package.parent).as_posix()
        for line, what in findings(ast.parse(path.read_bytes()), is_contract="contracts" in path.parts):
            yield Finding(file, line, what)


def findings(tree: ast.Module, *, is_contract: bool) -> Found:
    """What breaks the rules in one module. is_contract: it is not only built on, but one itself."""
    for rule in (*RULES, *(CONTRACT_RULES if is_contract else ())):
        yield from rule(tree)


def imports(tree: ast.Module) -> Found:
    """A closed list: what is not on it may look at the machine."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [] if node.level else [node.module or ""]
        for name in names:
            if name.split(".")[0] not in PURE_IMPORTS:
                yield node.lineno, f"imports {name}: what a contract needs to know must stand on the ledger"


def floats(tree: ast.Module) -> Found:
    """Binary fractions round otherwise than people agreed to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"float {node.value}: write Decimal('{node.value}')"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float: use Decimal"


def impure_calls(tree: ast.Module) -> Found:
    """Clocks, files, addresses of objects, hashes that differ from process to process."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield node.lineno, f"{name}(): it differs from node to node; compute from the entry alone"
            case ast.Attribute(attr=name, lineno=line) if name in IMPURE_METHODS:
                yield line, f".{name}: time comes from the entry alone"


def set_order(tree: ast.Module) -> Found:
    """The order of a set differs from node to node."""
    sets = {name for found in ast.walk(tree) for name in _set_names(found)}
    for found in ast.walk(tree):
        for each in _iterated(found):
            if _is_set(each) or (isinstance(each, ast.Name) and each.id in sets):
                yield each.lineno, "iterates over a set: sort it first"


def division(tree: ast.Module) -> Found:
    """The quotient of two integers is a float; that of two Decimals has as many digits as the context."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "divides with /: divide Decimals by a context's divide(), integers with //"


def letter_case(tree: ast.Module) -> Found:
    """Tables of Unicode differ between interpreters."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CASE_METHODS
        ):
            yield node.lineno, f".{node.func.attr}(): compare text as it was sent"


def shared_state(tree: ast.Module) -> Found:
    """What one entry leaves in the process, another node's process does not have."""
    shared = {name for node in tree.body for name in _assigned(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Global(names=names):
                yield node.lineno, f"changes {names[0]} of the module: keep it in the state"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if name in shared and method in CHANGING_METHODS:
                    yield node.lineno, f"changes {name} of the module: keep it in the state"
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in shared:
                yield node.lineno, f"changes {name} of the module: keep it in the state"


def bounds(tree: ast.Module) -> Found:
    """What an entry can cause must end: no loop without a condition, no function that calls itself."""
    for node in ast.walk(tree):
        match node:
            case ast.While(test=ast.Constant(value=value)) if value:
                yield node.lineno, "loops without a condition: say when it ends"
            case ast.FunctionDef(name=name):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Call) and _called(inner) == name:
                        yield inner.lineno, f"{name} calls itself: loop over a list, with a bound"


Rule = Callable[[ast.Module], Found]
RULES: tuple[Rule, ...] = (imports, floats, impure_calls)
CONTRACT_RULES: tuple[Rule, ...] = (set_order, division, letter_case, shared_state, bounds)


def _called(call: ast.Call) -> str | None:
    """The function of the module, or the method of the same object, that is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return None


def _assigned(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _set_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_set(value):
            yield name
        case (
            ast.AnnAssign(target=ast.Name(id=name), annotation=kind) | ast.arg(arg=name, annotation=kind)
        ) if kind:
            if re.match(r"(frozen)?set\b|(Mutable|Abstract)?Set\b", ast.unparse(kind)):
                yield name


def _is_set(node: ast.AST) -> bool:
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    return isinstance(node, ast.Set | ast.SetComp) or called in {"set", "frozenset"}


def _iterated(node: ast.AST) -> list[ast.expr]:
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
