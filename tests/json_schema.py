"""JSON Schema, as much of its language as the project's published schemas use."""

import re
from typing import Any

KINDS = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def faults(definitions: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "") -> list[str]:
    """What a schema does not allow in a value. definitions: those that it refers to, by name."""
    if "$ref" in schema:
        return faults(definitions, definitions[schema["$ref"].rsplit("/", 1)[1]], value, at)
    options = schema.get("oneOf", schema.get("anyOf"))
    if options is not None:
        fits = any(not faults(definitions, option, value, at) for option in options)
        return [] if fits else [f"{at}: none fits"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value} is not listed")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value} is not {schema['const']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value} does not match")
    if "type" in schema and type(value) is not KINDS[schema["type"]]:
        return [*found, f"{at}: {value} is not {schema['type']}"]
    if isinstance(value, list):
        items = schema["items"]
        found += [f for n, each in enumerate(value) for f in faults(definitions, items, each, f"{at}/{n}")]
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, each in value.items():
            known = schema["properties"].get(name)
            within = faults(definitions, known, each, f"{at}/{name}") if known else None
            found += within if within is not None else [f"{at}: {name} is unknown"]
    return found
