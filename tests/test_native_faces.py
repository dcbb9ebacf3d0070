"""docs/sequence.md and docs/integrators/connecting.md say by which messages and codes a format says what."""

import re
from pathlib import Path

from mapping_scene import FILES, mapping

from adapters.mapping_file import MappingFile
from adapters.mapping_rules import Level
from adapters.paths import parse_path
from canonical.message import CLASSES, Kind

DOCS = Path(__file__).parent.parent / "docs"
FOLDERS = ("fix44", "iso20022", "delimited")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, but for its head."""
    section = (DOCS / page).read_text(encoding="utf-8").split(f"{heading}\n")[1]
    lines = section[section.index("|---") :].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def saying(folder: str, kind: Kind) -> set[str]:
    """The mappings of a folder that say a kind of message."""
    files = [path for path in FILES if path.parent.name == folder]
    names = {path.stem: mapping(f"{folder}/{path.stem}") for path in files}
    return {name for name, one in names.items() if any(says.kind is kind for says in one.says)}


def test_the_sequence_names_the_messages_of_each_format():
    """A mapping that says another kind, or no longer does, changes the page too."""
    told = {row[0].strip("`"): row[1:] for row in table("sequence.md", "## How each format says it")}
    assert list(told) == [kind.value for kind in CLASSES]
    for kind in CLASSES:
        for folder, cell in zip(FOLDERS, told[kind.value], strict=True):
            assert set(cell.split(", ")) - {"–"} == saying(folder, kind), (kind, folder)


def codes_of(level: MappingFile | Level) -> set[tuple[str, str]]:
    """The native names and codes that the rules of a mapping know: what they ask for, and what they read."""
    says = level.says if isinstance(level, MappingFile) else ()
    asked = [
        (at, code) for each in (*says, *level.field) for at, codes in each.when.items() for code in codes
    ]
    read = [(at, code) for rule in level.field for at in rule.at for code in rule.codes]
    return {(parse_path(at)[-1].name, code) for at, code in (*asked, *read)}


def test_each_request_is_one_that_the_mapping_reads():
    """What the page tells a client to send, its mapping has a rule for, code by code."""
    rows = table("integrators/connecting.md", "### The shared calculation")
    cells = [re.findall("`([^`]+)`", cell) for row in rows for cell in row[1:3] if cell != "–"]
    assert len(cells) > 2 * len(FOLDERS)
    for message, *codes in cells:
        folder = next(f for f in FOLDERS if (DOCS.parent / "mappings" / f / f"{message}.toml").is_file())
        known = codes_of(mapping(f"{folder}/{message}"))
        assert message in saying(folder, Kind.CALCULATION_REQUEST)
        assert {tuple(code.split("=")) for code in codes} <= known, message
