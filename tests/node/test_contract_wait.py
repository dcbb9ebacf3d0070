"""That a node waits for a contract is told: by status in one word, and above each trace."""

from pathlib import Path

import pytest
from beside import seen
from forging import act
from scene import Node, Scene, in_folder, running
from versions import FIRST, ONLY_FIRST, SECOND, activate, restarted, traded, vote

from node.act import StopContract
from node.commands.options import screen
from node.commands.trace_screen import print_trace
from node.compose import application_parts
from node.contract_wait import ContractWait, NodeState, contract_wait, state_of
from node.inspection import status_of
from node.memory_ledger import MemoryLedger
from node.tracing import NotFoundError, trace


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return in_folder(tmp_path, MemoryLedger())


def waits(node: Node) -> ContractWait | None:
    with seen(node) as view:
        return contract_wait(view.connection, view.register.contracts, node.head().size)


async def test_a_node_that_lacks_a_contract_says_which(scene: Scene, capsys: pytest.CaptureFixture[str]):
    """Status has a state of its own for it, and the whole id; trace says why nothing is told of a trade."""
    scene.sp2.make_parts = ONLY_FIRST
    async with running(scene):
        await traded(scene, 1)
        assert waits(scene.sp2) is None
        await vote(scene, activate(), "sp1", "sp3")
        await traded(scene, 2)
        found = waits(scene.sp2)
        assert found is not None
        assert (found.contract, found.submissions) == (SECOND.id, 2)
        assert (state_of(found, running=True), state_of(None, running=True)) == (
            NodeState.LACKS_CONTRACT,
            NodeState.RUNNING,
        )
        assert waits(scene.sp1) is None
        with seen(scene.sp2) as view:
            assert status_of(view).waits == found
            assert status_of(view).state is NodeState.NOT_RUNNING  # no process holds this folder
            capsys.readouterr()
            print_trace(screen(), trace(view, "A-1"), in_full=False)
            told = capsys.readouterr().out
            assert f"needed: the release that has {SECOND.id}" in told
            assert "2 submissions wait to be decided" in told
            print_trace(screen(), trace(view, "A-2"), in_full=False)
            assert "on its way to the ledger, or there and not decided yet" in capsys.readouterr().out
            with pytest.raises(NotFoundError, match="this node lacks contract matching/2"):
                trace(view, "report 2")
        await restarted(scene.sp2, make_parts=application_parts)
        await scene.settled()
        assert waits(scene.sp2) is None


async def test_contracts_that_are_stopped_are_a_state_too(scene: Scene):
    async with running(scene):
        await traded(scene, 1)
        await vote(scene, act(StopContract(reason="a test")), "sp1")
        await traded(scene, 2)
        for node in (scene.sp1, scene.sp2):
            found = waits(node)
            assert found is not None
            assert (found.contract, found.submissions) == (None, 2)
            assert state_of(found, running=True) is NodeState.CONTRACTS_STOPPED
        await vote(scene, activate(FIRST), "sp1", "sp2")
        assert waits(scene.sp1) is None
