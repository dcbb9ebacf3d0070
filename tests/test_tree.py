"""Promises about the tree: it is RFC 9162's, whatever way it grew; a proof convinces of the truth alone."""

import hashlib
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node import cbor, tree_tiles
from node.tree import (
    EMPTY_ROOT,
    PathInvalidError,
    consistent,
    entry_leaf,
    root_of_inclusion,
)
from node.tree_tiles import (
    TILE_HASHES,
    TreeDamagedError,
    append,
    consistency_path,
    inclusion_path,
    memory_tree,
    root,
    subtree_hash,
)

LARGE = 70_000
BORDERS = (1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, LARGE)
LEAVES = [hashlib.sha256(b"leaf %d" % number).digest() for number in range(LARGE)]


@pytest.fixture(scope="module")
def large() -> Iterator[sqlite3.Connection]:
    """A tree of LARGE leaves that grew in batches of many sizes."""
    with closing(memory_tree()) as tree:
        size, chance = 0, random.Random(9162)
        while size < LARGE:
            size = append(tree, size, LEAVES[size : size + chance.choice((1, 2, 100, 255, 256, 257, 1_000))])
        assert size == LARGE
        yield tree


# The definitions of RFC 9162 written down again, as they stand there: slow, and independent of tiles.


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]), section 2.1.1, of leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]), section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], known), section 2.1.4.1; PROOF(m, D[n]) where known."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def test_every_small_tree_has_the_root_of_the_standard():
    """At every size, though the tree grew by one leaf at a time and past that size."""
    with closing(memory_tree()) as tree:
        assert root(tree, 0) == EMPTY_ROOT == mth([])
        for size in range(600):
            append(tree, size, LEAVES[size : size + 1])
        assert [root(tree, size) for size in range(601)] == [mth(LEAVES[:size]) for size in range(601)]


@given(st.lists(st.integers(0, 700), max_size=12))
def test_batches_do_not_matter(counts: list[int]):
    """A node that caught up in large batches has the tree of one that followed entry by entry."""
    with closing(memory_tree()) as tree:
        size = 0
        for count in counts:
            size = append(tree, size, LEAVES[size : size + count])
        assert size == sum(counts)
        assert root(tree, size) == mth(LEAVES[:size])
        [hashes] = tree.execute("SELECT coalesce(sum(length(hashes)), 0) / 32 FROM tile").fetchone()
        assert hashes == size + size // TILE_HASHES + size // TILE_HASHES**2


@pytest.mark.parametrize("size", BORDERS)
def test_roots_where_tiles_end(large: sqlite3.Connection, size: int):
    assert root(large, size) == mth(LEAVES[:size])


@settings(max_examples=25)
@given(st.data())
def test_proofs_of_any_size_are_those_of_the_standard(large: sqlite3.Connection, data: st.DataObject):
    new = data.draw(st.one_of(st.sampled_from(BORDERS), st.integers(1, 3_000)))
    old = data.draw(st.integers(0, new))
    position = data.draw(st.integers(0, new - 1))
    leaves, roots = LEAVES[:new], (root(large, old), root(large, new))
    included, grown = inclusion_path(large, position, new), consistency_path(large, old, new)
    assert list(included) == path(position, leaves)
    assert list(grown) == (proof(old, leaves) if old else [])
    assert root_of_inclusion(LEAVES[position], position, new, included) == roots[1]
    assert consistent(old, new, *roots, grown)


def test_all_proofs_of_small_trees_hold_and_hold_for_nothing_else():
    """No proof of one place, or of one pair of sizes, passes for another one."""
    with closing(memory_tree()) as tree:
        append(tree, 0, LEAVES[:20])
        for new in range(1, 20):
            for place in range(new):
                included = inclusion_path(tree, place, new)
                places = [at for at in range(new) if _proves(place, at, new, included, root(tree, new))]
                assert places == [place]
            for old in range(1, new + 1):
                grown = consistency_path(tree, old, new)
                olds = [at for at in range(1, new + 1) if _grew(tree, at, new, grown)]
                assert olds == [old]


def _proves(leaf: int, place: int, size: int, hashes: Sequence[bytes], expected: bytes) -> bool:
    try:
        return root_of_inclusion(LEAVES[leaf], place, size, hashes) == expected
    except PathInvalidError:
        return False


def _grew(tree: sqlite3.Connection, old: int, new: int, hashes: Sequence[bytes]) -> bool:
    try:
        return consistent(old, new, root(tree, old), root(tree, new), hashes)
    except PathInvalidError:
        return False


@settings(max_examples=50)
@given(st.data())
def test_an_altered_proof_fails(large: sqlite3.Connection, data: st.DataObject):
    """One bit in a path or in a root is enough, and so is a hash too many or too few."""
    new = data.draw(st.integers(2, 3_000))
    old = data.draw(st.integers(1, new - 1))
    position = data.draw(st.integers(0, new - 1))
    roots = root(large, old), root(large, new)
    for hashes, holds in (
        (inclusion_path(large, position, new), lambda p: _proves(position, position, new, p, roots[1])),
        (consistency_path(large, old, new), lambda p: _holds(old, new, *roots, p)),
    ):
        assert holds(hashes)
        at, bit = data.draw(st.integers(0, len(hashes) - 1)), data.draw(st.integers(0, 255))
        assert not holds((*hashes[:at], flipped(hashes[at], bit), *hashes[at + 1 :]))
        assert not holds((*hashes[:at], *hashes[at + 1 :]))
        assert not holds((*hashes[:at], hashes[at], *hashes[at:]))
    for wrong in ((flipped(roots[0], 7), roots[1]), (roots[0], flipped(roots[1], 7)), roots[::-1]):
        assert not _holds(old, new, *wrong, consistency_path(large, old, new))


