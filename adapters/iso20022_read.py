"""XML elements to fields, with every fault of the message on the way.

    <Amt Ccy="JPY">56972601</Amt>   {"Amt": {"@Ccy": "JPY", "#": "56972601"}}
    <TxId>A1</TxId>                 {"TxId": "A1"}
    <Mtchd/>                        {"Mtchd": {}}
    <OrdrId>X</OrdrId>              {"OrdrId": [{"#": "X"}]}            repeatable by the tree: always a list
    <Envlp><x:y .../></Envlp>       {"Envlp": {"#xml": "<x:y .../>"}}   foreign content, kept, never read

Rules: XML Schema 1.0 part 1 for sequences, choices and mixed content; the tree for the rest. Elements that
the tree does not know are reported and left out; a fault never hides the others of the same message.
"""

from lxml import etree

from adapters.format import Fields, Value
from adapters.iso20022_facets import XML_SPACE, Text
from adapters.iso20022_tree import Group, Member, Node, Open, Valued
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule, shortened

SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
# Where a sender keeps its schemas: allowed on every element, of no meaning to the reader.
HINTS = {f"{SCHEMA_INSTANCE}schemaLocation", f"{SCHEMA_INSTANCE}noNamespaceSchemaLocation"}
NAMES_SHOWN_MAX = 12
FIELD_MAX = 256
TEXT_MAX = 512


class Reading:
    """Reads one Document or AppHdr; `problems` grows as it reads.

    top: the element that paths are counted from. Within a Document they start below the message's own
    root ("TradDtls/Sd"), within any other element they start with it ("AppHdr/BizMsgIdr").
    """

    def __init__(self, top: etree._Element) -> None:
        namespace = etree.QName(top).namespace
        self._top = top
        self._prefix = f"{{{namespace}}}" if namespace else ""
        self.problems: list[Problem] = []

    def fields(self, element: etree._Element, group: Group) -> Fields:
        """The fields of what stands below `element`."""
        found: Fields = {}
        self._check_plain(element)
        if element.text:
            self._check_no_text(element, element.text)
        last: Member | None = None
        astray: set[str] = set()
        for child in element:
            if child.tail:
                self._check_no_text(element, child.tail)
            member = self._member(child, group)
            if member is None:
                astray.add(etree.QName(child).localname)
                self._report_unknown(child, group)
                if len(self.problems) >= PROBLEMS_PER_MESSAGE_MAX:
                    break  # a file of a million unknown elements is not worth more time
                continue
            if last is not None and last is not member:
                self._check_order(child, member, last, group)
            last = member  # also after a fault: what follows is not blamed for it
            if member.is_repeatable:
                self._add(found, child, member)
            elif member.name in found:
                self.report(child, Rule.STRUCTURE, "stands more than once: send it once")
            else:
                found[member.name] = self._value(child, member.node)
        self._check_required(element, group, found, astray)
        return found

    def _member(self, child: etree._Element, group: Group) -> Member | None:
        tag = child.tag
        assert isinstance(tag, str)  # comments and the like are left out by the parser
        return group.members.get(tag[len(self._prefix) :]) if tag.startswith(self._prefix) else None

    def _add(self, found: Fields, child: etree._Element, member: Member) -> None:
        """Put one of several into the fields; one too many is reported and left out."""
        value = self._value(child, member.node)
        several = found.setdefault(member.name, [])
        assert isinstance(several, list)
        if member.most is not None and len(several) >= member.most:
            self.report(child, Rule.STRUCTURE, f"stands too often: send it at most {member.most} times")
        else:
            several.append({"#": value} if isinstance(value, str) else _part(value))

    def _value(self, element: etree._Element, node: Node) -> Value:
        if isinstance(node, Text):
            self._check_plain(element)
            return self._text(element, node)
        if isinstance(node, Group):
            return self.fields(element, node)
        if isinstance(node, Valued):
            return {**self._attributes(element, node), "#": self._text(element, node.text)}
        return self._open(element, node)

    def _text(self, element: etree._Element, node: Text) -> str:
        text = element.text or ""
        if node.trimmed:
            text = text.strip(XML_SPACE)
        if len(element):
            self.report(element[0], Rule.UNKNOWN_FIELD, "not known here: send a text without elements")
            return text
        fault = node.check(text)
        if fault is not None:
            self.report(element, *fault, value=text)
        return text

    def _attributes(self, element: etree._Element, node: Valued) -> Fields:
        found: Fields = {}
        for name, text in node.attributes.items():
            value = element.get(name)
            if value is None:
                self.report(element, Rule.REQUIRED, f"no attribute {name}: send it", below=f"@{name}")
                continue
            found[f"@{name}"] = value
            fault = text.check(value)
            if fault is not None:
                self.report(element, *fault, value=value, below=f"@{name}")
        if len(element.attrib) > len(found):
            self._check_plain(element, known=node.attributes)
        return found

    def _open(self, element: etree._Element, node: Open) -> Fields:
        self._check_plain(element)
        for text in (element.text, *(child.tail for child in element)):
            self._check_no_text(element, text)
        if len(element) != 1:
            self.report(element, Rule.STRUCTURE, f"holds {len(element)} elements: send exactly one")
            return {}
        [content] = element
        if node.namespace not in ("##any", etree.QName(content).namespace):
            self.report(content, Rule.UNKNOWN_FIELD, f"not of {node.namespace}: send an element of it")
        return {"#xml": etree.tostring(content, encoding="unicode", with_tail=False)}

    def _check_plain(self, element: etree._Element, known: dict[str, Text] | None = None) -> None:
        """Report attributes that are neither known nor mere hints."""
        for key in element.keys():  # noqa: SIM118 - an element is no mapping
            name = str(key)
            if name not in HINTS and name not in (known or ()):
                below = f"@{etree.QName(name).localname}"
                text = "attribute not known here: leave it out"
                self.report(element, Rule.UNKNOWN_FIELD, text, value=element.get(name) or "", below=below)

    def _check_no_text(self, element: etree._Element, text: str | None) -> None:
        if text is not None and text.strip(XML_SPACE):
            said = "text between elements: send it within the element it belongs to, or leave it out"
            self.report(element, Rule.STRUCTURE, said, value=text.strip(XML_SPACE))

    def _check_order(self, child: etree._Element, member: Member, last: Member, group: Group) -> None:
        if group.is_choice:
            said = f"stands beside {last.name}: send only one of the two"
            self.report(child, Rule.STRUCTURE, said)
        elif member.order < last.order:
            self.report(child, Rule.STRUCTURE, f"in the wrong place: send it before {last.name}")

    def _check_required(self, element: etree._Element, group: Group, found: Fields, astray: set[str]) -> None:
        """Report what is missing, but not what was sent as something unknown: that has been said."""
        if group.is_choice:
            if group.required and not found and not astray:
                self.report(element, Rule.REQUIRED, f"nothing within: send one of {_named(group)}")
            return
        for name in group.required:
            if name not in found and name not in astray:
                self.report(element, Rule.REQUIRED, "missing: send it", below=name)

    def _report_unknown(self, child: etree._Element, group: Group) -> None:
        name = etree.QName(child)
        if name.namespace != etree.QName(self._top).namespace:
            said = f"of the namespace {shortened(name.namespace or 'none')}: send it in the message's own"
        else:
            said = f"not known here: send one of {_named(group)}"
        self.report(child, Rule.UNKNOWN_FIELD, said)

    def report(
        self, element: etree._Element, rule: Rule, text: str, *, value: str = "", below: str = ""
    ) -> None:
        """Note a problem at `element`, or at what stands or should stand `below` it."""
        if len(self.problems) >= PROBLEMS_PER_MESSAGE_MAX:
            return
        where = path_of(element, self._top, below)
        self.problems.append(problem_at(element, where, rule, text, value))


