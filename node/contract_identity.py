"""The identity of a contract: a digest of the sources that decide what it says."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import canonical

PACKAGE = Path(canonical.__file__).parent


@cache
def contract_id(name: str, package: Path = PACKAGE) -> str:
    """The name and the SHA-256 of contract `name` ("matching/1"): of its sources and of all they rest on.

    package: where the canonical package lies. Raises ValueError where there is no such contract.
    """
    digest = hashlib.sha256(f"yakujo contract {name}\n".encode())
    for path in contract_sources(name, package):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()} {len(source)}\n".encode() + source)
    return f"{name}:{digest.hexdigest()}"


def contract_sources(name: str, package: Path) -> list[Path]:
    """The modules of the contract's version and those of the package that they import, directly or not."""
    family, _, version = name.partition("/")
    waiting = sorted((package / "contracts" / family / f"v{version}").glob("*.py"))
    if not waiting:
        raise ValueError(f"there is no contract {name}")
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path, package)
    return sorted(found)


def _imported(path: Path, package: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for first, *rest in (name.split(".") for name in names):
            if first == package.name and rest:
                module = package.joinpath(*rest)
                yield from (f for f in (module.with_suffix(".py"), module / "__init__.py") if f.is_file())
