"""The ISO 20022 format: trade confirmation messages (setr) with their business application header.

    decode: a bare Document, any root that holds AppHdr and Document, or a business file (head.002)
    encode: AppHdr and Document in the wrapper that the client asks for

Messages: setr.027 (.03 to .05), setr.029.001.02, setr.030.001.03, setr.044.001.04; headers head.001.001.02
and .04. Fields are the elements below the message's own root, see `iso20022_read` for their shape; the
header's stand under "AppHdr". The namespace says which message it is, never the name of the root.

    {"AppHdr": {"Fr": ..., "BizMsgIdr": "B1", ...}, "Id": {"TxId": "A1"}, "Refs": [{"Ref": {"BlckId": "K1"}}]}
"""

from collections.abc import Sequence
from pathlib import Path

from lxml import etree

from adapters.format import Decoded, Fields
from adapters.iso20022_envelope import (
    BUSINESS_FILE,
    BYTES_MAX,
    Found,
    file_problems,
    found_in,
    message_of,
    parsed,
)
from adapters.iso20022_read import Reading, problem_at
from adapters.iso20022_schema import Schemas
from adapters.iso20022_tree import NAMESPACE, TREES, group_of, tree
from adapters.iso20022_write import write
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule

HEADER = "head.001.001.02"
WRAPPER = "Messages"
MESSAGES = tuple(name for name in TREES if name.startswith("setr."))
HEADERS = tuple(name for name in TREES if name.startswith("head.001."))


