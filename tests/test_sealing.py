"""Promises about sealing: the parties of a relationship read it, nobody else does, nothing can be altered."""

import datetime
import hmac
import json

import pytest
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_vectors import GOLDEN, READER, SEALED, secret_of

from node.day_secret import DaySecret, new_secret
from node.entry import (
    EntryInvalidError,
    EntryKind,
    GrantEntry,
    KeyEntry,
    SealedEntry,
    decode_entry,
    encode_entry,
)
from node.envelope import SealBrokenError, SealingError, SealUnsupportedError
from node.keys import EncryptionKey, encryption_key
from node.sealing import (
    PLAINTEXT_BYTES_MAX,
    grant_secret,
    open_grant,
    open_sealed,
    open_secret,
    seal,
    seal_secret,
)

NETWORK = bytes(range(32))
BROKER, INVESTOR = "54930000000000000B01", "54930000000000000I02"
DAY = datetime.date(2026, 11, 20)
SECRET = DaySecret(NETWORK, BROKER, INVESTOR, DAY, b"\x05" * 32)
READERS = [encryption_key(bytes([number]) * 32) for number in range(1, 4)]


def _keys(*readers: EncryptionKey) -> dict[str, list[MLKEM768X25519PrivateKey]]:
    return {f"reader {number}": [reader.private] for number, reader in enumerate(readers)}


@given(st.binary(max_size=5_000))
def test_a_sealed_message_opens_to_the_same_bytes(plaintext: bytes) -> None:
    """The other side gets exactly what was sent."""
    entry = decode_entry(encode_entry(seal(SECRET, "sp1", plaintext)))
    assert isinstance(entry, SealedEntry)
    assert open_sealed(entry, SECRET, "sp1") == plaintext


def test_every_flipped_bit_of_a_sealed_entry_is_refused() -> None:
    """Nobody alters a message, its id or the secret it names without being noticed."""
    raw = encode_entry(seal(SECRET, "sp1", b"30,000 shares"))
    for place in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises((SealingError, EntryInvalidError)):
            _open(bytes(altered))


def _open(raw: bytes) -> bytes:
    entry = decode_entry(raw)
    if not isinstance(entry, SealedEntry):
        raise SealBrokenError("the kind was altered")
    return open_sealed(entry, SECRET, "sp1")


@pytest.mark.parametrize(
    "other",
    [
        DaySecret(bytes(32), BROKER, INVESTOR, DAY, SECRET.value),
        DaySecret(NETWORK, INVESTOR, BROKER, DAY, SECRET.value),
        DaySecret(NETWORK, BROKER, INVESTOR, datetime.date(2026, 11, 21), SECRET.value),
        DaySecret(NETWORK, BROKER, INVESTOR, DAY, b"\x06" * 32),
        DaySecret(NETWORK, BROKER, INVESTOR, DAY, SECRET.value, SECRET.key_id),
        DaySecret(NETWORK, BROKER, INVESTOR, DAY, SECRET.value, acts=1),
    ],
)
def test_a_secret_opens_its_own_relationship_day_and_network_alone(other: DaySecret) -> None:
    """A secret cannot be passed off as that of another network, pair, day or place in the chain."""
    entry = seal(SECRET, "sp1", b"x")
    assert other.key_id != SECRET.key_id
    with pytest.raises(SealBrokenError):
        open_sealed(entry, other, "sp1")
    renamed = SealedEntry(entry.suite, other.key_id, entry.entry_id, entry.box)
    with pytest.raises(SealBrokenError):
        open_sealed(renamed, other, "sp1")


def test_an_entry_counts_in_the_block_of_its_own_author_alone() -> None:
    """An SP cannot publish as its own what it saw in another one's block."""
    with pytest.raises(SealBrokenError):
        open_sealed(seal(SECRET, "sp1", b"x"), SECRET, "sp2")


def test_an_entry_counts_as_what_it_was_sealed_as_alone() -> None:
    """What a client said cannot be passed off as a node's attestation, nor the other way round."""
    entry = seal(SECRET, "sp1", b"x", EntryKind.ATTESTATION)
    assert open_sealed(entry, SECRET, "sp1") == b"x"
    renamed = SealedEntry(entry.suite, entry.key_id, entry.entry_id, entry.box, EntryKind.SEALED)
    with pytest.raises(SealBrokenError):
        open_sealed(renamed, SECRET, "sp1")


@pytest.mark.parametrize(
    ("length", "size"), [(0, 1024), (1023, 1024), (1024, 2048), (2047, 2048), (2048, 4096)]
)
def test_lengths_hide_in_size_classes(length: int, size: int) -> None:
    """An onlooker learns the size class of a message, not its length."""
    assert len(seal(SECRET, "sp1", bytes(length)).box) == size + 16


