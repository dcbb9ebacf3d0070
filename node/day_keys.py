"""One encryption key per day from one seed, in a tree that lets any single day be destroyed for good.

    new_day_tree() -> DayTree        tree.key(day) -> EncryptionKey
    tree.destroyed(day) -> DayTree   tree.to_bytes() / DayTree.from_bytes(raw)

The tree of Goldreich, Goldwasser and Micali ("How to construct random functions", 1986): the seeds below a
seed are HMAC-SHA256(seed, label | 0) and (seed, label | 1), 16 levels down to one leaf for each day since
1970-01-01, the last being 2149-06-06. Whoever holds a seed has all days below it and can go no step upward.
To destroy a day, the seed above it is replaced by the seeds of the siblings along the way down: they give
every other day as before, and nothing that is left gives that one.

    DayKeyError
    ├── DayDestroyedError
    └── DayOutOfRangeError
"""

import datetime
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from node import cbor
from node.xwing import SEED_BYTES, EncryptionKey, encryption_key

LEVELS = 16
FIRST_DAY = datetime.date(1970, 1, 1)
LAST_DAY = FIRST_DAY + datetime.timedelta(days=2**LEVELS - 1)

_FORMAT = "yakujo day tree 1"
_CHILD_LABEL = b"yakujo day tree 1\x00"
_ROOT = 1
_FIRST_LEAF = 1 << LEVELS
_KEYS_KEPT = 8


class DayKeyError(Exception):
    """There is no key for this day."""


class DayDestroyedError(DayKeyError):
    """The key of this day was destroyed: what was sealed to it alone cannot be read by anyone any more."""


class DayOutOfRangeError(DayKeyError):
    """The tree reaches from 1970-01-01 to 2149-06-06, and this day is not in it."""


class DayTreeBrokenError(ValueError):
    """The bytes are not those of a day tree."""


@dataclass(frozen=True, slots=True)
class DayTree:
    """The seeds that are left, and so the days that are left. Never changed: `destroyed` gives another one.

    seeds: 32 bytes each, by their place in the tree, numbered like a heap: the root is 1, below n are 2n and
    2n + 1, and day d of the era is 65536 + d. No seed lies above another one.
    """

    seeds: Mapping[int, bytes] = field(repr=False)
    _keys: dict[int, EncryptionKey] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __contains__(self, day: datetime.date) -> bool:
        return FIRST_DAY <= day <= LAST_DAY and self._above(_leaf(day)) is not None

    def key(self, day: datetime.date) -> EncryptionKey:
        """The key of `day`; DayDestroyedError or DayOutOfRangeError where there is none.

        Costs about 0.3 ms, and next to nothing for the few days that were asked for lately.
        """
        leaf = _leaf(day)
        above = self._above(leaf)
        if above is None:
            raise DayDestroyedError(f"the key of {day} was destroyed: what was sealed to it cannot be read")
        key = self._keys.get(leaf)
        if key is None:
            if len(self._keys) >= _KEYS_KEPT:
                self._keys.clear()
            key = self._keys[leaf] = encryption_key(_descended(self.seeds[above], above, leaf))
        return key

    def destroyed(self, day: datetime.date) -> "DayTree":
        """The tree without `day`: all other days keep their keys. The same tree where it is gone already.

        Raises DayOutOfRangeError. `self` still holds the day: drop it, and see node.key_files.destroy_day.
        """
        leaf = _leaf(day)
        above = self._above(leaf)
        if above is None:
            return self
        seeds = dict(self.seeds)
        seed = seeds.pop(above)
        for number in _way_down(above, leaf):
            seeds[number ^ 1] = _child(seed, number & 1 ^ 1)
            seed = _child(seed, number & 1)
        return DayTree(seeds)

    def to_bytes(self) -> bytes:
        """The byte form: deterministic CBOR, [format, {place: seed}]. Secret."""
        return cbor.encode([_FORMAT, self.seeds])

    @classmethod
    def from_bytes(cls, raw: bytes) -> "DayTree":
        """The tree that `to_bytes` wrote, else DayTreeBrokenError."""
        try:
            name, seeds = cbor.as_record(cbor.decode(raw), str, dict)
        except cbor.CborInvalidError as error:
            raise DayTreeBrokenError(f"not a day tree: {error}") from error
        if name != _FORMAT or not all(_is_seed(number, seed) for number, seed in seeds.items()):
            raise DayTreeBrokenError("not a day tree of this version")
        tree = cls(seeds)
        if any(number > _ROOT and tree._above(number >> 1) is not None for number in seeds):
            raise DayTreeBrokenError("not a day tree: one seed lies above another")
        return tree

    def _above(self, number: int) -> int | None:
        """The place of the seed that gives the one at `number`: there is at most one, itself or above it."""
        return next((place for up in range(LEVELS + 1) if (place := number >> up) in self.seeds), None)


NO_DAYS = DayTree({})  # that of a key set without day keys


def new_day_tree() -> DayTree:
    """A tree with all its days, from the system's randomness."""
    return day_tree(secrets.token_bytes(SEED_BYTES))


def day_tree(root: bytes) -> DayTree:
    """The tree with all its days that grows from `root`, 32 bytes."""
    if len(root) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    return DayTree({_ROOT: root})


def _leaf(day: datetime.date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise DayOutOfRangeError(f"there are day keys from {FIRST_DAY} to {LAST_DAY} alone, not for {day}")
    return _FIRST_LEAF + (day - FIRST_DAY).days


def _way_down(above: int, leaf: int) -> list[int]:
    """The places below `above` on the way to `leaf`, the leaf last."""
    steps = leaf.bit_length() - above.bit_length()
    return [leaf >> step for step in reversed(range(steps))]


def _descended(seed: bytes, above: int, leaf: int) -> bytes:
    for number in _way_down(above, leaf):
        seed = _child(seed, number & 1)
    return seed


def _child(seed: bytes, bit: int) -> bytes:
    return hmac.digest(seed, _CHILD_LABEL + bytes([bit]), "sha256")


def _is_seed(number: object, seed: object) -> bool:
    """Whether the two can stand in a tree: a place in it, and 32 bytes."""
    return (
        type(number) is int
        and _ROOT <= number < 2 * _FIRST_LEAF
        and type(seed) is bytes
        and len(seed) == SEED_BYTES
    )