class Iso20022:
    """A codec of one client's ISO 20022 messages.

    wrapper: the root of what is sent: a name, also in Clark notation ("{urn:x}Envelope"), "Xchg" for a
        business file (head.002), or "" for a bare Document without header.
    xsd_dir: where the operator keeps schemas of iso20022.org ("setr.027.001.05.xsd"); messages that pass
        the tables are then held against these too. Read once, here.
    bytes_max: the largest file that is read at all, in bytes.

    Raises ValueError for a wrapper that is no XML name, or a directory without a schema of a known message.
    """

    def __init__(
        self, *, wrapper: str = WRAPPER, xsd_dir: Path | None = None, bytes_max: int = BYTES_MAX
    ) -> None:
        self._wrapper = etree.QName(wrapper).text if wrapper else ""
        self._schemas = Schemas(xsd_dir, TREES) if xsd_dir is not None else None
        self._bytes_max = bytes_max

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The messages in `raw` with all that is wrong with each; at least one, with problems."""
        root = parsed(raw, self._bytes_max)
        if isinstance(root, Problem):
            return (Decoded("", {}, (root,)),)
        pairs = found_in(root)
        if not pairs:
            return (Decoded("", {}, (_no_message(root),)),)
        of_file = file_problems(root, sum(1 for pair in pairs if pair.document is not None))
        return tuple(self._decoded(pair, of_file) for pair in pairs)

    def encode(self, messages: Sequence[Decoded]) -> bytes:
        """The bytes of `messages` in one file; fields in any order.

        Raises ValueError for fields that break the rules of their message: a mistake in a mapping.
        """
        roots = [self._written(message) for message in messages]
        if not self._wrapper:
            if len(roots) != 1:
                raise ValueError(f"{len(roots)} messages: a bare Document is one; choose a wrapper")
            return _bytes(roots[0][-1])
        if self._wrapper == "Xchg":
            return _bytes(_business_file(messages, roots))
        wrapper = etree.Element(self._wrapper)
        for elements in roots:
            wrapper.extend(elements)
        return _bytes(wrapper)

    def _decoded(self, found: Found, of_file: tuple[Problem, ...]) -> Decoded:
        problems = list(of_file)
        fields: Fields = {}
        if found.header is not None:
            fields["AppHdr"] = self._read_header(found.header, problems)
        document = found.document
        if document is None:
            problems.append(problem_at(found.header, "Document", Rule.REQUIRED, "no Document: send it"))
            return Decoded("", fields, tuple(problems[:PROBLEMS_PER_MESSAGE_MAX]), _line(found.header))
        message = message_of(document)
        if message in MESSAGES:
            fields.update(self._read(document, message, problems))
        else:
            problems.append(_unsupported(document, MESSAGES))
        problems.extend(_named_otherwise(found.header, message))
        first = document if found.header is None else found.header
        return Decoded(message, fields, tuple(problems[:PROBLEMS_PER_MESSAGE_MAX]), _line(first))

    def _read_header(self, header: etree._Element, problems: list[Problem]) -> Fields:
        version = message_of(header)
        if version not in HEADERS:
            problems.append(_unsupported(header, HEADERS))
            return {}
        return self._read(header, version, problems)

    def _read(self, top: etree._Element, message: str, problems: list[Problem]) -> Fields:
        """The fields of a Document below its message root, or of an AppHdr; problems are added."""
        member = tree(message)
        if etree.QName(top).localname != member.name:
            said = f"{etree.QName(top).localname} at the top of {message}: send {member.name}"
            problems.append(problem_at(top, member.name, Rule.STRUCTURE, said))
            return {}
        reading = Reading(top)
        fields = reading.fields(top, group_of(member))
        problems.extend(reading.problems)
        if self._schemas is not None and not reading.problems:
            problems.extend(self._schemas.problems(top, message))
        if member.name != "Document":
            return fields
        body = fields.get(next(iter(group_of(member).members)), {})
        assert isinstance(body, dict)
        return body

    def _written(self, message: Decoded) -> list[etree._Element]:
        """AppHdr, where given, and Document. What is written has been read back and found without fault."""
        body = dict(message.fields)
        header = body.pop("AppHdr", None)
        if message.message not in MESSAGES:
            raise ValueError(f"{message.message}: not among {', '.join(MESSAGES)}")
        root_name = next(iter(group_of(tree(message.message)).members))
        elements = [self._element(message.message, {root_name: body})]
        if header is not None:
            assert isinstance(header, dict)
            elements.insert(0, self._element(HEADER, header))
        return elements

    def _element(self, message: str, fields: Fields) -> etree._Element:
        member, namespace = tree(message), NAMESPACE + message
        top = etree.Element(f"{{{namespace}}}{member.name}", nsmap={None: namespace})
        write(top, fields, group_of(member))
        problems: list[Problem] = []
        self._read(top, message, problems)
        if problems:
            said = "; ".join(f"{problem.field} {problem.text}" for problem in problems)
            raise ValueError(f"{message}: {said}")
        return top


def _business_file(messages: Sequence[Decoded], roots: Sequence[list[etree._Element]]) -> etree._Element:
    """A head.002 file; its reference and time are those of its first message's header.

    A Pyld holds exactly one element, so AppHdr and Document stand together in one of no namespace.
    """
    header = messages[0].fields.get("AppHdr") if messages else None
    if not isinstance(header, dict):
        raise ValueError("a business file takes its reference and time from the first message's AppHdr")
    namespace = NAMESPACE + BUSINESS_FILE
    root = etree.Element(f"{{{namespace}}}Xchg", nsmap={None: namespace})
    described = etree.SubElement(root, f"{{{namespace}}}PyldDesc")
    description: Fields = {
        "PyldData": {"PyldIdr": header["BizMsgIdr"], "CreDtAndTm": header["CreDt"]},
        "ApplSpcfcs": {"TtlNbOfDocs": str(len(roots))},
        "PyldTp": "ISO20022",
    }
    write(described, description, group_of(group_of(tree(BUSINESS_FILE)).members["PyldDesc"]))
    for elements in roots:
        payload = etree.SubElement(root, f"{{{namespace}}}Pyld")
        etree.SubElement(payload, "Message", nsmap={None: ""}).extend(elements)
    return root


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _named_otherwise(header: etree._Element | None, message: str) -> list[Problem]:
    """A header that names another message than the one it stands before."""
    named = header.find("{*}MsgDefIdr") if header is not None else None
    if named is None or not message or (named.text or "") == message:
        return []
    said = f"the Document is {message}: send the header that belongs to it"
    return [problem_at(named, "AppHdr/MsgDefIdr", Rule.STRUCTURE, said, named.text or "")]


def _unsupported(top: etree._Element, known: Sequence[str]) -> Problem:
    name = etree.QName(top)
    said = f"this message or version is not handled: send one of {', '.join(known)}"
    return problem_at(top, f"{name.localname}/@xmlns", Rule.UNSUPPORTED, said, name.namespace or "")


def _no_message(root: etree._Element) -> Problem:
    name = etree.QName(root)
    said = f"no Document of ISO 20022 in it: send one of {', '.join(MESSAGES)}"
    return problem_at(root, name.localname, Rule.STRUCTURE, said, name.namespace or "")


def _line(element: etree._Element | None) -> int | None:
    return (element.sourceline or None) if element is not None else None
