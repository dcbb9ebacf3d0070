"""The list of open halves, by trade date: what deadlines are about is found without a search.

A half is listed from its first statement until it is agreed or gone, and while a change of its trade waits
for consent, under the trade date that its side last gave. The list is a tree by the positions at which halves
were opened: what one message changes is small however many are open, and messages that follow each other
mostly change the same buckets.

The list follows from the halves. It holds those of unlike trades together, so it is no part of what sides
attest: a node that cannot read a destroyed day lacks some of them, and comes to the same about all others.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Half, relationship
from canonical.contracts.state import Working

POSITION_DIGITS = 16  # octal: for more entries than a network will ever have
CUTS = (9, 12, 14)  # after so many digits of a position the buckets of a level are told apart

Place = tuple[str, date]
"""A relationship, as a part of keys, and a trade date."""


class OpenBucket(Canonical):
    """Open halves whose positions begin alike, or the buckets below that hold them.

    since: since when each is open, by the network's clock, as text: it is late for deadlines before that.
    Each is called by the rest of its name. below: the next digits of those buckets, each after a space.
    """

    since: Annotated[dict[str, str], Field(default_factory=dict)]
    below: str = ""


class Listed(NamedTuple):
    """An open half. name: its position and id, by which the list is in order. since: when it became open."""

    name: str
    half: str
    since: datetime


def relist(working: Working, old: Half | None, new: Half | None, now: datetime | None) -> None:
    """List a half where it now belongs, if anywhere. now: None where none can become open."""
    was, shall = _place_of(old), _place_of(new)
    if old is not None and was is not None:
        _strike(working, was, old)
    if new is not None and shall is not None:
        assert now is not None, "a half becomes open by an entry, which has its time"
        _enter(working, shall, new, now.replace(tzinfo=None, microsecond=0).isoformat())


def listed_after(working: Working, place: Place, after: str) -> Iterator[Listed]:
    """The open halves beyond a name, in the order in which they were opened."""
    begun = [""]  # of names; the last one is looked into next
    while begun:
        beginning = begun.pop()
        bucket = working.get(_bucket_key(place, beginning), OpenBucket) or OpenBucket(since={})
        for rest in sorted(bucket.since):
            name = beginning + rest
            if name > after:
                since = datetime.fromisoformat(bucket.since[rest])
                yield Listed(name, name[POSITION_DIGITS:], since)
        deeper = [beginning + digits for digits in sorted(bucket.below.split())]
        begun += [each for each in reversed(deeper) if each >= after[: len(each)]]


def day_key(place: Place) -> str:
    """Where the first bucket of a trade date lies: it is there as long as one of its halves is open."""
    return f"open/{place[1].isoformat()}/{place[0]}"


def days_from(first: date) -> str:
    """The key before those of all trade dates from `first` on."""
    return f"open/{first}/"


KEYS_BEGIN = ("open/", "open_bucket/")
"""How the keys of these records begin."""

DAYS_END = "open0"
"""The key after those of all trade dates."""


def day_of_key(key: str) -> tuple[date, str, str]:
    """The trade date, broker and investor of a key that `day_key` gave."""
    _, day, broker, investor = key.split("/")
    return date.fromisoformat(day), broker, investor


def is_moved(old: Half | None, new: Half | None) -> bool:
    """Whether a half is to be listed in another place from now on. Its relationship stays what it is."""
    if old is None or new is None:
        return True
    is_open = _is_open(new)
    return _is_open(old) is not is_open or (is_open and old.terms.trade_date != new.terms.trade_date)


def _place_of(half: Half | None) -> Place | None:
    """Where a half is listed; None where it is not open."""
    if half is None or not _is_open(half):
        return None
    return relationship(half.broker, half.investor), half.terms.trade_date


def _is_open(half: Half) -> bool:
    return bool(half.statements) and (half.waits or not half.agreed)


def _name_of(half: Half) -> str:
    return f"{half.opened:0{POSITION_DIGITS}o}{half.id}"


def _enter(working: Working, place: Place, half: Half, since: str) -> None:
    """List a half in the bucket for its position, and those above that do not lead to it yet."""
    name, beginning, is_there = _name_of(half), "", True
    for cut in CUTS:
        digits = name[len(beginning) : cut]
        below = _bucket_at(working, place, beginning).below if is_there else ""
        is_there = f" {digits}" in below
        if not is_there:
            working.put(_bucket_key(place, beginning), OpenBucket(since={}, below=f"{below} {digits}"))
        beginning += digits
    others = _bucket_at(working, place, beginning).since if is_there else {}
    entered = {**others, name[len(beginning) :]: since}
    working.put(_bucket_key(place, beginning), OpenBucket(since=entered))


def _strike(working: Working, place: Place, half: Half) -> None:
    """Take a half out of its bucket, and the buckets that are empty by that out of those above them."""
    name = _name_of(half)
    beginnings = ["", *[name[:cut] for cut in CUTS]]
    beginning = beginnings.pop()
    since = {**_bucket_at(working, place, beginning).since}
    del since[name[len(beginning) :]]
    left = OpenBucket(since=since)
    while beginnings and not left.since and not left.below:
        working.delete(_bucket_key(place, beginning))
        emptied, beginning = beginning, beginnings.pop()
        below = _bucket_at(working, place, beginning).below
        left = OpenBucket(since={}, below=below.replace(f" {emptied[len(beginning) :]}", ""))
    if left.since or left.below:
        working.put(_bucket_key(place, beginning), left)
    else:
        working.delete(_bucket_key(place, beginning))


def _bucket_at(working: Working, place: Place, beginning: str) -> OpenBucket:
    """A bucket; an empty one where nothing of the trade date is open."""
    found = working.get(_bucket_key(place, beginning), OpenBucket)
    assert found is not None or not beginning, "buckets lead to buckets that are there"
    return found or OpenBucket(since={})


def _bucket_key(place: Place, beginning: str) -> str:
    if not beginning:
        return day_key(place)
    return f"open_bucket/{place[0]}/{place[1].isoformat()}/{beginning}"
