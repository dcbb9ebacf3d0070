"""The Merkle tree in the store, as tiles of 256 hashes, like those of C2SP tlog-tiles.

    append(connection, size, leaves) -> int                     after an entry was archived; the new size
    root(connection, size) -> bytes                             of any size up to what is stored
    inclusion_path(connection, position, size)                  for node.tree.root_of_inclusion
    consistency_path(connection, old, new)                      for node.tree.consistent
    subtree_hash(connection, height, number, size) -> bytes     to find where two trees part

A tile of level 0 has leaf hashes; a hash in a tile of level L + 1 is the root of a full tile of level L. All
but the last tile of a level are full. Every function runs in the transaction of its caller.
"""

import sqlite3
from collections.abc import Sequence

from node.tree import EMPTY_ROOT, HASH_BYTES, node_hash, row_hash

TILE_HEIGHT = 8
TILE_HASHES = 1 << TILE_HEIGHT
TILE_BYTES = TILE_HASHES * HASH_BYTES
TILE_TABLE = """
CREATE TABLE IF NOT EXISTS tile (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;
"""

_READ = "SELECT hashes FROM tile WHERE level = ? AND number = ?"
_WRITE = (
    "INSERT INTO tile VALUES (?, ?, ?) ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)


class TreeDamagedError(Exception):
    """The tree in the store lacks hashes that it should have; the message says what to do."""

    def __init__(self, level: int, number: int) -> None:
        super().__init__(
            f"the tree in the store is damaged at tile {number} of level {level}: "
            "restore this node's store from the other members"
        )


def memory_tree() -> sqlite3.Connection:
    """An empty tree that lies in memory alone, to compare a stored one with. To be closed by the caller."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute(TILE_TABLE)
    return connection


def append(connection: sqlite3.Connection, size: int, leaves: Sequence[bytes]) -> int:
    """Put leaf hashes behind the `size` that are there; the new size. Writes the last tiles anew."""
    level, before, hashes = 0, size, leaves
    while hashes:
        hashes = _extend(connection, level, before, hashes)
        level, before = level + 1, before // TILE_HASHES
    return size + len(leaves)


def root(connection: sqlite3.Connection, size: int) -> bytes:
    """The root of the tree of the first `size` entries."""
    return _Reader(connection).span(0, size) if size else EMPTY_ROOT


def inclusion_path(connection: sqlite3.Connection, position: int, size: int) -> tuple[bytes, ...]:
    """The siblings from the leaf at `position` up to the root of `size` (RFC 9162, section 2.1.3.1)."""
    assert 0 <= position < size
    reader, start, end, path = _Reader(connection), 0, size, []
    while end - start > 1:
        middle = start + _left(end - start)
        if position < middle:
            path.append(reader.span(middle, end))
            end = middle
        else:
            path.append(reader.span(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(connection: sqlite3.Connection, old: int, new: int) -> tuple[bytes, ...]:
    """What shows that the tree of `new` begins with that of `old` (RFC 9162, section 2.1.4.1)."""
    assert 0 <= old <= new
    if old in (0, new):
        return ()
    reader, start, end, path = _Reader(connection), 0, new, []
    while end != old:
        middle = start + _left(end - start)
        if old <= middle:
            path.append(reader.span(middle, end))
            end = middle
        else:
            path.append(reader.span(start, middle))
            start = middle
    if start > 0:  # else it is the old tree itself, whose root the reader of the proof has
        path.append(reader.span(start, end))
    return tuple(reversed(path))


def subtree_hash(connection: sqlite3.Connection, height: int, number: int, size: int) -> bytes:
    """The hash of one node of the tree of `size`: over its entries number · 2^height up to the next such.

    Where the tree ends before, over those that there are. Two trees of one size with unequal roots part below
    the first child whose hashes differ: height by height, from (size - 1).bit_length() down to 0.
    """
    start = number << height
    assert 0 <= start < size
    return _Reader(connection).span(start, min(start + (1 << height), size))


class _Reader:
    """Tiles of one store, each read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}

    def span(self, start: int, end: int) -> bytes:
        """The root over the entries from `start` to before `end`, where the tree has or had a node."""
        nodes = []
        while start < end:
            height = (end - start).bit_length() - 1
            nodes.append(self._perfect(height, start >> height))
            start += 1 << height
        node = nodes.pop()
        while nodes:
            node = node_hash(nodes.pop(), node)
        return node

    def _perfect(self, height: int, number: int) -> bytes:
        """The root of a perfect subtree: of a part of a tile, a power of two wide."""
        level, within = divmod(height, TILE_HEIGHT)
        tile, first = divmod(number << within, TILE_HASHES)
        at, end = first * HASH_BYTES, (first + (1 << within)) * HASH_BYTES
        hashes = self._tile(level, tile)
        if len(hashes) < end:
            raise TreeDamagedError(level, tile)
        return row_hash(hashes[at:end])

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._tiles:
            self._tiles[level, number] = _stored(self._connection, level, number)
        return self._tiles[level, number]


def _extend(connection: sqlite3.Connection, level: int, before: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Put hashes behind the `before` ones of a level; the roots of the tiles that are full by it."""
    first, width = divmod(before, TILE_HASHES)
    begun = _stored(connection, level, first) if width else b""
    if len(begun) != width * HASH_BYTES:
        raise TreeDamagedError(level, first)
    row = b"".join((begun, *hashes))
    tiles = [row[at : at + TILE_BYTES] for at in range(0, len(row), TILE_BYTES)]
    connection.executemany(_WRITE, [(level, number, tile) for number, tile in enumerate(tiles, first)])
    return [row_hash(tile) for tile in tiles if len(tile) == TILE_BYTES]


def _stored(connection: sqlite3.Connection, level: int, number: int) -> bytes:
    row = connection.execute(_READ, (level, number)).fetchone()
    if row is None:
        raise TreeDamagedError(level, number)
    return bytes(row[0])


def _left(count: int) -> int:
    """How many of `count` entries stand in the left subtree: the largest power of two below it."""
    return 1 << (count - 1).bit_length() - 1
