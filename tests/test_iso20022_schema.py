"""The tables and the official schemas of ISO 20022 say the same: held against each other where they are."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.iso20022 import HEADERS, MESSAGES, Iso20022
from adapters.iso20022_envelope import BUSINESS_FILE
from adapters.iso20022_tree import NAMESPACE, TREES

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "adapters" / "iso20022_trees"
OWN = [name for name in MESSAGES if TREES[name] == name]
SEEDS = st.integers(0, 2**32)

EXAMPLES = {
    r"[0-9]{1,3}": "7",
    r"[0-9]{1,4}": "1234",
    r"[0-9]{3}": "001",
    r"[0-9]{4}": "0001",
    r"[0-9]{8,17}": "123456789",
    r"[A-Z0-9]{18,18}[0-9]{2,2}": "353800ABCDEFGHIJKL12",
    r"[A-Z0-9]{18}[0-9]{2}[A-Z0-9]{0,32}": "353800ABCDEFGHIJKL12UTI1",
    r"[A-Z0-9]{4,4}": "XTKS",
    r"[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}": "BRKAJPJTXXX",
    r"[A-Z]{2,2}": "JP",
    r"[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}": "GB29NWBK60161331926819",
    r"[A-Z]{2,2}[A-Z0-9]{9,9}[0-9]{1,1}": "JP3633400001",
    r"[A-Z]{3,3}": "JPY",
    r"[A-Z]{6,6}": "ESVUFR",
    r"[a-zA-Z0-9]{1,30}": "B1",
    r"[a-zA-Z0-9]{4}": "ab12",
    r"[a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2}": "setr.027.001.05",
    r"\+[0-9]{1,3}-[0-9()+\-]{1,30}": "+81-3(1234)",
}
PLAIN = {
    "boolean": ["true", "0", " false\n"],
    "date": ["2026-11-20", "2028-02-29", "2026-11-20+09:00", "0001-01-01Z"],
    "dateTime": ["2026-11-20T15:30:00", "2026-11-20T15:30:00.123456789+09:00", "2026-02-28T00:00:00Z"],
    "gYearMonth": ["2026-11", "2026-11Z"],
}
# Texts that hit the edges of every kind; what one element allows, another refuses.
EDGES = [
    *("", " ", "　", "x", "x" * 4, "x" * 35, "x" * 36, "約" * 140, "約" * 141, "x" * 350, "x" * 351),
    *("0", "-0", "+1", "-1", ".5", "5.", ".", "00.10", "1e5", "1,000", "１２", " 1 ", "1" * 18, "1" * 19),
    *("0.00001", "0.000001", "0.00000000000000001", "0." + "1" * 18, "-0.5", "INF", "NaN", "1.50000000000"),
    *("2026-11-20", "2026-02-29", "2026-11-20Z", "2026-11-20+14:00", "2026-11-20+14:01", "20261120"),
    *("2026-11-20T10:00:00", "2026-11-20T10:00", "2026-11-20T10:00:60", "2026-11-20 10:00:00", "2026-13"),
    *(
        "JPY",
        "jpy",
        "JP",
        "XTKS",
        "BUYI",
        "MACH",
        "true",
        "TRUE",
        "1",
        "001",
        "\n2026-11-20\n",
        "ab12",
        "AB_2",
    ),
]


@pytest.fixture(scope="module")
def official(shared_directory: Path) -> Path:
    """The directory of the official schemas."""
    directory = shared_directory / "xsd"
    if not directory.is_dir():
        pytest.skip(f"no official schemas in {directory}")
    return directory


@cache
def schema(directory: Path, message: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(directory / f"{message}.xsd"))


@cache
def table(message: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((TABLES / f"{message}.json").read_text(encoding="utf-8"))
    return loaded


def sound(message: str, seed: int) -> etree._Element:
    """A message that keeps every rule of its table: made at random, from the table alone."""
    chance = random.Random(seed)
    name, kind = table(message)["root"].split()
    top = etree.Element(f"{{{NAMESPACE}{message}}}{name}", nsmap={None: NAMESPACE + message})
    fill(top, kind, message, chance, depth=0)
    return top


def fill(element: etree._Element, kind: str, message: str, chance: random.Random, depth: int) -> None:
    part = table(message)["parts"].get(kind)
    if part is None:
        element.text = text_for(table(message)["texts"][kind], chance)
    elif "any" in part:
        namespace = "urn:other" if part["any"] == "##any" else part["any"]
        etree.SubElement(element, f"{{{namespace}}}Any")
    elif "text" in part:
        fill(element, part["text"], message, chance, depth)
        for name, of in part["attributes"].items():
            element.set(name, text_for(table(message)["texts"][of], chance))
    else:
        lines = [chance.choice(part["choice"])] if "choice" in part else part["sequence"]
        for line in lines:
            add(element, line, message, chance, depth)


def add(element: etree._Element, line: str, message: str, chance: random.Random, depth: int) -> None:
    name, kind, counts = line.split()
    least, most = counts.split("..")
    wanted = int(least) + (chance.random() < 0.5 / (depth + 1)) * chance.randint(0, 2)
    for _ in range(wanted if most == "*" else min(wanted, int(most))):
        fill(
            etree.SubElement(element, etree.QName(etree.QName(element).namespace, name)),
            kind,
            message,
            chance,
            depth + 1,
        )


def text_for(facets: dict[str, Any], chance: random.Random) -> str:
    if "codes" in facets:
        return str(chance.choice(facets["codes"]))
    if "pattern" in facets:
        return EXAMPLES[str(facets["pattern"])]
    if facets["base"] == "decimal":
        decimals = chance.randint(0, facets.get("decimals", 2))
        whole = chance.randint(1, max(1, facets.get("digits", 18) - decimals))
        digits = "".join(chance.choices("0123456789", k=whole + decimals))
        return f"{digits[:whole]}.{digits[whole:]}" if decimals else digits
    if facets["base"] == "string":
        length: int = chance.choice([facets.get("length_min", 1), facets.get("length_max", 9)])
        return "約" * length
    return str(chance.choice(PLAIN[facets["base"]]))


def damaged(top: etree._Element, chance: random.Random) -> etree._Element:
    """The same with one thing changed, which may or may not break a rule."""
    changed = deepcopy(top)
    element = chance.choice(list(changed.iter("{*}*")))
    parent = element.getparent()
    act = chance.choice(
        ["text", "text", "text", "drop", "double", "swap", "attribute", "stray", "rename", "grow"]
    )
    if act == "text":
        element.text = chance.choice(EDGES)
    elif act == "attribute":
        element.set(chance.choice(["Ccy", "odd"]), chance.choice(["JPY", "jpy", "USDX", ""]))
    elif act == "grow":
        element.append(deepcopy(chance.choice(list(changed.iter("{*}*"))[-3:])))
    elif act == "rename":
        element.tag = etree.QName(
            etree.QName(element).namespace, chance.choice(["Odd", "Id", "Cd", "Prtry", "Amt"])
        )
    elif parent is not None:
        rearrange(element, parent, act)
    return changed


def rearrange(element: etree._Element, parent: etree._Element, act: str) -> None:
    if act == "drop":
        parent.remove(element)
    elif act == "double":
        element.addnext(deepcopy(element))
    elif act == "swap":
        parent.insert(0, element)
    else:
        element.tail = "stray"


def accepted(top: etree._Element) -> bool:
    """Whether our own check finds nothing wrong; a header travels with a document that fits any."""
    raw = etree.tostring(top, encoding="utf-8")
    if etree.QName(top).localname == "AppHdr":
        raw = b"<Messages>" + raw + b"</Messages>"
    [message] = Iso20022().decode(raw)
    found = [one for one in message.problems if one.text != "no Document: send it"]
    return not found


def reread(top: etree._Element) -> etree._Element:
    """As it arrives: what only differs in memory (an empty text, neighbouring texts) is made alike."""
    return etree.fromstring(etree.tostring(top))


@pytest.mark.parametrize("message", [*OWN, *HEADERS])
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_sound_messages_are_sound_to_both(message: str, official: Path, seed: int) -> None:
    """What the standard allows, we read: no client is refused for nothing."""
    top = reread(sound(message, seed))
    schema(official, message).assertValid(top)
    assert accepted(top)


@pytest.mark.parametrize("message", [*OWN, *HEADERS])
@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_damaged_messages_get_one_verdict(message: str, official: Path, seed: int) -> None:
    """What the standard forbids, we refuse, and the other way round."""
    chance = random.Random(seed)
    top = reread(damaged(sound(message, seed), chance))
    if etree.QName(top).localname not in ("Document", "AppHdr"):
        return  # no message at all, said by another test
    official_verdict = schema(official, message).validate(top)
    assert accepted(top) == official_verdict, etree.tostring(top, encoding="unicode", pretty_print=True)


@pytest.mark.parametrize("message", OWN)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_any_sound_message_is_written_as_it_was_read(message: str, seed: int) -> None:
    """Nothing of a message is lost between bytes and fields."""
    codec = Iso20022()
    read = codec.decode(etree.tostring(sound(message, seed), encoding="utf-8"))
    assert codec.decode(codec.encode(read))[0].fields == read[0].fields


def test_tables_are_those_of_the_schemas(official: Path, tmp_path: Path) -> None:
    """The shipped tables are what the script makes of the official schemas, no more and no less."""
    tables = sorted(TABLES.glob("*.json"))
    script = ROOT / "scripts" / "iso20022_trees.py"
    command = [sys.executable, str(script), str(official), *(path.stem for path in tables)]
    subprocess.run([*command, "--to", str(tmp_path)], check=True)
    assert [(tmp_path / path.name).read_text() for path in tables] == [path.read_text() for path in tables]


def test_business_file_is_one_by_the_schema(official: Path) -> None:
    """What we write as head.002 is head.002."""
    codec = Iso20022(wrapper="Xchg")
    written = codec.encode(codec.decode(golden("funds-in-business-file")))
    schema(official, BUSINESS_FILE).assertValid(etree.fromstring(written))


def golden(case: str) -> bytes:
    return (ROOT / "tests" / "golden" / "iso20022" / case / "message.xml").read_bytes()


def test_official_schema_is_a_second_opinion(official: Path, tmp_path: Path) -> None:
    """An operator's schemas are asked too: theirs may be narrower (here: no more than one reference)."""
    narrow = (official / "setr.027.001.05.xsd").read_text(encoding="utf-8")
    wide = '<xs:element maxOccurs="unbounded" minOccurs="0" name="Refs" type="Linkages76"/>'
    assert wide in narrow
    (tmp_path / "setr.027.001.05.xsd").write_text(narrow.replace(wide, wide.replace("unbounded", "1")))
    [message] = Iso20022(xsd_dir=tmp_path).decode(golden("fund-1-of-2"))
    [problem] = message.problems
    assert (problem.field, problem.line) == ("Refs[2]", 18)
    assert "official schema" in problem.text


def test_sound_messages_pass_the_official_schemas(official: Path) -> None:
    """Every sample, ours and theirs, passes with the operator's schemas on."""
    codec = Iso20022(xsd_dir=official)
    for case in samples():
        assert [one.problems for one in codec.decode(golden(case)) if one.problems] == [], case


def samples() -> Iterator[str]:
    return (path.name for path in sorted((ROOT / "tests" / "golden" / "iso20022").iterdir()))


def test_directory_without_schemas_is_refused(tmp_path: Path) -> None:
    """A wrong path in the conf is told at start, not taken for a check."""
    with pytest.raises(ValueError, match="no schema such as"):
        Iso20022(xsd_dir=tmp_path)
    (tmp_path / "setr.027.001.05.xsd").write_text("<not-a-schema/>")
    with pytest.raises(ValueError, match="not a schema"):
        Iso20022(xsd_dir=tmp_path)
