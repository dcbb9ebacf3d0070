"""A trade that is said by several messages is held, whole when the last one came, and answered once."""

import re
from itertools import permutations
from pathlib import Path

import pytest
from scene import Scene, in_folder, running, until

from adapters.format import Decoded
from adapters.mapping_rules import PartsRule
from node.memory_ledger import MemoryLedger
from node.parts import place_of

GOLDEN = Path(__file__).parents[1] / "golden" / "iso20022"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The SP of a manager that sends setr.027 messages, alone."""
    made = in_folder(tmp_path, MemoryLedger(), {"sp2": ["iso"]})
    del made.nodes["sp1"], made.nodes["sp3"]
    return made


def head(name: str = "K1") -> bytes:
    """The message about the block."""
    return _about(name, GOLDEN / "block" / "message.xml", {})


def fund(number: int, name: str = "K1", **changes: str) -> bytes:
    """The message about one of two funds. changes: by element, of amounts that above."""
    figures = [("F1", "20000", "56910000", "56910", "5691", "56972601")]
    figures.append(("F2", "10000", "28455000", "28455", "2845", "28486300"))
    account, quantity, gross, commission, tax, net = figures[number - 1]
    said = {
        "CurInstrNb": f"{number:03}", "SfkpgAcct": account, "Unit": quantity, "GrssTradAmt": gross,
        "ExctgBrkrAmt": commission, "CsmptnTax": tax, "SttlmAmt": net, "TxId": f"{name}-{number}",
    }  # fmt: skip
    return _about(name, GOLDEN / "fund-1-of-2" / "message.xml", {**said, **changes})


def _about(name: str, path: Path, said: dict[str, str]) -> bytes:
    text = path.read_text()
    for tag, value in {"TxId": f"{name}-0", "BlckId": name, "AnyBIC": "BRKAJPJT", **said}.items():
        text = re.sub(rf"(<{tag}>(?:\s*<Amt Ccy=\"JPY\">)?)[^<]+", rf"\g<1>{value}", text)
    return text.replace("<BICFI>BRKAJPJT", "<BICFI>ASMGJPJT").encode()  # from the manager itself


def states(scene: Scene) -> list[str]:
    return [state for (state,) in scene.sp2.rows("SELECT state FROM raw ORDER BY id")]


def kinds(scene: Scene) -> list[str]:
    return [kind for (kind,) in scene.sp2.rows("SELECT kind FROM outcome ORDER BY position, id")]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_parts_may_come_in_any_order(scene: Scene, order: tuple[int, ...]):
    """Held and visible until the last one has come, then one message with one receipt; restarts included."""
    parts = [head(), fund(1), fund(2)]
    async with running(scene):
        for number in order[:2]:
            await scene.sp2.arrives("iso", parts[number])
        await until(lambda: states(scene) == ["held", "held"])
        assert scene.sp2.link.sent == []
        await scene.sp2.stop()
        await scene.sp2.start()
        await scene.sp2.arrives("iso", parts[order[2]])
        await scene.settled()
        assert states(scene) == ["ordered"] * 3
        assert kinds(scene) == ["receipt"]
        (raw,) = [delivery.raw for delivery in scene.sp2.link.to("iso")]
        assert b"K1-0" in raw
        assert scene.sp2.rows("SELECT * FROM part") == []


async def test_a_part_sent_again_takes_its_place(scene: Scene):
    """A client mends a part before the trade is whole: the later figures count."""
    async with running(scene):
        await scene.sp2.arrives("iso", fund(1, ExctgBrkrAmt="1", SttlmAmt="56915692"))
        await scene.sp2.arrives("iso", fund(1))
        await until(lambda: states(scene) == ["answered", "held"])
        for part in (head(), fund(2)):
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert kinds(scene) == ["receipt"]
        ((said,),) = scene.sp2.rows("SELECT submission FROM said")
        assert '"56910"' in said
        assert '"56915692"' not in said


async def test_two_trades_are_held_apart(scene: Scene):
    """Parts of other trades in between do not matter."""
    async with running(scene):
        for part in (fund(2, "K2"), head("K1"), fund(1, "K1"), head("K2"), fund(2, "K1"), fund(1, "K2")):
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert kinds(scene).count("receipt") == 2
        assert states(scene) == ["ordered"] * 6


async def test_a_refused_whole_is_refused_once(scene: Scene):
    """What is wrong shows when all is there: one refusal, and all parts can be sent anew."""
    wrong = [head(), fund(1, GrssTradAmt="1"), fund(2)]
    async with running(scene):
        for part in wrong:
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert [d.kind for d in scene.sp2.link.to("iso")] == ["refusal"]
        assert states(scene) == ["answered"] * 3
        for part in (head(), fund(2), fund(1)):
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert kinds(scene) == ["receipt"]
        assert states(scene)[3:] == ["ordered"] * 3


async def test_a_part_that_cannot_be_read_is_refused_alone(scene: Scene):
    """Its own fault is told at once; the others wait for it."""
    async with running(scene):
        for part in (head(), fund(1), fund(2, Unit="many")):
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert [d.kind for d in scene.sp2.link.to("iso")] == ["refusal"]
        assert states(scene) == ["held", "held", "answered"]
        await scene.sp2.arrives("iso", fund(2))
        await scene.settled()
        assert kinds(scene) == ["receipt"]


async def test_the_same_parts_again_are_a_duplicate(scene: Scene):
    """A client that is not sure sends all again: done once, answered twice."""
    async with running(scene):
        for part in (head(), fund(1), fund(2)) * 2:
            await scene.sp2.arrives("iso", part)
        await scene.settled()
        assert sorted(kinds(scene)) == ["receipt", "rejection"]


RULE = PartsRule.model_validate(
    {"key": "K", "number": "N", "total": "T", "head_lacks": "I/X", "joined": [], "same": []}
)
PLACES = [
    ({"K": "k"}, (0, 0)),
    ({"K": "k", "T": "3"}, (0, 3)),
    ({"K": "k", "T": "many"}, (0, 0)),
    ({"K": "k", "I": {"X": {}}, "N": "2", "T": "3"}, (2, 3)),
    ({"K": "k", "I": {"X": {}}, "N": "0", "T": "3"}, None),
    ({"K": "k", "I": {"X": {}}, "N": "4", "T": "3"}, None),
    ({"K": "k", "I": {"X": {}}, "N": "1", "T": "9" * 5000}, None),
    ({"K": "k", "I": {"X": {}}, "N": "1", "T": "1001"}, None),
    ({"K": "k", "I": {"X": {}}, "N": "٣", "T": "٣"}, None),
    ({"K": "k", "I": {"X": {}}, "N": "", "T": ""}, None),
    ({"K": "", "I": {"X": {}}, "N": "1", "T": "3"}, None),
]


@pytest.mark.parametrize(("fields", "expected"), PLACES)
def test_a_part_says_where_it_belongs(fields: dict[str, object], expected: tuple[int, int] | None):
    """Counts that are none, or beyond any message, neither hold anything nor stop the node."""
    place = place_of("client", "mapping", RULE, Decoded("m", fields))
    assert (place and (place.number, place.total)) == expected


async def test_a_header_from_somebody_else_is_refused(scene: Scene):
    """A firm cannot speak through another one's connection."""
    async with running(scene):
        for part in (head(), fund(1), fund(2)):
            await scene.sp2.arrives("iso", part.replace(b"<BICFI>ASMGJPJT", b"<BICFI>RIVLJPJT"))
        await scene.settled()
        assert kinds(scene) == []
        (refusal,) = scene.sp2.link.to("iso")
        assert b"AppHdr/Fr" in refusal.raw
