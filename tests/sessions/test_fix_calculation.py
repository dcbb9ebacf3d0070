"""The words for the shared calculation, and long answers, through real engines with standard dictionaries."""

from pathlib import Path

import pytest
from fix_peers import Inbox, deliver, free_port, running, session, until, value
from mapping_scene import SAMPLES, codec, fix_bytes, mapping, written_bytes
from test_many_differences import heard
from test_mappings_golden import BESIDE

from adapters.format import Decoded, Fields
from adapters.mapping import write
from canonical.message import Role

pytest.importorskip("quickfix")
ASKED = ["J/calculation-asked-of-a-named-message", "J/calculation-adopted", "AT/calculation-accepted"]
ASKED += ["AS/calculation-asked-of-a-named-message", "AS/calculation-adopted-with-the-block"]
TOLD = SAMPLES.parent / "write" / "fix44"
SESSION = {"34", "43", "49", "52", "56", "97"}  # the engine's own


def body(raw: bytes) -> Fields:
    """The fields of a message without those of the session."""
    [decoded] = codec("fix44/J").decode(raw)
    assert decoded.problems == ()
    return {tag: fields for tag, fields in decoded.fields.items() if tag not in SESSION}


def sent(raw: bytes) -> bytes:
    """A message as it is handed to the engine."""
    [decoded] = codec("fix44/J").decode(raw)
    return bytes(codec("fix44/J").encode([Decoded(decoded.message, body(raw))]))


def answers() -> list[bytes]:
    """What a client hears: the calculation, and 150 funds of which every figure differs."""
    calculated = (TOLD / "AS.calculation" / "asked" / "written.fix").read_bytes()
    return [
        calculated,
        *written_bytes("fix44/P", write(mapping("fix44/P"), heard(150, Role.INVESTOR), BESIDE)),
    ]


async def test_engines_carry_the_whole_dialogue(tmp_path: Path) -> None:
    """What a client's engine sends, and what it gets, pass the engines of both sides with every field."""
    port, ours, theirs = free_port(), Inbox(), Inbox()
    asked = [fix_bytes((SAMPLES / "fix44" / case / "message.fix").read_text()) for case in ASKED]
    async with (
        running([session("IM", "acceptor", port)], tmp_path / "sp", ours) as sp,
        running([session("IM", "initiator", port)], tmp_path / "im", theirs) as manager,
    ):
        for number, raw in enumerate(asked):
            await deliver(manager, "IM", f"asks {number}", sent(raw))
        for number, raw in enumerate(answers()):
            await deliver(sp, "IM", f"tells {number}", sent(raw))
        await until(lambda: len(ours.arrivals) == len(asked) and len(theirs.arrivals) == 2)
        assert [body(arrival.raw) for arrival in ours.arrivals] == [body(raw) for raw in asked]
        assert [body(arrival.raw) for arrival in theirs.arrivals] == [body(raw) for raw in answers()]
        assert ours.rejects == theirs.rejects == []
        assert len(value(theirs.arrivals[1].raw, 58)) > 50_000
