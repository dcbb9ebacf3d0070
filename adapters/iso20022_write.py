"""Fields to XML elements, in the order of the tree whatever the order of the fields.

The shape of fields is that of `iso20022_read`. What a tree cannot hold is the caller's mistake and raises
ValueError with its place.
"""

from lxml import etree

from adapters.format import Fields, Value
from adapters.iso20022_facets import Text
from adapters.iso20022_tree import Group, Member, Node, Valued

# Foreign content comes from the caller, but it is text all the same: no entities, no network.
_FOREIGN = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def write(parent: etree._Element, fields: Fields, group: Group, where: str = "") -> None:
    """Put `fields` below `parent`, in its namespace. where: the path so far, for errors."""
    namespace = etree.QName(parent).namespace
    prefix = f"{{{namespace}}}" if namespace else ""
    for member in _ordered(fields, group, where):
        for value in _values(fields[member.name], member, where):
            element = etree.SubElement(parent, prefix + member.name)
            _fill(element, value, member.node, f"{where}/{member.name}")


def _ordered(fields: Fields, group: Group, where: str) -> list[Member]:
    unknown = [name for name in fields if name not in group.members]
    if unknown:
        raise ValueError(f"{where}/{unknown[0]}: no such element; known are {', '.join(group.members)}")
    return sorted((group.members[name] for name in fields), key=lambda member: member.order)


def _values(value: Value, member: Member, where: str) -> list[Value]:
    if isinstance(value, list) != member.is_repeatable:
        wanted = "a list" if member.is_repeatable else "one value"
        raise ValueError(f"{where}/{member.name}: {wanted} is wanted")
    return list(value) if isinstance(value, list) else [value]


def _fill(element: etree._Element, value: Value, node: Node, where: str) -> None:
    if isinstance(node, Text):
        element.text = value if isinstance(value, str) else _only(value, "#", where)
    elif not isinstance(value, dict):
        raise ValueError(f"{where}: a part is wanted, not a text or a list")
    elif isinstance(node, Group):
        write(element, value, node, where)
    elif isinstance(node, Valued):
        _fill_valued(element, value, node, where)
    else:
        _fill_open(element, value, where)


def _fill_valued(element: etree._Element, value: Fields, node: Valued, where: str) -> None:
    rest = dict(value)
    for name in node.attributes:
        attribute = rest.pop(f"@{name}", None)
        if not isinstance(attribute, str):
            raise ValueError(f"{where}/@{name}: a text is wanted")
        element.set(name, attribute)
    element.text = _only(rest, "#", where)


def _fill_open(element: etree._Element, value: Fields, where: str) -> None:
    try:
        content = etree.fromstring(_only(value, "#xml", where).encode(), _FOREIGN)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"{where}: not well-formed: {error}") from error
    if content.getroottree().docinfo.internalDTD is not None:
        raise ValueError(f"{where}: a DTD is not allowed")
    element.append(content)


def _only(value: Value, key: str, where: str) -> str:
    """The text under `key`, which must be all that `value` holds."""
    text = value.get(key) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(text, str):
        raise ValueError(f'{where}: a text under "{key}" is wanted')
    return text
