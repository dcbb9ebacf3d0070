"""What a malicious member can put on the ledger: bytes that no honest node publishes."""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.act import RemoveMember
from node.act_submission import submit_act
from node.block import BLOCK_VERSION, Block, BlockFault, sign_block
from node.demo.market import MANAGER_A
from node.demo.programme import programme
from node.demo.scenario import Block as Trades
from node.drill.account import Account, Asked
from node.drill.engine import engine_of, published
from node.drill.holding import alarms, faults, newest_number, rows
from node.drill.stage import Stage
from node.entry import RetireEntry, encode_entry
from node.inspection import reading, status_of
from node.key_files import load_keys
from node.network import load_network
from node.settings import load_settings
from node.setup import NETWORK_FILE, NODE_FILE

BLOCKS: Final = 40
MEMBER: Final = "sp3"
VICTIM: Final = "sp1"
VOTERS: Final = ("sp1", "sp2")
WAIT_SECONDS: Final = 20.0
CONFLICTING: Final = "conflicting"
HARMLESS: Final = {"repeated", "out of order", BlockFault.MALFORMED}  # no member has signed anything wrong


@dataclass(frozen=True, slots=True)
class Published:
    """Bytes that were put on the ledger. fault: why they must not count."""

    sequence: int
    raw: bytes
    fault: str

    def is_told_by(self, alarm: str) -> bool:
        """Whether an alarm is about them."""
        named = "two blocks/" if self.fault == CONFLICTING else f"block/{self.sequence}"
        return alarm.startswith(named)


async def malice(asked: Asked, account: Account) -> None:
    """A day is traded within asked.seconds; meanwhile a member publishes what it must not, and is removed."""
    scenario = programme(BLOCKS, asked.seed)
    late = [block for block in scenario.blocks if block.client == MANAGER_A.client][-3:]
    early = [block for block in scenario.blocks if block not in late]
    async with Stage(asked, account, scenario) as stage:
        member = _Malicious(stage)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play_over(asked.seconds, early), name="load")
            await asyncio.sleep(asked.seconds / 2)
            await member.publish_all()
        await _answered(stage, but=late)
        await _remove(stage)
        await member.publish("a block of a member that was removed", member.block(), BlockFault.MEMBER)
        await stage.play_over(0, late)
        await _answered(stage)
        account.tell(f"at rest: {stage.heads()}")
        await stage.hold({one.sequence: one.fault for one in member.done} | _of_the_removed(stage))
        account.must("every node keeps the evidence", _lost_evidence(stage, member.done))
        account.must(
            "every node has raised an alarm, and `yakujo status` tells it", _silent(stage, member.done)
        )


class _Malicious:
    """The member's operator, who holds its keys. done: what was published."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._provider = stage.providers[MEMBER]
        self._key: Ed25519PrivateKey = load_keys(self._provider.folder / "keys", None).signing
        self._network = load_network(self._provider.folder / NETWORK_FILE).id
        self.done: list[Published] = []

    async def publish_all(self) -> None:
        """One of each kind."""
        newest, another = newest_number(self._provider, MEMBER), hashlib.sha256(b"another network").digest()
        theirs = self._archived(VICTIM)
        altered = theirs[:-1] + bytes([theirs[-1] ^ 1])
        for text, raw, fault in (
            ("another block with the number of an earlier one", self.block(seq=newest), CONFLICTING),
            (f"a block in the name of {VICTIM}", self.block(sp=VICTIM), BlockFault.KEY),
            (f"a block of {VICTIM} with one bit of an entry changed", altered, BlockFault.DIGEST),
            ("a block of another network", self.block(network=another), BlockFault.NETWORK),
            (f"an earlier block of {VICTIM} again", theirs, "repeated"),
            ("a block that leaves numbers out", self.block(seq=newest + 1_000), "out of order"),
            ("bytes that are no block", b"\x80", BlockFault.MALFORMED),
        ):
            await self.publish(text, raw, fault)

    async def publish(self, text: str, raw: bytes, fault: str) -> None:
        """Put bytes on the ledger, past the member's own daemon."""
        async with engine_of(self._provider) as client:
            sequence = await published(client, MEMBER, raw)
        self._stage.account.tell(f"{MEMBER} publishes {text}, at sequence {sequence}")
        self.done.append(Published(sequence, raw, fault))

    def block(self, *, sp: str = MEMBER, seq: int | None = None, network: bytes | None = None) -> bytes:
        """A block signed with the member's own key, whosever it says it is."""
        entry = encode_entry(RetireEntry(hashlib.sha256(str(len(self.done)).encode()).digest()))
        block = Block(
            version=BLOCK_VERSION,
            network=network or self._network,
            sp=sp,
            seq=seq or newest_number(self._provider, sp) + 1,
            time=time.time_ns() // 1000,
            entries=(entry,),
        )
        return sign_block(block, self._key)

    def _archived(self, sp: str) -> bytes:
        query = "SELECT block FROM archive WHERE sp = ? AND fault IS NULL ORDER BY sequence LIMIT 1"
        [(raw,)] = rows(self._provider, query, sp)
        return bytes(raw)


async def _answered(stage: Stage, but: Sequence[Trades] = ()) -> None:
    """Return when all that is due has been heard, but for some blocks that are still to come."""
    later = len({(e.client, e.reference) for block in but for e in block.expected})

    def is_answered() -> bool:
        stage.listen()
        return stage.verdict.outstanding() <= later

    await stage.until_true(is_answered, "all messages are answered")
    await stage.level()


def _of_the_removed(stage: Stage) -> dict[int, str]:
    """What the removed member's own daemon had under way; it counts no more."""
    found = faults(stage.providers[VICTIM])
    return {sequence: fault for sequence, fault in found.items() if fault == BlockFault.MEMBER}


async def _remove(stage: Stage) -> None:
    """Have the other members vote the malicious one out."""
    for sp in VOTERS:
        settings = load_settings(stage.providers[sp].folder / NODE_FILE)
        voted = await asyncio.to_thread(partial(submit_act, settings, RemoveMember(sp=MEMBER), WAIT_SECONDS))
        stage.account.tell(f"{sp} votes to {voted.act}; in effect: {'yes' if voted.in_effect else 'not yet'}")
    await stage.level()


def _lost_evidence(stage: Stage, done: list[Published]) -> Iterator[str]:
    """What was published, and does not stand in a node's archive as it was."""
    for provider in stage.providers.values():
        for one in done:
            found = rows(provider, "SELECT block FROM archive WHERE sequence = ?", one.sequence)
            if [bytes(row[0]) for row in found] != [one.raw]:
                yield f"{provider.sp} has not kept what was published at sequence {one.sequence}"


def _silent(stage: Stage, done: list[Published]) -> Iterator[str]:
    """What a node has no alarm about, or has told no operator of; and alarms about nothing."""
    removed = {str(sequence) for sequence in _of_the_removed(stage)}
    for provider in stage.providers.values():
        raised = alarms(provider)
        with reading(load_settings(provider.folder / NODE_FILE)) as view:
            told = set(status_of(view).findings)
        for key in raised:
            if not any(one.is_told_by(key) for one in done) and key.removeprefix("block/") not in removed:
                yield f"{provider.sp} has an alarm about {key}, where nothing was wrong"
        for one in done:
            about = [text for key, text in raised.items() if one.is_told_by(key)]
            if one.fault in HARMLESS:
                continue
            if not about:
                yield f"{provider.sp} has no alarm about sequence {one.sequence} ({one.fault})"
            elif not told.issuperset(about):
                yield f"{provider.sp} does not show its alarm about sequence {one.sequence}"
