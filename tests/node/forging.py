"""Blocks that a test puts on the ledger itself, as an SP that it plays or a malicious member would."""

from contextlib import suppress
from datetime import date
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from founding import BROKER, INVESTOR, identity_of, keys_of, network
from scene import DAY, Node, Scene, until

from node.act import Act, Delegate, InstitutionAct, encode_act
from node.block import Block, archived_block, sign_block
from node.day_secret import FIRST, DaySecret, new_secret
from node.entry import ActEntry, Entry, EntryInvalidError, KeyEntry, UnknownEntry, decode_entry, encode_entry
from node.identity import Identity, sign_statement
from node.register import Register
from node.sealing import seal_secret
from node.setup import card_of

TIME = 1_795_156_200_000_000  # 2026-11-20, 06:30 UTC
NOTHING = UnknownEntry(900, b"\x82\x19\x03\x84\x00")
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def forged(
    sp: str,
    seq: int,
    *entries: Entry | bytes,
    key: Ed25519PrivateKey | None = None,
    network_id: bytes | None = None,
    time: int = TIME,
) -> bytes:
    """A block of an SP, signed with its true key if no other is given."""
    raw = tuple(entry if isinstance(entry, bytes) else encode_entry(entry) for entry in entries)
    made = Block(1, network_id or network().id, sp, seq, time, raw)
    return sign_block(made, key or keys_of(sp).signing)


async def applied(scene: Scene, *blocks: bytes) -> None:
    """Put blocks on the ledger and wait until all nodes that run have them, and are at rest again."""
    for raw in blocks:
        await scene.ledger.append(raw, f"forged {await scene.ledger.head()}")
    height = await scene.ledger.head()
    running = [node for node in scene.nodes.values() if node.task is not None]
    await until(lambda: all(node.head().sequence >= height for node in running))
    await scene.settled()


class Archived(NamedTuple):
    """An entry of a counted block. entry: decoded; None where it is none."""

    position: int
    sp: str
    entry: Entry | None


def entries(node: Node) -> list[Archived]:
    """What a node has archived and counted, in order."""
    found = []
    rows = node.rows("SELECT first, block FROM archive WHERE fault IS NULL ORDER BY sequence")
    for first, raw in rows:
        block = archived_block(raw)
        for number, one in enumerate(block.entries):
            found.append(Archived(first + number, block.sp, _decoded(one)))
    return found


def _decoded(raw: bytes) -> Entry | None:
    with suppress(EntryInvalidError):
        return decode_entry(raw)
    return None


def fault_of(node: Node, block: bytes) -> list[str | None]:
    """Why a node has passed over a block, or None where it counted, each time that it came."""
    rows = node.rows("SELECT fault FROM archive WHERE block = ? ORDER BY sequence", block)
    return [fault for (fault,) in rows]


def public_state(node: Node) -> list[tuple[object, ...]]:
    """All that must be equal at every node: its archive, with every fault and state."""
    return node.rows("SELECT * FROM archive ORDER BY sequence")


def act(said: Act) -> ActEntry:
    """The entry of an act."""
    return ActEntry(encode_act(said))


def stated(said: InstitutionAct, identity: Identity) -> ActEntry:
    """The entry of an institution's statement, signed by it."""
    signature = sign_statement(identity.signing, said.signed(network().id.hex()))
    return act(said.model_copy(update={"signature": signature}))


def day_secret(investor: str = INVESTOR, day: date = DAY, previous: bytes = FIRST) -> DaySecret:
    """A secret of the broker and an investor."""
    return new_secret(network().id, BROKER, investor, day, previous)


def for_both(secret: DaySecret) -> KeyEntry:
    """The key entry of a secret as an honest node makes it at the network's founding."""
    readers = Register(network()).readers(secret.broker, secret.investor, secret.day)
    return seal_secret(secret, readers)


async def say(scene: Scene, node: Node, *said: Entry) -> None:
    """Have a node that runs put entries into its next block, and wait until all have applied them."""
    queue(node, *said)
    await scene.settled()


def queue(node: Node, *said: Entry) -> None:
    """Have a node that runs put entries into its next block."""
    for entry in said:
        raw = encode_entry(entry)
        node.change("INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')", raw)


def delegate(lei: str, sp: str, number: int) -> ActEntry:
    """An institution's statement that an SP acts for it, with the keys that the SP has for it."""
    asked = card_of(sp, keys_of(sp, (lei,)), None).delegations[lei]
    return stated(Delegate(institution=lei, number=number, delegation=asked), identity_of(lei))
