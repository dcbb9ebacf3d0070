"""The list of open halves, by trade date: what deadlines are about is found without a search.

Its buckets keep what one message changes small, however many halves of one pair are open: a bucket that
would hold more than BUCKET_MAX hands them down to sixteen, by the next digit of their ids. A half is listed
from its first statement until it is agreed or gone, and while a change of its trade waits for consent, under
the trade date that its side last gave.

The list follows from the halves. It holds those of unlike trades together, so it is no part of what sides
attest: a node that cannot read a destroyed day lacks some of them, and comes to the same about all others.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import Half, relationship
from canonical.contracts.state import Working

BUCKET_MAX = 16
_ID_DIGITS = 16

Place = tuple[str, date]
"""A relationship, as a part of keys, and a trade date."""


class OpenBucket(Canonical):
    """Open halves whose ids begin alike, or the buckets that they were handed down to.

    since: since when each is open, by the network's clock, as text: it is late for deadlines before that.
    digits: the next digits of those buckets, in order; none where the halves lie here.
    """

    since: Annotated[dict[str, str], Field(default_factory=dict)]
    digits: str = ""


def relist(working: Working, old: Half | None, new: Half | None, now: datetime | None) -> None:
    """List a half where it now belongs, if anywhere. now: None where none can become open."""
    was, shall = place_of(old), place_of(new)
    if old is not None and was is not None:
        _strike(working, was, old.id)
    if new is not None and shall is not None:
        assert now is not None, "a half becomes open by an entry, which has its time"
        _enter(working, shall, new.id, now.replace(tzinfo=None, microsecond=0).isoformat())


def listed_after(working: Working, place: Place, after: str) -> Iterator[tuple[str, datetime]]:
    """The open halves beyond an id, in order, each with since when it is open."""
    begun = [""]  # of ids; the last one is looked into next
    while begun:
        beginning = begun.pop()
        bucket = working.get(_bucket_key(place, beginning), OpenBucket) or OpenBucket(since={})
        for half in sorted(bucket.since):
            if half > after:
                yield half, datetime.fromisoformat(bucket.since[half])
        deeper = [beginning + digit for digit in bucket.digits]
        begun += [each for each in reversed(deeper) if each >= after[: len(each)]]


def day_key(place: Place) -> str:
    """Where the first bucket of a trade date lies: it is there as long as one of its halves is open."""
    return f"open/{place[1]}/{place[0]}"


def days_from(first: date) -> str:
    """The key before those of all trade dates from `first` on."""
    return f"open/{first}/"


LISTS = ("open/", "open_bucket/")
"""How the keys of these records begin."""

DAYS_END = "open0"
"""The key after those of all trade dates."""


def day_of_key(key: str) -> tuple[date, str, str]:
    """The trade date, broker and investor of a key that `day_key` gave."""
    _, day, broker, investor = key.split("/")
    return date.fromisoformat(day), broker, investor


def place_of(half: Half | None) -> Place | None:
    """Where a half is listed; None where it is not open."""
    if half is None or not half.statements or (half.agreed and not half.waits):
        return None
    return relationship(half.broker, half.investor), half.terms.trade_date


def _strike(working: Working, place: Place, half: str) -> None:
    """Take a half out of its bucket, and the buckets that are empty by that out of those above them."""
    beginning, bucket = _bucket_of(working, place, half)
    since = {name: at for name, at in bucket.since.items() if name != half}
    left = OpenBucket(since=since)
    while beginning and not left.since and not left.digits:
        working.delete(_bucket_key(place, beginning))
        emptied, beginning = beginning[-1], beginning[:-1]
        above = working.must(_bucket_key(place, beginning), OpenBucket)
        left = OpenBucket(since={}, digits=above.digits.replace(emptied, ""))
    if left.since or left.digits:
        working.put(_bucket_key(place, beginning), left)
    else:
        working.delete(_bucket_key(place, beginning))


def _enter(working: Working, place: Place, half: str, since: str) -> None:
    beginning, bucket = _bucket_of(working, place, half)
    if bucket.digits:  # none of those below has the next digit yet
        digit = half[len(beginning)]
        digits = "".join(sorted((*bucket.digits, digit)))
        working.put(_bucket_key(place, beginning), OpenBucket(since={}, digits=digits))
        working.put(_bucket_key(place, beginning + digit), OpenBucket(since={half: since}))
        return
    entered = {**bucket.since, half: since}
    if len(entered) > BUCKET_MAX:
        _hand_down(working, place, beginning, entered)
    else:
        working.put(_bucket_key(place, beginning), OpenBucket(since=entered))


def _hand_down(working: Working, place: Place, beginning: str, since: dict[str, str]) -> None:
    """Put so many halves into buckets below theirs. All may go into one: the next to come goes deeper."""
    below: dict[str, dict[str, str]] = {}
    for half in sorted(since):
        below.setdefault(half[len(beginning)], {})[half] = since[half]
    working.put(_bucket_key(place, beginning), OpenBucket(since={}, digits="".join(below)))
    for digit, found in below.items():
        working.put(_bucket_key(place, beginning + digit), OpenBucket(since=found))


def _bucket_of(working: Working, place: Place, half: str) -> tuple[str, OpenBucket]:
    """The bucket that a half lies in, or would: the beginning of ids that it is for, and what it holds."""
    for length in range(_ID_DIGITS):
        beginning = half[:length]
        bucket = working.get(_bucket_key(place, beginning), OpenBucket) or OpenBucket(since={})
        if half[length] not in bucket.digits:
            return beginning, bucket
    raise AssertionError("a bucket of whole ids")


def _bucket_key(place: Place, beginning: str) -> str:
    if not beginning:
        return day_key(place)
    return f"open_bucket/{place[0]}/{place[1]}/{beginning}"