def problem_at(element: etree._Element | None, where: str, rule: Rule, text: str, value: str = "") -> Problem:
    """A problem at an element's line, with field, value and text cut to what a problem may carry."""
    return Problem(
        field=where if len(where) <= FIELD_MAX else "…" + where[1 - FIELD_MAX :],
        value=shortened(value),
        rule=rule,
        text=text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…",
        line=None if element is None else element.sourceline or None,
    )


def path_of(element: etree._Element, top: etree._Element, below: str = "") -> str:
    """Where `element`, or something `below` it, stands, as a sender would say it: "Refs[2]/Ref/BlckId"."""
    steps: list[str] = [below] if below else []
    at: etree._Element | None = element
    while at is not None and at is not top:
        steps.append(_step(at))
        at = at.getparent()
    name = etree.QName(top).localname
    if name != "Document":
        steps.append(name)
    elif not steps:
        return name
    elif len(steps) > 1:
        steps.pop()
    return "/".join(reversed(steps))


def _step(element: etree._Element) -> str:
    name = etree.QName(element)
    before = len(list(element.itersiblings(name, preceding=True)))
    is_one_of_many = before > 0 or next(element.itersiblings(name), None) is not None
    return f"{name.localname}[{before + 1}]" if is_one_of_many else name.localname


def _named(group: Group) -> str:
    names = list(group.members)
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (" …" if len(names) > NAMES_SHOWN_MAX else "")


def _part(value: Value) -> Fields:
    assert isinstance(value, dict)
    return value
