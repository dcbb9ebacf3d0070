"""Steps without input or output, each done alone: reading, the cryptography, the tree, attestations.

What is done to many entries at once is done to batches of `BATCH`, and told for one entry.
"""

import datetime
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count

from adapters.link import Arrival
from node.attestation import attestation, read_attestation
from node.bench.limits import seconds_each
from node.bench.scene import SP, Scene, clients_of
from node.block import Block, open_block, sign_block
from node.clients import Client
from node.contract_identity import contract_id
from node.day_secret import DaySecret, new_secret
from node.directory import Directory
from node.entry import SealedEntry, decode_entry, encode_entry
from node.reading import Reader, Ready
from node.register import Register
from node.sealing import open_sealed, seal
from node.tree import entry_leaf
from node.tree_tiles import append, memory_tree, root

BATCH = 100
DAY = datetime.date(2026, 11, 20)  # of the messages

# What the parts are, in the order in which they are done to an entry.
PARTS = {
    "seal": "seal: message key, padding, AES-256-GCM, entry encoded",
    "sign": "share of signing the block",
    "verify": "share of verifying the block",
    "open": "open: entry decoded, AES-256-GCM, padding off",
    "tree": "share of leaf hash, tiles and root of the tree",
    "attest": "share of an attestation for both sides, made",
    "check": "share of that attestation, read and verified",
}
SEAL_TO_OPEN = ("seal", "sign", "verify", "open")
SUMS = {
    "seal_and_open": ("seal", "open"),
    "seal_sign_verify_open": SEAL_TO_OPEN,
    "attest_and_check": ("attest", "check"),
}


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the bench seals: messages of one relationship, under a secret that is on no ledger."""

    scene: Scene
    secret: DaySecret
    plaintexts: list[bytes]

    def entries(self) -> list[bytes]:
        """The messages, sealed anew."""
        return [encode_entry(seal(self.secret, SP, plaintext)) for plaintext in self.plaintexts]


def reading_seconds(clients: dict[str, Client], arrivals: Sequence[Arrival]) -> float:
    """From native text to validated canonical messages, for each message."""

    def work() -> None:
        for arrival in arrivals:
            client = clients[arrival.client]
            [decoded] = client.decode(arrival.raw)
            given = {"@sender": client.institution.lei, "@raw": "0" * 64}
            said = client.read(decoded.message, (decoded,), given)
            assert said.messages, said.problems

    return seconds_each(work, len(arrivals))


def sealing(scene: Scene, arrivals: Sequence[Arrival]) -> Sealing:
    """The plaintexts of `arrivals`, and a secret for them."""
    reader, clients = Reader(Directory(scene.network)), clients_of(scene)
    items = [reader.items(clients[a.client], "0" * 64, a.raw)[0] for a in arrivals]
    ready = [item for item in items if isinstance(item, Ready)]
    secret = new_secret(scene.network.id, *ready[0].parties, DAY)
    return Sealing(scene, secret, [item.plaintext for item in ready])


def part_seconds(of: Sealing, parts: Sequence[str] = tuple(PARTS)) -> dict[str, float]:
    """Processor seconds of each part for one entry, measured once. of: at most a block full."""
    with closing(memory_tree()) as tree:
        work = _cryptography(of) | _tree(of, partial(append, tree), partial(root, tree)) | _attesting(of)
        return {part: seconds_each(work[part], len(of.plaintexts)) for part in parts}


def _cryptography(of: Sealing) -> dict[str, Callable[[], object]]:
    network, key = of.scene.network, of.scene.ring.keys.signing
    block = Block(1, network.id, SP, 1, 0, tuple(of.entries()))
    raw = sign_block(block, key)
    members = network.signing_keys

    def opened() -> None:
        for entry, plaintext in zip(block.entries, of.plaintexts, strict=True):
            sealed = decode_entry(entry)
            assert isinstance(sealed, SealedEntry)
            assert open_sealed(sealed, of.secret, SP) == plaintext

    return {
        "seal": of.entries,
        "sign": lambda: sign_block(block, key),
        "verify": lambda: open_block(raw, members, network.id),
        "open": opened,
    }


def _tree(
    of: Sealing, append_to: Callable[[int, list[bytes]], int], root_of: Callable[[int], bytes]
) -> dict[str, Callable[[], object]]:
    """As a replica does it for each block; the tree grows by a batch each time."""
    entries, numbers = of.entries(), count(1)
    sizes: Iterator[int] = count(0, len(entries))

    def grow() -> bytes:
        number = next(numbers)
        leaves = [entry_leaf(SP, number, index, entry) for index, entry in enumerate(entries)]
        return root_of(append_to(next(sizes), leaves))

    return {"tree": grow}


def _attesting(of: Sealing) -> dict[str, Callable[[], object]]:
    secret, contract = of.secret, contract_id(of.scene.network.first_contract)
    keys = {lei: own.signing for lei, own in of.scene.ring.keys.institutions.items()}
    register = Register(of.scene.network)
    items = [(position, f"{position:064x}") for position in range(len(of.plaintexts))]
    said = attestation(contract, items, secret, SP, keys)
    return {
        "attest": lambda: attestation(contract, items, secret, SP, keys),
        "check": lambda: read_attestation(said, secret, SP, len(items), register),
    }
