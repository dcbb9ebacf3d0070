"""What a scrub knows as it goes: who was a member at each block, and what the tree must hold."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from node.act import ActInvalidError, decode_act
from node.application import day_of
from node.block import Block, open_block
from node.entry import ActEntry, EntryInvalidError, decode_entry
from node.network import Network
from node.register import ActRefusedError, Register
from node.scrub import Follow, OpenBlock
from node.tree import HASH_BYTES, entry_leaf
from node.tree_tiles import TILE_HASHES


def following(network: Network, connection: sqlite3.Connection) -> tuple[OpenBlock, Follow]:
    """What opens and follows the blocks of the store that `connection` reads."""
    known = Following(network, connection)
    return known.open_block, known.follow


class Following:
    """Follows an archive from its first block. connection: to the store, where its tree lies."""

    def __init__(self, network: Network, connection: sqlite3.Connection) -> None:
        self._register = Register(network)
        self._connection = connection
        self._tile: tuple[int, bytes] = (-1, b"")

    def open_block(self, raw: bytes) -> Block:
        """The block, signed by a member of its time, else BlockInvalidError."""
        return open_block(raw, self._register.signing_keys, self._register.id)

    def follow(self, _: int, first: int, block: Block) -> Iterator[str]:
        """Take a block that counts, and tell where the tree's leaves are not its entries'."""
        for number, raw in enumerate(block.entries):
            if self._leaf(first + number) != entry_leaf(block.sp, block.seq, number, raw):
                yield f"the tree has another leaf at position {first + number}"
            self._take(block, first + number, raw)

    def _take(self, block: Block, position: int, raw: bytes) -> None:
        with suppress(EntryInvalidError, ActInvalidError, ActRefusedError):  # passed over then, and now
            entry = decode_entry(raw)
            if isinstance(entry, ActEntry):
                day = day_of(block, self._register.genesis.time_zone)
                self._register.apply(block.sp, decode_act(entry.act), position, day)

    def _leaf(self, position: int) -> bytes:
        number, place = divmod(position, TILE_HASHES)
        if self._tile[0] != number:
            row = self._connection.execute(
                "SELECT hashes FROM tile WHERE level = 0 AND number = ?", (number,)
            ).fetchone()
            self._tile = (number, row[0] if row is not None else b"")
        return self._tile[1][place * HASH_BYTES : (place + 1) * HASH_BYTES]
