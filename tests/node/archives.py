"""Nodes that do not run: keys, settings and an archive on disk, written as a replica writes it."""

import hashlib
import sqlite3
import tomllib
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.act import Act, encode_act
from node.block import Block, BlockInvalidError, archived_block, sign_block
from node.entry import ActEntry, EntryInvalidError, decode_entry, encode_entry
from node.generation import Generation
from node.key_files import load_keys
from node.network import Network
from node.rebuild import enter, propose, sign
from node.replica import head
from node.settings import EmbeddedLedger, NodeSettings
from node.setup import NETWORK_FILE, found_alone, make_member, write_toml
from node.store import STORE_FILE, close_store, keep_setting, open_store
from node.tree import entry_leaf
from node.tree_tiles import append, root

PASSED_OVER = b"no block at all"
ROUNDS = 15


@dataclass
class Stopped:
    """One member's node. folder: as an operator has it, with keys/ and network.toml."""

    sp: str
    folder: Path
    network: Network
    seq: int = field(default=0)

    @property
    def settings(self) -> NodeSettings:
        """What its node.toml says."""
        ledger = EmbeddedLedger(
            kind="embedded", client_port=1, cluster_port=2, monitor_port=3, cluster_secret_file=Path("-")
        )
        return NodeSettings(
            sp=self.sp,
            network_file=self.folder / NETWORK_FILE,
            keys_folder=self.folder / "keys",
            data_folder=self.folder / "data",
            ledger=ledger,
        )

    @property
    def key(self) -> Ed25519PrivateKey:
        """That of its blocks."""
        return load_keys(self.folder / "keys", None).signing

    @property
    def store(self) -> Path:
        """Where its archive is."""
        return self.folder / "data" / STORE_FILE

    def block(self, *entries: bytes) -> bytes:
        """Its next block."""
        self.seq += 1
        return sign_block(Block(1, self.network.id, self.sp, self.seq, self.seq, entries), self.key)

    def says(self, act: Act) -> bytes:
        """Its next block, with an act alone."""
        return self.block(encode_entry(ActEntry(encode_act(act))))

    def has(self, blocks: Iterable[bytes]) -> None:
        """Archive blocks behind those that it has; what is no block is passed over."""
        self.store.parent.mkdir(mode=0o700, exist_ok=True)
        connection = open_store(self.store)
        connection.execute("BEGIN")
        for raw in blocks:
            _archive(connection, raw)
        connection.execute("COMMIT")
        close_store(connection, self.store)

    def blocks(self) -> list[bytes]:
        """What it has."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            return [row[0] for row in connection.execute("SELECT block FROM archive ORDER BY sequence")]


def _archive(connection: sqlite3.Connection, raw: bytes) -> None:
    at = head(connection)
    block = _opened(raw)
    noted = (
        (block.sp, block.seq, at.size, len(block.entries), None)
        if block
        else (None, None, at.size, 0, "malformed")
    )
    connection.execute(
        "INSERT INTO archive (sequence, block, digest, sp, seq, first, entries, fault, state, time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, x'00', 0)",
        (at.sequence + 1, raw, hashlib.sha256(raw).digest(), *noted),
    )
    size = at.size
    if block is not None:
        leaves = [entry_leaf(block.sp, block.seq, number, one) for number, one in enumerate(block.entries)]
        size = append(connection, at.size, leaves)
        _note_acts(connection, at.size, block)
    keep_setting(connection, "head", f"{at.sequence + 1} {size} {root(connection, size).hex()}")


def _opened(raw: bytes) -> Block | None:
    try:
        return archived_block(raw)
    except BlockInvalidError:
        return None


def _note_acts(connection: sqlite3.Connection, first: int, block: Block) -> None:
    for number, raw in enumerate(block.entries):
        with suppress(EntryInvalidError):
            entry = decode_entry(raw)
            if isinstance(entry, ActEntry):
                row = (first + number, block.sp, "2026-11-20", entry.act.decode())
                connection.execute("INSERT INTO act VALUES (?, ?, ?, ?, 1, NULL)", row)


def founded(folder: Path, *names: str, plan_name: str = "stopped") -> dict[str, Stopped]:
    """Members of a network, each in a folder of its own, with nothing archived yet."""
    cards = [make_member(folder / sp, sp, [], None) for sp in names]
    founders = {sp: load_keys(folder / sp / "keys", None).signing for sp in names}
    network = found_alone({"name": plan_name, "replicas": 3}, cards, [], founders)
    for sp in names:
        write_toml(folder / sp / NETWORK_FILE, network)
    return {sp: Stopped(sp, folder / sp, network) for sp in names}


def traffic(members: Iterable[Stopped], rounds: int) -> list[bytes]:
    """Blocks of all members in turn, of one to three entries, with one that was passed over in between."""
    made = list[bytes]()
    for number in range(rounds):
        for member in members:
            made.append(member.block(*(b"%d %d" % (number, entry) for entry in range(1 + len(made) % 3))))
        if number == rounds // 2:
            made.append(PASSED_OVER)
    return made


def have(members: dict[str, Stopped], blocks: list[bytes]) -> None:
    """Archive the same at all of them."""
    for member in members.values():
        member.has(blocks)


def begin(members: dict[str, Stopped], file: Path) -> None:
    """Propose at the first, sign at the second, enter at all."""
    first, second, *_ = members.values()
    propose(first.settings, file)
    sign(second.settings, file)
    for member in members.values():
        enter(member.settings, file)


def alter(file: Path, *place: str | int, value: object) -> None:
    """Change one value in the file."""
    tree = tomllib.loads(file.read_text())
    at = tree
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    file.write_text(tomli_w.dumps(tree))


def signers(generation: Generation) -> list[str]:
    return [one.sp for one in generation.signatures]
