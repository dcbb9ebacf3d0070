"""What cannot be said in a client's format is kept for a person; it does not stop the node."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from founding import INVESTOR

from canonical.answer import Answer, AnswerStatus
from canonical.message import Kind, Role
from canonical.result import Source
from node.clients import Client
from node.deliveries import Deliveries
from node.store import each, open_store


class Speechless:
    """A client whose format has no place for anything."""

    name = "mute"
    institution = SimpleNamespace(lei=INVESTOR)

    def answer(self, *_: Any) -> list[bytes]:
        """Never succeeds."""
        raise ValueError("the secret word does not fit")


def test_what_cannot_be_said_is_kept(tmp_path: Path, capsys: Any):
    source = Source(author=Role.INVESTOR, kind=Kind.ALLOCATION_INSTRUCTION, reference="A-1", raw="0" * 64)
    answer = Answer(id="a-0", outcome="a", to=(source,), status=AnswerStatus.MATCHED)
    client = cast(Client, Speechless())
    connection = open_store(tmp_path / "node.db")
    for _ in range(2):  # after a crash, again
        Deliveries("sp2", {"mute": client}).queue_written(connection, client, "J", answer, {})
    assert each(connection, "SELECT id, client, kind, reason FROM unwritten") == [
        ("a-0-mute", "mute", "result", "the secret word does not fit")
    ]
    assert each(connection, "SELECT * FROM delivery") == []
    connection.close()
    shown = capsys.readouterr()
    assert "cannot be written" in shown.out + shown.err
    assert "secret word" not in shown.out + shown.err, "what the message holds must not reach the log"
