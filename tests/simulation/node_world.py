"""Runs a plan: real nodes on a ledger in memory, in virtual time, until nothing is on its way any more."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from founding import client
from market import CLIENTS, NEXT_DAY, Plan, Sent
from mortal import CrashError, Death, Moment
from scene import PACE, Node, Scene, in_folder
from virtual_time import VirtualStore

from node.memory_ledger import MemoryLedger
from node.store import StoreError

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 1_000.0  # of virtual time

Trace = list[tuple[float, str]]

# As others see the store of a block's author: the one block under way, or read back a moment ago.
_ON_DISK = "SELECT 1 FROM flight WHERE block = ? UNION SELECT 1 FROM archive WHERE block = ?"


class TracedLedger(MemoryLedger):
    """A ledger that notes when what was said, and sees to it that it may be said.

    trace: seconds, and which block of whom. bodies: of each block, by the same name.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.faults, plan.chance("ledger"))
        self.trace: Trace = []
        self.bodies: dict[str, bytes] = {}
        self.nodes: dict[str, Node] = {}

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:
        """See MemoryLedger."""
        numbered = message_id.rpartition("-")[0]  # the digest after it is of bytes that hold fresh keys
        self.trace.append((asyncio.get_running_loop().time(), numbered))
        sp = numbered.rpartition("-")[0]
        assert self.nodes[sp].rows(_ON_DISK, block, block), "a block is published that its author may lose"
        assert self.bodies.setdefault(numbered, block) == block, "two blocks were published under one number"
        return await super().append(block, message_id, read)


async def live(plan: Plan, folder: Path) -> tuple[Scene, Trace]:
    """Let a plan run its course; the nodes are stopped in the end."""
    ledger = TracedLedger(plan)
    clients = {sp: [CLIENTS[lei] for lei in institutions] for sp, institutions in plan.served.items()}
    rules = {} if plan.wait is None else {"provisional_after_seconds": plan.wait}
    scene = in_folder(folder, ledger, {}, plan.served, **rules)
    ledger.nodes = scene.nodes
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        for sp, node in scene.nodes.items():
            node.clients = tuple(client(name, backup=plan.backup) for name in clients[sp])
            node.pace = replace(PACE, look=0.5, stagger=0.1, clock=clock)
            living = group.create_task(_keep_alive(node, plan.deaths[sp], plan), name=f"watch {sp}")
            stack.callback(living.cancel)
            group.create_task(_turn(node, plan.turns[sp]), name=f"calendar {sp}")
        sending = [
            group.create_task(_send_all(scene.nodes[sp], name, sends), name=f"{name} at {sp}")
            for (sp, name), sends in plan.sends.items()
        ]
        await asyncio.wait(sending)
        await _settled(scene)
    return scene, ledger.trace


async def _keep_alive(node: Node, deaths: Sequence[tuple[Death, float]], plan: Plan) -> None:
    """Start a node again each time that it dies; at last it lives on."""
    chance = plan.chance(f"store of {node.sp}")
    try:
        for (at, moment), pause in (*deaths, ((0, Moment.BEFORE), 0.0)):
            node.make_store = partial(VirtualStore, chance=chance, at=at, moment=moment)
            with suppress(CrashError):  # it may die before it is ready
                await node.start()
            errors = await _end_of(node)
            if any(not isinstance(error, CrashError) for error in errors):
                raise BaseExceptionGroup(f"{node.sp} ended otherwise", errors)
            await asyncio.sleep(pause)
    finally:
        await node.stop()


async def _end_of(node: Node) -> list[BaseException]:
    assert node.task is not None
    await asyncio.wait({node.task})
    return await node.ended()


async def _turn(node: Node, after: float) -> None:
    await asyncio.sleep(after)
    node.today = NEXT_DAY


async def _send_all(node: Node, name: str, sends: Sequence[Sent]) -> None:
    """Send as a client does: in order, and the same again until it was taken."""
    for sent in sends:
        await asyncio.sleep(sent.after)
        while not await _was_taken(node, name, sent):  # noqa: ASYNC110 - a client tries again and again
            await asyncio.sleep(0.05)


async def _was_taken(node: Node, name: str, sent: Sent) -> bool:
    if node.link.receive is None:
        return False
    try:
        await node.arrives(name, sent.raw, sent.origin)
    except (CrashError, StoreError):
        return False
    return True


async def _settled(scene: Scene) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(_runs(node) for node in scene.nodes.values()) or not scene.is_settled():  # noqa: ASYNC110 - stores tell nobody
            await asyncio.sleep(LOOK_SECONDS)


def _runs(node: Node) -> bool:
    return node.task is not None and not node.task.done()


def accepted(plan: Plan) -> Mapping[tuple[str, str], Sequence[Sent]]:
    """What each client's node has taken, each once: the transport may say the same again."""
    return {at: list({sent.origin: sent for sent in sends}.values()) for at, sends in plan.sends.items()}
