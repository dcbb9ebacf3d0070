"""A node's whole archive, read from its first block to its last, and what it comes to.

    read_archive(connection) -> Archive

Everything is made anew of the blocks themselves: digests, contiguity, the tree and its root. What the node
has noted beside them must be the same.
"""

import base64
import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from node.act import AdmitMember, RemoveMember, ReplaceMemberKey, decode_act
from node.block import BlockInvalidError, archived_block
from node.replica import head
from node.store import each
from node.tree import entry_leaf
from node.tree_tiles import TreeDamagedError, append, memory_tree, root

LEAVES_AT_ONCE = 10_000


class ArchiveDamagedError(Exception):
    """The archive is not what was archived; the text says where."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive comes to.

    sequence: of its last block. size: entries. root: of the tree over them. blocks: SHA-256 over the SHA-256
    of each block. Both hexadecimal. acts: the blocks with votes on who is a member, base64, in order.
    """

    sequence: int
    size: int
    root: str
    blocks: str
    acts: tuple[str, ...]


def read_archive(connection: sqlite3.Connection) -> Archive:
    """Read it all. Raises ArchiveDamagedError, sqlite3.Error."""
    with closing(memory_tree()) as tree:
        sequence, size, blocks = _read_blocks(connection, tree)
        found = root(tree, size)
    at = head(connection)
    if (at.sequence, at.size) != (sequence, size):
        told = f"the node says that it is at sequence {at.sequence} with {at.size} entries"
        raise ArchiveDamagedError(f"{told}, and the archive has {sequence} with {size}")
    if found.hex() != at.root or _stored_root(connection, size) != found:
        raise ArchiveDamagedError("the tree that the node has kept is not that over its blocks")
    return Archive(sequence, size, found.hex(), blocks, _acts(connection))


def _read_blocks(connection: sqlite3.Connection, tree: sqlite3.Connection) -> tuple[int, int, str]:
    """The last sequence, how many entries count, and the digest over all blocks. Fills `tree`."""
    whole, sequence, size, leaves = hashlib.sha256(), 0, 0, list[bytes]()
    query = "SELECT sequence, block, digest, first, entries, fault FROM archive ORDER BY sequence"
    with closing(connection.execute(query)) as rows:
        for at, raw, kept, first, entries, fault in rows:
            sequence += 1
            digest = hashlib.sha256(raw).digest()
            if (at, kept, first) != (sequence, digest, size + len(leaves)):
                raise ArchiveDamagedError(f"the block at sequence {sequence} is not what was archived there")
            if fault is None:
                leaves += _leaves(sequence, raw, entries)
            if len(leaves) >= LEAVES_AT_ONCE:
                size, leaves = append(tree, size, leaves), []
            whole.update(digest)
    return sequence, append(tree, size, leaves), whole.hexdigest()


def _leaves(sequence: int, raw: bytes, entries: int) -> list[bytes]:
    """The leaves of a block that counts."""
    try:
        block = archived_block(raw)
    except BlockInvalidError as error:
        raise ArchiveDamagedError(f"the block at sequence {sequence} counts and is none: {error}") from error
    if len(block.entries) != entries:
        raise ArchiveDamagedError(f"the block at sequence {sequence} has other entries than are noted")
    return [entry_leaf(block.sp, block.seq, number, entry) for number, entry in enumerate(block.entries)]


def _stored_root(connection: sqlite3.Connection, size: int) -> bytes:
    try:
        return root(connection, size)
    except TreeDamagedError as error:
        raise ArchiveDamagedError(str(error)) from error


def _acts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The blocks in which votes stand that did not fail at once, each once."""
    found: dict[int, str] = {}
    for position, act in each(
        connection, "SELECT position, act FROM act WHERE fault IS NULL ORDER BY position"
    ):
        if isinstance(decode_act(act.encode()), AdmitMember | RemoveMember | ReplaceMemberKey):
            [(sequence, block)] = each(
                connection,
                "SELECT sequence, block FROM archive WHERE fault IS NULL AND first <= ?"
                " ORDER BY first DESC, entries DESC LIMIT 1",
                position,
            )
            found[sequence] = base64.b64encode(block).decode()
    return tuple(found.values())
