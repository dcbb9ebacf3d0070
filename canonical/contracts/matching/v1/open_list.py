"""The list of open halves, by trade date: what deadlines are about is found without a search.

Its buckets keep what one message changes small, however many halves of one pair are open. A half is listed
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

BUCKET_DIGITS = 2  # 256 buckets, by the first digits of a half's id

Place = tuple[str, date]
"""A relationship, as a part of keys, and a trade date."""


class OpenDay(Canonical):
    """The buckets of a relationship's trade date that are not empty, in order."""

    buckets: tuple[str, ...] = ()


class OpenBucket(Canonical):
    """Open halves by id. Since when each is, by the network's clock: it is late for deadlines before that."""

    since: Annotated[dict[str, datetime], Field(default_factory=dict)]


def relist(working: Working, old: Half | None, new: Half | None, now: datetime | None) -> None:
    """List a half where it now belongs, if anywhere. now: None where none can become open."""
    was, shall = _place(old), _place(new)
    if was == shall:
        return
    if old is not None and was is not None:
        _strike(working, was, old.id)
    if new is not None and shall is not None:
        assert now is not None, "a half becomes open by an entry, which has its time"
        _enter(working, shall, new.id, now.replace(tzinfo=None, microsecond=0))


def listed_after(working: Working, place: Place, after: str) -> Iterator[tuple[str, datetime]]:
    """The open halves beyond an id, in order, each with since when it is open."""
    day = working.get(day_key(place), OpenDay) or OpenDay()
    for bucket in day.buckets:
        if bucket >= after[:BUCKET_DIGITS]:
            since = working.must(_bucket_key(place, bucket), OpenBucket).since
            yield from ((half, since[half]) for half in sorted(since) if half > after)


def day_key(place: Place) -> str:
    """Where the buckets of a trade date are named."""
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


def _place(half: Half | None) -> Place | None:
    if half is None or not half.statements or (half.agreed and not half.waits):
        return None
    return relationship(half.broker, half.investor), half.terms.trade_date


def _strike(working: Working, place: Place, half: str) -> None:
    bucket = half[:BUCKET_DIGITS]
    key = _bucket_key(place, bucket)
    since = {name: at for name, at in working.must(key, OpenBucket).since.items() if name != half}
    if since:
        working.put(key, OpenBucket(since=since))
        return
    working.delete(key)
    left = tuple(name for name in working.must(day_key(place), OpenDay).buckets if name != bucket)
    if left:
        working.put(day_key(place), OpenDay(buckets=left))
    else:
        working.delete(day_key(place))


def _enter(working: Working, place: Place, half: str, since: datetime) -> None:
    bucket = half[:BUCKET_DIGITS]
    key = _bucket_key(place, bucket)
    found = working.get(key, OpenBucket)
    if found is None:
        day = working.get(day_key(place), OpenDay) or OpenDay()
        working.put(day_key(place), OpenDay(buckets=tuple(sorted((*day.buckets, bucket)))))
        found = OpenBucket(since={})
    working.put(key, OpenBucket(since={**found.since, half: since}))


def _bucket_key(place: Place, bucket: str) -> str:
    return f"open_bucket/{place[0]}/{place[1]}/{bucket}"
