"""Make adapters/iso20022_trees/*.json from ISO 20022 schemas: names, cardinalities, facets, nothing else.

    python scripts/iso20022_trees.py DIRECTORY_OF_XSD MESSAGE ... [--to adapters/iso20022_trees]

The schemas (iso20022.org) stay outside the package. A schema that uses a construct these tables cannot
hold is an error, so that a table never says less than its schema in silence.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
FACETS = {
    "minLength": "length_min",
    "maxLength": "length_max",
    "totalDigits": "digits",
    "fractionDigits": "decimals",
    "minInclusive": "minimum",
    "pattern": "pattern",
}
NUMBERS = {"minLength", "maxLength", "totalDigits", "fractionDigits"}


def main() -> None:
    """Write one table per message named on the command line."""
    parser = argparse.ArgumentParser(description="Make the tables of ISO 20022 messages from their schemas.")
    parser.add_argument("directory", type=Path, help="where the .xsd files are")
    parser.add_argument("messages", nargs="+", help="setr.027.001.05 ...")
    parser.add_argument(
        "--to", type=Path, default=Path("adapters/iso20022_trees"), help="where the tables go"
    )
    options = parser.parse_args()
    for message in options.messages:
        schema = etree.parse(options.directory / f"{message}.xsd").getroot()
        (options.to / f"{message}.json").write_text(rendered(table_of(schema)), encoding="utf-8")


def table_of(schema: etree._Element) -> dict[str, Any]:
    """The root element, the parts (complex types) and the texts (simple types) of one schema."""
    [root] = schema.findall(f"{XS}element")
    parts = {name_of(node): part_of(node) for node in schema.findall(f"{XS}complexType")}
    texts = {name_of(node): text_of(node) for node in schema.findall(f"{XS}simpleType")}
    return {"root": f"{name_of(root)} {root.attrib['type']}", "parts": parts, "texts": texts}


def part_of(node: etree._Element) -> dict[str, Any]:
    """One complex type: its elements in order, its alternatives, any content, or a text with attributes."""
    [body] = node
    kind = local(body)
    if kind == "simpleContent":
        [extension] = body
        attributes = {name_of(a): required(a) for a in extension}
        return {"text": extension.attrib["base"], "attributes": attributes}
    if kind not in ("sequence", "choice") or body.attrib:
        raise ValueError(f"{name_of(node)}: {kind} with {dict(body.attrib)} is not understood")
    if [local(child) for child in body] == ["any"]:
        return {"any": body[0].attrib["namespace"]}
    return {kind: [element_of(child) for child in body]}


def element_of(node: etree._Element) -> str:
    """An element as "name type least..most", most being * where there is no limit."""
    if local(node) != "element" or set(node.attrib) - {"name", "type", "minOccurs", "maxOccurs"}:
        raise ValueError(f"{local(node)} with {dict(node.attrib)} is not understood")
    most = node.attrib.get("maxOccurs", "1").replace("unbounded", "*")
    return f"{name_of(node)} {node.attrib['type']} {node.attrib.get('minOccurs', '1')}..{most}"


def text_of(node: etree._Element) -> dict[str, Any]:
    """One simple type: its base and its facets."""
    [restriction] = node
    text: dict[str, Any] = {"base": restriction.attrib["base"].removeprefix("xs:")}
    for facet in restriction:
        kind, value = local(facet), facet.attrib["value"]
        if kind == "enumeration":
            text.setdefault("codes", []).append(value)
        elif FACETS[kind] in text:
            raise ValueError(f"{name_of(node)}: two facets {kind} are not understood")
        else:
            text[FACETS[kind]] = int(value) if kind in NUMBERS else value
    return text


def required(node: etree._Element) -> str:
    """The type of an attribute, which must be a required one."""
    if local(node) != "attribute" or node.attrib.get("use") != "required":
        raise ValueError(f"{local(node)} with {dict(node.attrib)} is not understood")
    return node.attrib["type"]


def name_of(node: etree._Element) -> str:
    """The name attribute of a schema node."""
    return node.attrib["name"]


def local(node: etree._Element) -> str:
    """The name of a schema node's own element without its namespace."""
    return etree.QName(node).localname


def rendered(table: dict[str, Any]) -> str:
    """The table as JSON with one type per line, which keeps differences readable."""
    sections = [f'"root": {json.dumps(table["root"])}']
    for section in ("parts", "texts"):
        lines = [f"{json.dumps(name)}: {json.dumps(body)}" for name, body in sorted(table[section].items())]
        sections.append(f'"{section}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


if __name__ == "__main__":
    main()
