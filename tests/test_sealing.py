"""Promises about sealing: the parties of a relationship read it, nobody else does, nothing can be altered."""

import datetime
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from node.entry import EntryInvalidError, KeyEntry, SealedEntry, decode_entry, encode_entry
from node.keys import EncryptionKey, encryption_key
from node.sealing import (
    PLAINTEXT_BYTES_MAX,
    DaySecret,
    SealBrokenError,
    SealingError,
    SealUnsupportedError,
    new_secret,
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
GOLDEN = Path(__file__).parent / "golden" / "sealing"


def _keys(*readers: EncryptionKey) -> dict[str, MLKEM768X25519PrivateKey]:
    return {f"reader {number}": reader.private for number, reader in enumerate(readers)}


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
    ],
)
def test_a_secret_opens_its_own_relationship_day_and_network_alone(other: DaySecret) -> None:
    """A secret cannot be passed off as that of another network, pair or day."""
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


@pytest.mark.parametrize(("readers", "boxes"), [(1, 4), (3, 4), (4, 4), (5, 8)])
def test_the_number_of_readers_is_not_shown(readers: int, boxes: int) -> None:
    """How many SPs a pair uses stays its own affair."""
    entry = seal_secret(SECRET, [READERS[0].public] * readers)
    assert len(entry.boxes) == boxes
    assert len({len(box) for box in entry.boxes}) == 1


def test_nothing_of_the_relationship_is_in_clear() -> None:
    """A member that is no party reads neither names nor the day in any entry."""
    key_entry = encode_entry(seal_secret(SECRET, [READERS[0].public]))
    sealed = encode_entry(seal(SECRET, "sp1", BROKER.encode()))
    for text in (BROKER, INVESTOR, DAY.isoformat()):
        assert text.encode() not in key_entry + sealed
    assert SECRET.value not in key_entry


def test_two_secrets_under_one_commitment_are_refused() -> None:
    """A malicious maker cannot give the two sides different secrets."""
    other = new_secret(NETWORK, BROKER, INVESTOR, DAY)
    object.__setattr__(other, "key_id", SECRET.key_id)
    with pytest.raises(SealBrokenError):
        open_secret(seal_secret(other, [READERS[0].public]), NETWORK, _keys(READERS[0]))


def test_a_flipped_bit_in_a_box_hides_it_from_its_reader_alone() -> None:
    """An altered box never opens to something else."""
    entry = seal_secret(SECRET, [READERS[0].public])
    for place in range(0, 1392 * 8, 97):
        boxes = [bytearray(box) for box in entry.boxes]
        for box in boxes:
            box[place // 8] ^= 1 << place % 8
        altered = KeyEntry(entry.suite, entry.key_id, tuple(map(bytes, boxes)))
        assert open_secret(altered, NETWORK, _keys(READERS[0])) is None


def test_a_later_suite_asks_for_a_newer_version() -> None:
    """The operator hears what to do when the network moves on."""
    with pytest.raises(SealUnsupportedError, match="newer version"):
        open_secret(KeyEntry(2, SECRET.key_id, (b"x",)), NETWORK, _keys(READERS[0]))
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


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("sealed-*.json")), ids=lambda path: path.stem)
def test_sealed_entries_keep_their_byte_form(path: Path) -> None:
    """Another implementation, and the next version, can read what this one wrote."""
    case = json.loads(path.read_text())
    secret = _golden_secret(case)
    assert secret.key_id.hex() == case["key_id"]
    entry = seal(
        secret, case["sp"], bytes.fromhex(case["plaintext"]), lambda _: bytes.fromhex(case["entry_id"])
    )
    assert encode_entry(entry).hex() == case["entry"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("key-*.json")), ids=lambda path: path.stem)
def test_key_entries_of_old_still_open(path: Path) -> None:
    """A secret sealed once stays readable for as long as its reader has the key."""
    case = json.loads(path.read_text())
    entry = decode_entry(bytes.fromhex(case["entry"]))
    assert isinstance(entry, KeyEntry)
    reader = encryption_key(bytes.fromhex(case["reader_seed"]))
    opened = open_secret(entry, bytes.fromhex(case["network"]), {"reader": reader.private})
    assert opened is not None
    assert opened.secret == _golden_secret(case)


def test_there_are_golden_cases() -> None:
    """A moved folder must not make the two tests above pass for nothing."""
    assert len(list(GOLDEN.glob("*.json"))) >= 4


def _golden_secret(case: dict[str, str]) -> DaySecret:
    day = datetime.date.fromisoformat(case["day"])
    network, value = bytes.fromhex(case["network"]), bytes.fromhex(case["secret"])
    return DaySecret(network, case["broker"], case["investor"], day, value)
