"""Around ISO 20022 messages: the bytes of a file, and the elements that hold AppHdr and Document.

There is no one wrapper in the standard: a Document may come bare, below any root beside its AppHdr, or many
of them in a business file (head.002 Xchg). So messages are found by what they are, wherever they stand.

Characters: UTF-8, UTF-16, US-ASCII, ISO-8859-1, and the Japanese sets as Python reads them, so that a name
is the same text here as in a CP932 file, on every system; the XML library's own tables differ.
"""

import re
from dataclasses import dataclass

from lxml import etree

from adapters.iso20022_read import Reading
from adapters.iso20022_tree import NAMESPACE, group_of, tree
from canonical.problems import Problem, Rule

BYTES_MAX = 20_000_000
# About 20 bytes of text per tag is what real files hold; a file of nothing but tags would fill the memory.
TAGS_MAX = 1_000_000
NO_DTD = "a DTD (<!DOCTYPE) is not accepted: leave it out"
BUSINESS_FILE = "head.002.001.01"

_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "cp932": "cp932",
    "ms932": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jp",
}
_DECLARED = re.compile(rb"""\A<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Possessive: a prolog of many comments must not be tried in every way.
_DOCTYPE = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_UTF_16_STARTS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_BAD_CHARACTERS = {etree.ErrorTypes.ERR_INVALID_CHAR, etree.ErrorTypes.ERR_INVALID_ENCODING}


@dataclass(frozen=True, slots=True)
class Found:
    """One message in a file: its Document and the AppHdr before it; either may be absent, not both."""

    header: etree._Element | None
    document: etree._Element | None


def parsed(raw: bytes, bytes_max: int = BYTES_MAX) -> etree._Element | Problem:
    """The root of the XML in `raw`, or why there is none. Never reaches the network or another file."""
    if len(raw) > bytes_max:
        return _refusal(Rule.TOO_LARGE, f"{len(raw)} bytes: send at most {bytes_max} in one file")
    if not raw.strip():
        return _refusal(Rule.EMPTY, "the file is empty: send it again")
    plain = _as_utf_8(raw)
    if isinstance(plain, Problem):
        return plain
    if plain.count(b"<") > 2 * TAGS_MAX:
        return _refusal(Rule.TOO_LARGE, f"more than {TAGS_MAX} elements: send several smaller files")
    doctype = _DOCTYPE.match(plain)
    if doctype:
        return _refusal(Rule.STRUCTURE, NO_DTD, line=plain.count(b"\n", 0, doctype.end()) + 1)
    try:
        root = etree.fromstring(plain, _parser())
    except etree.XMLSyntaxError as error:
        return _unparsed(error)
    if root.getroottree().docinfo.internalDTD is not None:
        return _refusal(Rule.STRUCTURE, NO_DTD)
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",  # whatever was declared: the bytes have been made so
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )


def _as_utf_8(raw: bytes) -> bytes | Problem:
    declared = _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    utf_16 = _UTF_16_STARTS.get(raw[:2])
    if utf_16 is not None:
        codec = utf_16
    elif name.startswith("utf-16"):
        said = f"declares {name}, but its bytes are not: declare the character set that the bytes are in"
        return _refusal(Rule.UNDECODABLE, said, line=1)
    elif name in _CODECS:
        codec = _CODECS[name]
    else:
        said = f"the character set {name} is not known: send UTF-8"
        return _refusal(Rule.UNDECODABLE, said, line=1)
    if codec == "utf-8":
        return raw
    try:
        return raw.decode(codec).encode()
    except UnicodeError as error:
        place = error.start if isinstance(error, UnicodeDecodeError) else 0
        said = f"byte {place + 1} is not {codec}: declare the character set that the bytes are in"
        return _refusal(Rule.UNDECODABLE, said, line=raw.count(b"\n", 0, place) + 1)


def _unparsed(error: etree.XMLSyntaxError) -> Problem:
    line = max(1, error.lineno or 1)
    reason = re.sub(r",? line \d+, column \d+.*", "", error.msg or "", flags=re.DOTALL).strip()[:300]
    if error.code in _BAD_CHARACTERS:
        said = f"not the characters of its character set ({reason}): declare the one the bytes are in"
        return _refusal(Rule.UNDECODABLE, said, line=line)
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return _refusal(Rule.TOO_LARGE, f"over a limit ({reason}): send less in one element", line=line)
    return _refusal(Rule.STRUCTURE, f"not well-formed XML ({reason}): send the whole file, mended", line=line)


def _refusal(rule: Rule, text: str, *, line: int | None = None) -> Problem:
    return Problem(field="Document", rule=rule, text=text, line=line)


def found_in(root: etree._Element) -> list[Found]:
    """Every Document below or at `root`, in order, each with the AppHdr that precedes it."""
    pairs: list[Found] = []
    header: etree._Element | None = None
    for element in _messages(root):
        if _is_header(element):
            if header is not None:
                pairs.append(Found(header, None))
            header = element
        else:
            pairs.append(Found(header, element))
            header = None
    if header is not None:
        pairs.append(Found(header, None))
    return pairs


def _messages(root: etree._Element) -> list[etree._Element]:
    """Headers and documents in the order of the file; none is looked for within another."""
    found: list[etree._Element] = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if _is_header(element) or _is_document(element):
            found.append(element)
        else:
            waiting.extend(reversed(element))
    return found


def _is_header(element: etree._Element) -> bool:
    name = etree.QName(element)
    return name.localname == "AppHdr" or (name.namespace or "").startswith(f"{NAMESPACE}head.001.")


def _is_document(element: etree._Element) -> bool:
    name = etree.QName(element)
    namespace = name.namespace or ""
    if namespace.startswith(NAMESPACE):
        return not namespace.startswith((f"{NAMESPACE}head.", f"{NAMESPACE}nvlp."))
    return name.localname == "Document"


def message_of(element: etree._Element) -> str:
    """The message that an element's namespace names, "setr.027.001.05"; empty where it names none."""
    namespace = etree.QName(element).namespace or ""
    return namespace.removeprefix(NAMESPACE) if namespace.startswith(NAMESPACE) else ""


def file_problems(root: etree._Element, documents: int) -> tuple[Problem, ...]:
    """What is wrong with a business file (head.002): its description, or fewer documents than it says."""
    if message_of(root) != BUSINESS_FILE:
        return ()
    reading = Reading(root)
    described = group_of(tree(BUSINESS_FILE)).members["PyldDesc"]
    description = root.find(f"{{{NAMESPACE}{BUSINESS_FILE}}}PyldDesc")
    if description is None:
        reading.report(root, Rule.REQUIRED, "missing: send it", below="PyldDesc")
        return tuple(reading.problems)
    reading.fields(description, group_of(described))
    total = description.find(".//{*}TtlNbOfDocs")
    said = (total.text or "").strip() if total is not None else ""
    if total is not None and said.isdecimal() and int(said) != documents:
        reading.report(
            total, Rule.STRUCTURE, f"the file holds {documents} documents: send it complete", value=said
        )
    return tuple(reading.problems)
