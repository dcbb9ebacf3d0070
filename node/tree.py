"""The Merkle tree over the entries of the ledger, RFC 9162, section 2.1: its hashes, and what proofs prove.

    entry_leaf(sp, number, index, entry) -> bytes               the leaf of one entry
    root_of_inclusion(leaf, position, size, path) -> bytes      the root under which the leaf stands
    consistent(old, new, old_root, new_root, path) -> bool      whether the new tree begins with the old one

Pure: the tree itself lies in a store (node.tree_tiles). Hashes are the 32 raw bytes of SHA-256; sizes count
entries, and so does a position, from 0.
"""

import hashlib
from collections.abc import Sequence

from node import cbor

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

_LEAF, _NODE = b"\x00", b"\x01"  # so that no entry can pass for the inside of a tree


class PathInvalidError(ValueError):
    """A path of hashes does not fit the sizes it is for; the text says how. It proves nothing."""


def entry_leaf(sp: str, number: int, index: int, entry: bytes) -> bytes:
    """The leaf hash of an entry: where its SP put it is part of it. index: from 0, in block `number`."""
    return leaf_hash(cbor.encode([sp, number, index, entry]))


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(_NODE + left + right).digest()


def row_hash(row: bytes) -> bytes:
    """The root of a perfect subtree. row: its 2ⁿ hashes of one height, joined."""
    while len(row) > HASH_BYTES:
        pairs = range(0, len(row), 2 * HASH_BYTES)
        row = b"".join([hashlib.sha256(_NODE + row[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return row


def root_of_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of `size` entries that has `leaf` at `position`, by RFC 9162, section 2.1.3.2.

    path: the siblings on the way up, the leaf's own first. Raises PathInvalidError. Whether this is the root
    that somebody signed is the caller's to compare.
    """
    if not 0 <= position < size:
        raise PathInvalidError(f"position {position} is not in a tree of {size} entries")
    inner, border = _siblings(position, size - 1)
    _check_path(path, inner + border)
    node = leaf
    for height, sibling in enumerate(path):
        is_right = height >= inner or position >> height & 1
        node = node_hash(sibling, node) if is_right else node_hash(node, sibling)
    return node


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of `new` entries begins with the tree of `old` ones, by RFC 9162, section 2.1.4.2.

    Every tree begins with the empty one, and with itself; the path is empty then. Raises PathInvalidError.
    """
    if not 0 <= old <= new:
        raise PathInvalidError(f"a tree of {new} entries does not begin with one of {old}")
    if old in (0, new):
        _check_path(path, 0)
        return old_root == (EMPTY_ROOT if old == 0 else new_root) and (new > 0 or new_root == EMPTY_ROOT)
    height = (old & -old).bit_length() - 1  # of the largest perfect subtree that ends where the old tree ends
    last = (old - 1) >> height  # its number among those of its height
    inner, border = _siblings(last, (new - 1) >> height)
    if last == 0:  # it is the old tree itself, whose root the path leaves out
        path = (old_root, *path)
    _check_path(path, 1 + inner + border)
    before = after = path[0]
    for step, sibling in enumerate(path[1:]):
        if step >= inner or last >> step & 1:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
        else:
            after = node_hash(after, sibling)
    return before == old_root and after == new_root


def _siblings(place: int, last: int) -> tuple[int, int]:
    """How many siblings a node has below and above the point where its way meets that of the last node.

    Below, there is one at each height, on either side; above, only on the left, where there is a tree.
    """
    inner = (place ^ last).bit_length()
    return inner, (place >> inner).bit_count()


def _check_path(path: Sequence[bytes], length: int) -> None:
    if len(path) != length:
        raise PathInvalidError(f"the path has {len(path)} hashes instead of {length}")
    if any(len(each) != HASH_BYTES for each in path):
        raise PathInvalidError(f"a hash of the path does not have {HASH_BYTES} bytes")
