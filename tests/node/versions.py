"""What tests of contract versions share: votes on them, and what nodes have made of what they read."""

from collections.abc import Mapping
from typing import Any

from forging import act, entries, say
from messages import block, file, report
from releases import with_contracts
from scene import Node, Scene

from node.act import ActivateContract
from node.contract_versions import Contract, installed_contracts
from node.entry import ActEntry

BY_NAME: Mapping[str, Contract] = {one.name: one for one in installed_contracts().values()}
FIRST, SECOND = BY_NAME["matching/1"], BY_NAME["matching/2"]
ONLY_FIRST = with_contracts(FIRST)


def activate(contract: Contract = SECOND, **when: int) -> ActEntry:
    return act(ActivateContract(contract=contract.id, **when))


async def vote(scene: Scene, said: ActEntry, *sps: str) -> None:
    for sp in sps:
        await say(scene, scene.nodes[sp], said)


async def traded(scene: Scene, number: int) -> None:
    """Both sides tell of one trade; answered or not."""
    await scene.sp1.arrives("broker", report(f"B-{number}"))
    await scene.settled()
    await scene.sp2.arrives("investor", file(block(f"A-{number}", order=f"B-{number}")))
    await scene.settled()


def contracts(node: Node) -> list[tuple[int, str]]:
    """What each decision was made with, by position."""
    return node.rows("SELECT position, contract FROM decided ORDER BY position")


def names(node: Node) -> list[str]:
    return [contract.partition(":")[0] for _, contract in contracts(node)]


def read(node: Node) -> dict[str, list[tuple[Any, ...]]]:
    """All that a node has made of what it can read."""
    tables = {"decided": "position, digest, finality, contract", "outcome": "id, position, outcome"}
    tables |= {"said": "position, source, fault", "state": "key, value", "attested": "*", "spoke": "*"}
    return {name: sorted(node.rows(f"SELECT {what} FROM {name}")) for name, what in tables.items()}  # noqa: S608 - the names above


def waiting(node: Node) -> list[int]:
    return [position for (position,) in node.rows("SELECT position FROM deferred ORDER BY position")]


def faults(node: Node) -> list[str]:
    return [fault for (fault,) in node.rows("SELECT fault FROM act WHERE fault IS NOT NULL")]


def said_by(node: Node, sp: str) -> list[ActEntry]:
    """The acts in blocks of an SP."""
    return [one.entry for one in entries(node) if isinstance(one.entry, ActEntry) and one.sp == sp]


async def restarted(node: Node, **changes: Any) -> None:
    await node.stop()
    for name, value in changes.items():
        setattr(node, name, value)
    await node.start()
