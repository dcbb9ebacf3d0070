"""A small ledger to prove entries of: three founders, some blocks, and votes by which the members change.

Everything is made of fixed seeds, so the proofs in golden/proof are these, byte for byte. Where a later
version of the form asks for new ones: python -m tests.proof_scene
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node import cbor
from node.act import Act, AdmitMember, RemoveMember, ReplaceMemberKey, encode_act
from node.block import Block, sign_block
from node.block_header import signed_header
from node.checkpoint import Checkpoint, merge_checkpoints, network_origin, sign_checkpoint
from node.entry import ActEntry, encode_entry
from node.founding import sign_network
from node.keys import signing_text
from node.network import FoundingSignature, Member, Network
from node.proof import Proof, ProofFault, ProofInvalidError, read_proof, write_proof
from node.proof_check import verify
from node.proof_making import with_keys
from node.setup import write_toml
from node.tree import entry_leaf
from node.tree_tiles import append, inclusion_path, memory_tree, root

GOLDEN = Path(__file__).parent / "golden" / "proof"
BEGAN = 1_795_156_200_000_000  # 2026-11-20 06:30 UTC, in microseconds


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of an SP, "sp1", or one that it took later, "sp1 later"."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"proof {name}".encode()).digest())


def member(name: str) -> Member:
    sp, _, _ = name.partition(" ")
    return Member(sp=sp, signing_key=signing_text(key_of(name).public_key()))


def founded(*names: str) -> Network:
    """A network that these SPs have founded and signed."""
    network = Network(name="scene", replicas=3, members=tuple(map(member, names)))
    signatures = (FoundingSignature(sp=name, signature=sign_network(network, key_of(name))) for name in names)
    return network.model_copy(update={"signatures": tuple(signatures)})


NETWORK = founded("sp1", "sp2", "sp3")
ORIGIN = network_origin(NETWORK.name, NETWORK.id)
KEYS: Mapping[str, Sequence[Ed25519PublicKey]] = {
    "sp1": (key_of("sp1").public_key(), key_of("sp1 later").public_key()),
    **{sp: (key_of(sp).public_key(),) for sp in ("sp2", "sp3", "sp4")},
}


class Ledger:
    """Blocks in order, as they would be archived. sp: which SP signs, by the name of its key."""

    def __init__(self, network: Network = NETWORK) -> None:
        self.network = network
        self.blocks: list[bytes] = []
        self.entries: list[tuple[str, int, int, bytes, bytes]] = []
        self._numbers: dict[str, int] = {}

    def publish(self, name: str, *entries: bytes) -> bytes:
        """One block more, signed with the key of this name."""
        sp, _, _ = name.partition(" ")
        number = self._numbers[sp] = self._numbers.get(sp, 0) + 1
        block = Block(1, self.network.id, sp, number, BEGAN + 1_000_000 * len(self.blocks), entries)
        raw = sign_block(block, key_of(name))
        self.blocks.append(raw)
        header = signed_header(raw)
        self.entries += [(sp, number, index, entry, header) for index, entry in enumerate(entries)]
        return raw

    def note(self, size: int, *names: str) -> bytes:
        """What the SPs with the keys of these names say of the ledger at this size, a second apart."""
        with closing(memory_tree()) as tree:
            append(tree, 0, self._leaves())
            state = hashlib.sha256(b"state").digest()
            checkpoint = Checkpoint(
                network_origin(self.network.name, self.network.id), size, root(tree, size), state
            )
        at = BEGAN // 1_000_000 + 60
        return merge_checkpoints(
            sign_checkpoint(checkpoint, name.partition(" ")[0], key_of(name), at + second)
            for second, name in enumerate(names)
        )

    def proof(self, position: int, note: bytes, size: int, *acts: bytes, header: bool = True) -> Proof:
        """The proof of the entry at a position under a checkpoint of this size."""
        with closing(memory_tree()) as tree:
            append(tree, 0, self._leaves())
            path = inclusion_path(tree, position, size)
        sp, number, index, entry, signed = self.entries[position]
        shown = signed if header else b""
        bare = Proof(self.network.id, sp, number, index, entry, shown, position, path, note, (), acts)
        return with_keys(bare, KEYS)

    def _leaves(self) -> list[bytes]:
        return [entry_leaf(sp, number, index, entry) for sp, number, index, entry, _ in self.entries]


def vote(act: Act) -> bytes:
    return encode_entry(ActEntry(encode_act(act)))


def some_entry(number: int) -> bytes:
    """An entry of a kind to come."""
    return cbor.encode([77, number])


def small_ledger() -> Ledger:
    """Eleven blocks of three entries, the SPs in turn."""
    ledger = Ledger()
    for number in range(11):
        ledger.publish(f"sp{1 + number % 3}", *map(some_entry, range(3 * number, 3 * number + 3)))
    return ledger


def small_proof(*signers: str) -> Proof:
    """Of position 13, under a checkpoint of size 30 by the founders."""
    ledger = small_ledger()
    return ledger.proof(13, ledger.note(30, *(signers or ("sp1", "sp2", "sp3"))), 30)


def changed_ledger() -> tuple[Ledger, tuple[bytes, ...]]:
    """One on which sp4 joins, sp1 takes another key, sp2 leaves; and the blocks with the votes."""
    ledger = small_ledger()
    joins = vote(AdmitMember(member=member("sp4")))
    changes = vote(ReplaceMemberKey(sp="sp1", signing_key=member("sp1 later").signing_key))
    leaves = vote(RemoveMember(sp="sp2"))
    acts = [ledger.publish("sp1", joins), ledger.publish("sp2", joins, changes)]
    ledger.publish("sp3", some_entry(50))
    acts += [ledger.publish("sp3", changes), ledger.publish("sp4", changes, leaves)]
    acts += [ledger.publish("sp1 later", leaves, some_entry(51)), ledger.publish("sp3", leaves)]
    ledger.publish("sp4", some_entry(52), some_entry(53))
    return ledger, tuple(acts)


def changed_proof(*signers: str, acts: Sequence[bytes] | None = None) -> Proof:
    """Of the last entry of that ledger, signed by those who are members then."""
    ledger, votes = changed_ledger()
    size = len(ledger.entries)
    note = ledger.note(size, *(signers or ("sp1 later", "sp3", "sp4")))
    return ledger.proof(size - 1, note, size, *(votes if acts is None else acts))


def refused(proof: Proof, **options: Any) -> tuple[ProofFault, str]:
    """Why a proof does not hold, read back from its bytes."""
    try:
        verify(read_proof(write_proof(proof)), NETWORK, **options)
    except ProofInvalidError as error:
        return error.reason, str(error)
    raise AssertionError("the proof holds")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    write_toml(GOLDEN / "network.toml", NETWORK)
    (GOLDEN / "founders.tlog-proof").write_bytes(write_proof(small_proof()))
    (GOLDEN / "members-changed.tlog-proof").write_bytes(write_proof(changed_proof()))
