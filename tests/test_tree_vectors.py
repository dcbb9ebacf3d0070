"""The vectors that implementations of Certificate Transparency share (RFC 6962): trees of eight leaves."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from node.tree import consistent, leaf_hash, node_hash, root_of_inclusion
from node.tree_tiles import append, consistency_path, inclusion_path, memory_tree, root

CT_LEAVES = [
    leaf_hash(bytes.fromhex(data))
    for data in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_NODES = {
    "b": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "cd": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "efgh": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "e": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "gh": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "ef": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "a": CT_ROOTS[0],
    "ab": CT_ROOTS[1],
    "abcd": CT_ROOTS[3],
}


@pytest.fixture(scope="module")
def published() -> Iterator[sqlite3.Connection]:
    with closing(memory_tree()) as tree:
        append(tree, 0, CT_LEAVES)
        yield tree


def test_published_roots(published: sqlite3.Connection):
    assert [root(published, size).hex() for size in range(1, 9)] == CT_ROOTS


@pytest.mark.parametrize(
    ("position", "size", "nodes"),
    [
        (0, 1, ""),
        (0, 8, "b cd efgh"),
        (5, 8, "e gh abcd"),
        (2, 3, "ab"),
        (1, 5, "a cd e"),
    ],
)
def test_published_inclusion(published: sqlite3.Connection, position: int, size: int, nodes: str):
    hashes = tuple(bytes.fromhex(CT_NODES[node]) for node in nodes.split())
    assert inclusion_path(published, position, size) == hashes
    assert root_of_inclusion(CT_LEAVES[position], position, size, hashes).hex() == CT_ROOTS[size - 1]


@pytest.mark.parametrize(
    ("old", "new", "nodes"), [(1, 1, ""), (1, 8, "b cd efgh"), (6, 8, "ef gh abcd"), (2, 5, "cd e")]
)
def test_published_consistency(published: sqlite3.Connection, old: int, new: int, nodes: str):
    hashes = tuple(bytes.fromhex(CT_NODES[node]) for node in nodes.split())
    assert consistency_path(published, old, new) == hashes
    roots = bytes.fromhex(CT_ROOTS[old - 1]), bytes.fromhex(CT_ROOTS[new - 1])
    assert consistent(old, new, *roots, hashes)


def test_nodes_are_hashed_behind_a_one():
    assert node_hash(CT_LEAVES[0], CT_LEAVES[1]).hex() == CT_ROOTS[1]
