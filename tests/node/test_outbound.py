"""Deliveries: in order per client, none lost, nobody waits for somebody else's client."""

from pathlib import Path
from typing import Any

import pytest
from messages import block, file
from scene import Node, Scene, in_folder, outcomes, running, until

from adapters.link import Delivery
from node.clients import Client
from node.memory_ledger import MemoryLedger


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The SP of two investors, alone."""
    made = in_folder(tmp_path, MemoryLedger(), {"sp2": ["investor", "rival"]})
    del made.nodes["sp1"], made.nodes["sp3"]
    return made


async def received(node: Node, name: str, *numbers: int) -> None:
    for number in numbers:
        await node.arrives(name, file(block(f"A-{number}")))


def queued(node: Node, name: str) -> list[str]:
    rows = node.rows("SELECT id FROM delivery WHERE client = ? ORDER BY number", name)
    return [row[0] for row in rows]


def order(node: Node, name: str) -> list[str]:
    return [delivery.id for delivery in node.link.sent if delivery.client == name]


async def test_a_client_that_is_away_keeps_its_place_and_others_go_on(scene: Scene):
    """It gets all of it in order when it is back, once."""
    node = scene.sp2
    async with running(scene):
        node.link.away = {"investor"}
        await received(node, "investor", 1, 2, 3)
        await received(node, "rival", 4)
        await until(lambda: len(queued(node, "investor")) == 3 and order(node, "rival"))
        assert order(node, "investor") == []
        node.link.away = set()
        await scene.settled()
        assert order(node, "investor") == queued(node, "investor")


async def test_a_client_that_goes_in_the_middle_gets_the_rest_later(scene: Scene):
    """What it took is not sent again, what it did not take is."""
    node = scene.sp2

    def leaves() -> None:
        if len(node.link.sent) == 2:
            node.link.away = {"investor"}

    node.link.after_send = leaves
    async with running(scene):
        await received(node, "investor", 1, 2, 3, 4)
        await until(lambda: len(queued(node, "investor")) == 4 and node.link.away)
        node.link.away = set()
        await scene.settled()
        assert order(node, "investor") == queued(node, "investor")


async def test_what_was_sent_when_the_node_died_comes_again_under_its_id(scene: Scene):
    """Between sending and noting it nothing can be sure: the client can tell the repetition by its id."""
    node = scene.sp2

    def dies() -> None:
        raise RuntimeError("the process ends here")

    async with running(scene):
        node.link.after_send = dies
        await received(node, "investor", 1)
        assert [type(error) for error in await node.ended()] == [RuntimeError]
        node.link.after_send = lambda: None
        await node.start()
        await scene.settled()
        first, again = node.link.sent
        assert (first.id, first.raw) == (again.id, again.raw)


async def test_a_delivery_that_no_link_can_take_stops_its_own_client_alone(
    scene: Scene, capfd: pytest.CaptureFixture[str]
):
    """It stays first in its queue, the log names it without quoting it, and others do not suffer."""
    node = scene.sp2

    def refuses(delivery: Delivery) -> None:
        if delivery.client == "investor":
            raise ValueError("quotes 56910000")

    node.link.refuses = refuses
    async with running(scene):
        await received(node, "investor", 1)
        await until(lambda: queued(node, "investor"))
        await received(node, "rival", 2)
        await until(lambda: order(node, "rival"))
        (waiting,) = queued(node, "investor")
        log = "".join(capfd.readouterr())
        assert waiting in log
        assert "56910000" not in log
        node.link.refuses = lambda _: None
        await scene.settled()
        assert order(node, "investor") == [waiting]


async def test_what_was_queued_before_a_restart_goes_out_first(scene: Scene):
    """Order holds across restarts, also for a client that was away all the time."""
    node = scene.sp2
    async with running(scene):
        node.link.away = {"investor"}
        await received(node, "investor", 1, 2)
        await until(lambda: len(queued(node, "investor")) == 2)
        await node.stop()
        await node.start()
        await received(node, "investor", 3)
        await until(lambda: len(outcomes(node)) == 3)
        node.link.away = set()
        await scene.settled()
        assert order(node, "investor") == queued(node, "investor")
        assert len(queued(node, "investor")) == 3


async def test_an_answer_that_cannot_be_written_stops_nobody(
    scene: Scene, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A mistake in one client's mapping is kept for a person; the node would meet it again, and goes on."""
    true = Client.answer

    def faulty(self: Client, *values: Any) -> list[bytes]:
        if self.name == "investor":
            raise ValueError("quotes 56910000")
        return true(self, *values)

    monkeypatch.setattr(Client, "answer", faulty)
    node = scene.sp2
    async with running(scene):
        await received(node, "investor", 1)
        await received(node, "rival", 2)
        await scene.settled()
        assert len(order(node, "rival")) == 1
        assert node.rows("SELECT client, kind FROM unwritten") == [("investor", "result")]
        assert "56910000" not in "".join(capfd.readouterr())
