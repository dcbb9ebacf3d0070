"""The one byte form of canonical objects, and its digest.

JSON, UTF-8, object keys in code point order, no spaces, absent values left out, decimals as text without
exponent or trailing zeros: two equal objects have equal bytes, in any language. Members of objects are
sorted and numbers are never JSON floats, as in the JSON Canonicalization Scheme (RFC 8785, section 3.2).
"""

import hashlib
import json
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from canonical.base import Model

Decoded = TypeVar("Decoded")


def canonical_bytes(value: Model, *without: str) -> bytes:
    """The byte form of `value`; of a canonical one that of all but some fields, if need be."""
    if _is_sorted(type(value)):  # type: ignore[arg-type] # mypy takes the classes for unhashable
        return value.__pydantic_serializer__.to_json(value, exclude_none=True, exclude=set(without) or None)
    assert not without, "what is to be sorted is written whole"
    tree: dict[str, Any] = value.model_dump(mode="json", exclude_none=True)
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Model) -> str:
    """SHA-256 of the byte form, 64 hexadecimal digits, separated by domain from other digests."""
    return digest_of_bytes(canonical_bytes(value))


def digest_of_bytes(raw: bytes) -> str:
    """`digest` of the object whose byte form is `raw`."""
    return hashlib.sha256(b"yakujo canonical 1\n" + raw).hexdigest()


def from_canonical_bytes(adapter: TypeAdapter[Decoded], raw: bytes) -> Decoded:
    """Read `raw` back and check that it is the one byte form of what it says.

    Raises ValueError where it is not (pydantic's ValidationError is one): another node wrote something
    that no node of ours writes.
    """
    value = adapter.validate_json(raw, strict=True)
    if not isinstance(value, Model) or canonical_bytes(value) != raw:
        raise ValueError("not in canonical byte form")
    return value


@cache
def _is_sorted(kind: type[Any]) -> bool:
    """Whether instances of `kind` are written in order: all classes that they hold are, and no mappings."""
    return all(_orderly(part) for part in _schemas(kind.__pydantic_core_schema__))


def _schemas(schema: Any) -> list[dict[str, Any]]:
    """`schema` and all schemas in it."""
    if isinstance(schema, dict):
        return [schema, *(found for part in schema.values() for found in _schemas(part))]
    if isinstance(schema, list | tuple):
        return [found for part in schema for found in _schemas(part)]
    return []


def _orderly(schema: dict[str, Any]) -> bool:
    match schema.get("type"):
        case "model-fields" | "dataclass":
            return list(schema["fields"]) == sorted(schema["fields"])
        case "dict" | "set" | "frozenset" | "any" | "typed-dict":
            return False
    return True