def test_a_message_has_a_limit() -> None:
    """The largest message is sealed; one byte more is refused before it costs anything."""
    largest = bytes(PLAINTEXT_BYTES_MAX)
    assert open_sealed(seal(SECRET, "sp1", largest), SECRET, "sp1") == largest
    encode_entry(seal(SECRET, "sp1", largest))
    with pytest.raises(SealingError):
        seal(SECRET, "sp1", largest + b"x")


def test_message_keys_are_hmac() -> None:
    """Another implementation can derive the same keys with any HMAC."""
    expected = hmac.digest(SECRET.value, b"yakujo message key 1\x00" + bytes(16), "sha256")
    assert SECRET.message_key(bytes(16)) == expected


def test_each_reader_learns_the_secret_and_others_do_not() -> None:
    """Every delegation of both parties can read a day; a third SP cannot."""
    entry = decode_entry(encode_entry(seal_secret(SECRET, [reader.public for reader in READERS[:2]])))
    assert isinstance(entry, KeyEntry)
    for reader in READERS[:2]:
        opened = open_secret(entry, NETWORK, _keys(READERS[2], reader))
        assert opened is not None
        assert opened.secret == SECRET
        assert opened.reader == "reader 1"
    assert open_secret(entry, NETWORK, _keys(READERS[2])) is None
    assert open_secret(entry, bytes(32), _keys(*READERS)) is None


def test_a_reader_may_have_several_keys() -> None:
    """A box is sealed to the key of the day or to the long-lived one: its reader need not know to which."""
    entry = seal_secret(SECRET, [READERS[1].public])
    opened = open_secret(entry, NETWORK, {"reader": [READERS[0].private, READERS[1].private]})
    assert opened is not None
    assert opened.secret == SECRET


def test_a_grant_lets_one_reader_in() -> None:
    """A later reader learns the same secret under the same key id; whoever it is not for learns nothing."""
    granted = decode_entry(encode_entry(grant_secret(SECRET, READERS[0].public)))
    assert isinstance(granted, GrantEntry)
    opened = open_grant(granted, NETWORK, _keys(READERS[0]))
    assert opened is not None
    assert opened.secret == SECRET
    assert open_grant(granted, NETWORK, _keys(READERS[1])) is None
    assert open_grant(granted, bytes(32), _keys(READERS[0])) is None


def test_a_box_counts_in_its_own_kind_of_entry_alone() -> None:
    """Nobody can turn a grant into a key entry, and so bring a secret into force that nobody ordered."""
    granted = grant_secret(SECRET, READERS[0].public)
    moved = KeyEntry(granted.suite, granted.key_id, granted.day, (granted.box,) * 4)
    assert open_secret(moved, NETWORK, _keys(READERS[0])) is None
    (box, *_) = seal_secret(SECRET, [READERS[0].public] * 4).boxes
    assert open_grant(GrantEntry(1, SECRET.key_id, DAY, box), NETWORK, _keys(READERS[0])) is None


@pytest.mark.parametrize("day", [DAY - datetime.timedelta(days=1), DAY + datetime.timedelta(days=1)])
def test_the_day_in_clear_is_the_day_of_the_secret(day: datetime.date) -> None:
    """Its readers take the key of that day: an entry under a false day is refused."""
    entry = seal_secret(SECRET, [READERS[0].public])
    granted = grant_secret(SECRET, READERS[0].public)
    with pytest.raises(SealBrokenError):
        open_secret(KeyEntry(entry.suite, entry.key_id, day, entry.boxes), NETWORK, _keys(READERS[0]))
    with pytest.raises(SealBrokenError):
        open_grant(GrantEntry(1, granted.key_id, day, granted.box), NETWORK, _keys(READERS[0]))


@pytest.mark.parametrize(("readers", "boxes"), [(1, 4), (3, 4), (4, 4), (5, 8)])
def test_the_number_of_readers_is_not_shown(readers: int, boxes: int) -> None:
    """How many SPs a pair uses stays its own affair."""
    entry = seal_secret(SECRET, [READERS[0].public] * readers)
    assert len(entry.boxes) == boxes
    assert len({len(box) for box in entry.boxes}) == 1


def test_nothing_of_the_relationship_is_in_clear() -> None:
    """A member that is no party reads no names in any entry; of the days, only when secrets were made."""
    key_entry = encode_entry(seal_secret(SECRET, [READERS[0].public]))
    granted = encode_entry(grant_secret(SECRET, READERS[0].public))
    sealed = encode_entry(seal(SECRET, "sp1", BROKER.encode()))
    for text in (BROKER.encode(), INVESTOR.encode(), SECRET.previous, SECRET.value):
        assert text not in key_entry + granted + sealed
    assert DAY.isoformat().encode() not in sealed


