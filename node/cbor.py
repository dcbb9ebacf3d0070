"""One byte form for what is signed or sealed: the deterministic encoding of RFC 8949, section 4.2.1.

What is not in its only byte form is refused: two encodings of one thing would have two digests. Records are
arrays; where a map must be (COSE), its keys are small integers, whose order both rules of RFC 8949 agree on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import cbor2

Item: TypeAlias = int | bytes | str | Sequence["Item"] | Mapping[int, "Item"]

BYTES, ARRAY = 0x40, 0x80  # major types in the first byte of a head
_INLINE = 24  # counts below it stand in the first byte itself
DEPTH_MAX = 8  # containers within containers

# cbor2 turns these tags into Python objects (dates, patterns, fractions …) before anyone could look at
# them; none has a place in what strangers send us, so all of them are refused on sight.
_TAGS_WITH_DECODERS = (*range(6), 25, *range(28, 31), *range(35, 38), 52, 54, 100, 256, 258, 260, 261)
_TAGS_WITH_DECODERS += (1004, 43000, 55799)


class CborInvalidError(ValueError):
    """The bytes are not what they should be in deterministic CBOR; the text says what is wrong."""


def encode(item: Item) -> bytes:
    """The only byte form of `item`."""
    return cbor2.dumps(item, canonical=True)


def decode(raw: bytes) -> object:
    """The item in `raw`, which must be its deterministic encoding and free of tags, else CborInvalidError.

    Simple values and floats pass here, so the caller checks types: by `as_record`, or with `type() is`
    (a bool is an int to isinstance).
    """
    item = _item(raw)
    if cbor2.dumps(item, canonical=True) != raw:
        raise CborInvalidError("not in deterministic encoding: another byte form says the same")
    return item


def decode_byte_strings(raw: bytes) -> list[bytes]:
    """The byte strings in the array `raw`, else CborInvalidError.

    Nothing is encoded again here, for `raw` may be large: with tags and indefinite lengths refused, only the
    length of heads is free, and so the whole is deterministic if it is as short as it can be.
    """
    items = _item(raw)
    if type(items) is not list or not all(type(item) is bytes for item in items):
        raise CborInvalidError("not an array of byte strings")
    shortest = sum(len(head(BYTES, len(item))) + len(item) for item in items)
    if len(raw) != len(head(ARRAY, len(items))) + shortest:
        raise CborInvalidError("not in deterministic encoding: a shorter form says the same")
    return items


def head(major: int, count: int) -> bytes:
    """The shortest head for `count` bytes or items (RFC 8949, section 3). major: BYTES or ARRAY."""
    if count < _INLINE:
        return bytes([major | count])
    size = 1 if count < 2**8 else 2 if count < 2**16 else 4
    return bytes([major | _INLINE - 1 + size.bit_length()]) + count.to_bytes(size, "big")


def as_record(item: object, *shape: type) -> list[Any]:
    """`item` itself if it is an array of exactly the types of `shape`, else CborInvalidError."""
    if type(item) is not list or tuple(map(type, item)) != shape:
        raise CborInvalidError(f"not an array of {', '.join(kind.__name__ for kind in shape)}")
    return item


def _item(raw: bytes) -> object:
    try:
        item: object = cbor2.loads(
            raw,
            tag_hook=_refuse_tag,
            semantic_decoders=_REFUSED_TAGS,
            max_depth=DEPTH_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CborInvalidError("not CBOR, or of a kind that is not accepted here") from error
    return item


def _refuse_tag(*_: object) -> NoReturn:
    raise CborInvalidError("tags are not accepted")


_REFUSED_TAGS = dict.fromkeys(_TAGS_WITH_DECODERS, _refuse_tag)
