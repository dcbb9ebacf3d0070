"""Where two nodes' ledgers part: found by asking the other node for hashes of its tree, half by half.

    answer_hash        this node's answer to others
    Divergence         looks for the place once a checkpoint has shown that there is one

What is asked and answered are hashes and positions alone, which say nothing about messages.
"""

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial

import structlog

from node import cbor
from node.ledger import Ledger, LedgerUnavailableError
from node.replica import head
from node.store import Store, each
from node.tree_tiles import subtree_hash

LOOK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class PeerAnswerError(Exception):
    """Another node's answer is none."""


class Divergence:
    """Finds the first position at which another node's ledger differs, and names it in the alarm."""

    def __init__(self, sp: str, store: Store, ledger: Ledger) -> None:
        self._sp = sp
        self._store = store
        self._ledger = ledger

    async def run(self) -> None:
        """Answer others, and look when there is something to find, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ledger.answer(self._sp, self._answer), name="hashes for others")
            group.create_task(self._look(), name="search for differences")

    async def _answer(self, question: bytes) -> bytes:
        return await self._store.write(partial(answer_hash, question=question))

    async def _look(self) -> None:
        while True:
            for sp, size in await self._store.write(_to_find):
                with suppress(LedgerUnavailableError, PeerAnswerError):  # asked again in a moment
                    position = await self.first_difference(sp, size)
                    await self._store.write(partial(_tell, sp=sp, position=position))
            await asyncio.sleep(LOOK_SECONDS)

    async def first_difference(self, sp: str, size: int) -> int | None:
        """The first position at which the trees of `size` entries differ; None where they do not."""
        for height, number in _perfect_subtrees(size):
            if await self._differs(sp, height, number, size):
                return await self._descend(sp, height, number, size)
        return None

    async def _descend(self, sp: str, height: int, number: int, size: int) -> int:
        while height:
            height, number = height - 1, 2 * number
            if not await self._differs(sp, height, number, size):
                number += 1
        return number

    async def _differs(self, sp: str, height: int, number: int, size: int) -> bool:
        question = cbor.encode([height, number, size])
        theirs = await self._ledger.ask(sp, question)
        if not theirs:
            raise PeerAnswerError(f"{sp} does not have {size} entries")
        return theirs != await self._store.write(partial(answer_hash, question=question))


def answer_hash(connection: sqlite3.Connection, question: bytes) -> bytes:
    """The hash of a perfect subtree of this node's tree; nothing where the question is none."""
    try:
        height, number, size = cbor.as_record(cbor.decode(question), int, int, int)
    except cbor.CborInvalidError:
        return b""
    is_within = 0 <= height < 63 and number >= 0 and (number + 1) << height <= size  # noqa: PLR2004 - bits of a position
    if not is_within or size > head(connection).size:
        return b""
    return subtree_hash(connection, height, number, size)


def _perfect_subtrees(size: int) -> list[tuple[int, int]]:
    """The largest perfect subtrees of a tree, left to right: height, and number at that height."""
    found, start = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            found.append((height, start >> height))
            start += 1 << height
    return found


def _to_find(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """The SPs that have signed another ledger, with the smallest size at which they did."""
    return each(
        connection,
        "SELECT sp, MIN(size) FROM checkpoint JOIN alarm ON alarm.key = 'diverged/' || sp"
        " WHERE agrees = 0 AND cleared IS NULL AND text NOT LIKE '%first differing position%' GROUP BY sp",
    )


def _tell(connection: sqlite3.Connection, sp: str, position: int | None) -> None:
    where = (
        f"the first differing position is {position}"
        if position is not None
        else "no first differing position was found: its tree is this node's now, its state is not"
    )
    connection.execute(
        "UPDATE alarm SET text = text || '; ' || ? WHERE key = ? AND cleared IS NULL",
        (where, f"diverged/{sp}"),
    )
    log.error("alarm", about=f"diverged/{sp}", text=where)