def test_two_secrets_under_one_commitment_are_refused() -> None:
    """A malicious maker cannot give the two sides different secrets."""
    other = new_secret(NETWORK, BROKER, INVESTOR, DAY)
    object.__setattr__(other, "key_id", SECRET.key_id)
    with pytest.raises(SealBrokenError):
        open_secret(seal_secret(other, [READERS[0].public]), NETWORK, _keys(READERS[0]))


def test_a_flipped_bit_in_a_box_hides_it_from_its_reader_alone() -> None:
    """An altered box never opens to something else."""
    entry = seal_secret(SECRET, [READERS[0].public])
    for place in range(0, len(entry.boxes[0]) * 8, 97):
        boxes = [bytearray(box) for box in entry.boxes]
        for box in boxes:
            box[place // 8] ^= 1 << place % 8
        altered = KeyEntry(entry.suite, entry.key_id, entry.day, tuple(map(bytes, boxes)))
        assert open_secret(altered, NETWORK, _keys(READERS[0])) is None


def test_a_later_suite_asks_for_a_newer_version() -> None:
    """The operator hears what to do when the network moves on."""
    with pytest.raises(SealUnsupportedError, match="newer version"):
        open_secret(KeyEntry(2, SECRET.key_id, DAY, (b"x",)), NETWORK, _keys(READERS[0]))
    with pytest.raises(SealUnsupportedError, match="newer version"):
        open_grant(GrantEntry(2, SECRET.key_id, DAY, b"x"), NETWORK, _keys(READERS[0]))
    with pytest.raises(SealUnsupportedError, match="newer version"):
        open_sealed(SealedEntry(2, SECRET.key_id, bytes(16), b"x"), SECRET, "sp1")


def test_readers_are_bounded() -> None:
    """A secret for nobody, or for a crowd, is refused."""
    for count in (0, 65):
        with pytest.raises(SealingError):
            seal_secret(SECRET, [READERS[0].public] * count)


@pytest.mark.parametrize("change", [{"broker": "short"}, {"value": b"short"}, {"network": b"short"}])
def test_a_malformed_secret_cannot_be_made(change: dict[str, object]) -> None:
    """A programming error shows where it is made."""
    fields = {"network": NETWORK, "broker": BROKER, "investor": INVESTOR, "day": DAY, "value": SECRET.value}
    with pytest.raises(ValueError, match=r"have|named"):
        DaySecret(**(fields | change))  # type: ignore[arg-type]  # values of several types


def test_a_secret_never_shows_in_text() -> None:
    """Logs and tracebacks cannot leak what reprs do not hold."""
    assert SECRET.value.hex() not in repr(SECRET)
    assert repr(SECRET.value) not in repr(SECRET)


@settings(max_examples=5, deadline=None)
@given(st.dates())
def test_secrets_of_any_day_arrive(day: datetime.date) -> None:
    """A day is carried as it is."""
    secret = new_secret(NETWORK, BROKER, INVESTOR, day)
    opened = open_secret(seal_secret(secret, [READERS[0].public]), NETWORK, _keys(READERS[0]))
    assert opened is not None
    assert opened.secret == secret


@pytest.mark.parametrize("name", SEALED)
def test_sealed_entries_keep_their_byte_form(name: str) -> None:
    """Another implementation, and the next version, can read what this one wrote."""
    case = _golden(name)
    secret = secret_of(case)
    assert secret.key_id.hex() == case["key_id"]
    entry_id, plaintext = bytes.fromhex(case["entry_id"]), bytes.fromhex(case["plaintext"])
    assert secret.message_key(entry_id).hex() == case["message_key"]
    entry = seal(secret, case["sp"], plaintext, EntryKind(int(case["kind"])), lambda _: entry_id)
    assert encode_entry(entry).hex() == case["entry"]
    assert (secret, case["sp"], entry_id, plaintext, entry.kind) == SEALED[name]


@pytest.mark.parametrize("name", ["key-one-reader", "key-later", "grant"])
def test_secrets_of_old_still_open(name: str) -> None:
    """A secret sealed once stays readable for as long as its reader has the key."""
    case = _golden(name)
    entry = decode_entry(bytes.fromhex(case["entry"]))
    reader = encryption_key(bytes.fromhex(case["reader_seed"]))
    assert reader.public_bytes.hex() == case["reader_public"] == READER.public_bytes.hex()
    network, keys = bytes.fromhex(case["network"]), {"reader": [reader.private]}
    if isinstance(entry, GrantEntry):
        opened = open_grant(entry, network, keys)
    else:
        assert isinstance(entry, KeyEntry)
        opened = open_secret(entry, network, keys)
    assert opened is not None
    assert opened.secret == secret_of(case)
    assert opened.secret.key_id.hex() == case["key_id"]


def _golden(name: str) -> dict[str, str]:
    case: dict[str, str] = json.loads((GOLDEN / f"{name}.json").read_text())
    return case