def _holds(old: int, new: int, old_root: bytes, new_root: bytes, hashes: Sequence[bytes]) -> bool:
    try:
        return consistent(old, new, old_root, new_root, hashes)
    except PathInvalidError:
        return False


def flipped(hash_: bytes, bit: int) -> bytes:
    return (int.from_bytes(hash_) ^ 1 << bit).to_bytes(32)


def test_trees_that_are_empty_or_equal():
    """There is nothing to prove, and still a wrong root is not let through."""
    one, two = LEAVES[:2]
    assert consistent(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    assert consistent(0, 2, EMPTY_ROOT, one, ())
    assert consistent(2, 2, one, one, ())
    assert not consistent(0, 2, two, one, ())
    assert not consistent(0, 0, one, one, ())
    assert not consistent(2, 2, one, two, ())


@pytest.mark.parametrize(
    ("position", "size", "hashes", "said"),
    [
        (0, 0, (), "position 0 is not in a tree of 0"),
        (3, 3, (), "position 3"),
        (-1, 3, (), "position -1"),
        (0, 3, (), "0 hashes instead of 2"),
        (2, 3, (LEAVES[0], LEAVES[1]), "2 hashes instead of 1"),
        (2, 3, (b"short",), "32 bytes"),
    ],
)
def test_a_malformed_path_is_refused_with_its_reason(
    position: int, size: int, hashes: tuple[bytes, ...], said: str
):
    with pytest.raises(PathInvalidError, match=said):
        root_of_inclusion(LEAVES[0], position, size, hashes)


@pytest.mark.parametrize(
    ("old", "new", "hashes", "said"),
    [
        (3, 2, (), "does not begin"),
        (-1, 2, (), "does not begin"),
        (0, 2, (LEAVES[0],), "1 hashes instead of 0"),
        (2, 2, (LEAVES[0],), "1 hashes instead of 0"),
        (3, 4, (), "0 hashes instead of 3"),
        (1, 2, (b"",), "32 bytes"),
    ],
)
def test_a_malformed_growth_is_refused_with_its_reason(
    old: int, new: int, hashes: tuple[bytes, ...], said: str
):
    with pytest.raises(PathInvalidError, match=said):
        consistent(old, new, LEAVES[0], LEAVES[1], hashes)


def test_nodes_of_the_tree_lead_to_where_two_trees_part(large: sqlite3.Connection):
    """Two nodes with unequal roots find the first entry that they have unequal, asking for few hashes."""
    size, place = 5_000, 4_321
    with closing(memory_tree()) as other:
        append(other, 0, [*LEAVES[:place], bytes(32), *LEAVES[place + 1 : place + 9], *LEAVES[:size]][:size])
        height, number = (size - 1).bit_length(), 0
        assert subtree_hash(large, height, 0, size) == root(large, size) == mth(LEAVES[:size])
        while height:
            height, number = height - 1, 2 * number
            if subtree_hash(large, height, number, size) == subtree_hash(other, height, number, size):
                number += 1
    assert number == place
    assert subtree_hash(large, 0, place, size) == LEAVES[place]


@given(st.integers(0, 12), st.integers(0, 40), st.integers(1, 3_000))
def test_a_node_is_over_its_own_entries(large: sqlite3.Connection, height: int, number: int, size: int):
    start = number << height
    if start < size:
        expected = mth(LEAVES[start : min(start + (1 << height), size)])
        assert subtree_hash(large, height, number, size) == expected


@pytest.mark.parametrize("harm", ["DELETE FROM tile", "UPDATE tile SET hashes = substr(hashes, 1, 64)"])
def test_a_damaged_tree_is_noticed_and_says_what_to_do(harm: str):
    with closing(memory_tree()) as tree:
        append(tree, 0, LEAVES[:100])
        tree.execute(harm)
        with pytest.raises(TreeDamagedError, match="restore this node's store from the other members"):
            root(tree, 100)
        with pytest.raises(TreeDamagedError, match="tile 0 of level 0"):
            append(tree, 100, LEAVES[100:101])


def test_a_tree_is_not_grown_from_a_wrong_size():
    """A store whose tree and cursor do not agree must not write one over the other."""
    with closing(memory_tree()) as tree:
        append(tree, 0, LEAVES[:100])
        with pytest.raises(TreeDamagedError):
            append(tree, 99, LEAVES[:1])


def test_the_store_has_room_for_a_tree():
    """The table of the store is the one that these tests use."""
    schema = Path(tree_tiles.__file__).with_name("schema.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(":memory:")) as store:
        store.executescript(schema)
        append(store, 0, LEAVES[:300])
        assert root(store, 300) == mth(LEAVES[:300])


def test_a_leaf_is_the_entry_and_where_its_sp_put_it():
    """Another implementation can compute it: deterministic CBOR, hashed behind a zero byte."""
    expected = hashlib.sha256(b"\x00" + cbor.encode(["sp1", 7, 3, b"entry"])).digest()
    assert entry_leaf("sp1", 7, 3, b"entry") == expected
    others = [("sp2", 7, 3, b"entry"), ("sp1", 8, 3, b"entry"), ("sp1", 7, 4, b"entry"), ("sp1", 7, 3, b"")]
    assert len({expected, *(entry_leaf(*other) for other in others)}) == 5
