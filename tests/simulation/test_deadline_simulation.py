"""The market in memory with deadlines: what is open is told once at each, whoever says so how often."""

import random
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any

import pytest
from test_contract_simulation import hangs_together, hear, market
from trades import CONTRACT, MORNING, Replica, submission

from canonical.contracts import REMINDING
from canonical.contracts.matching.v1 import open_list, reminding
from canonical.contracts.matching.v1.open_list import OpenBucket
from canonical.contracts.matching.v1.records import Half
from canonical.encoding import canonical_bytes
from canonical.message import Reminder
from canonical.result import AnyOutcome, Result, TradeStatus
from canonical.rules import Rules
from canonical.rules.timetable import Deadlines

TIMES = (time(10), time(11), time(12))


def with_deadlines(*, at_once: bool = False) -> Rules:
    return Rules(deadlines=Deadlines(remind_at=TIMES, allege_at_once=at_once))


def due(replica: Replica, now: datetime) -> list[Reminder]:
    """What a node that has this state would say at a time."""
    known = REMINDING[CONTRACT]
    days = [key for key in sorted(replica.state) if known.days_from(date.min) <= key < known.days_end]
    found = [known.due(replica.view, known.day_of_key(key), replica.rules, now) for key in days]
    return [reminder for reminder in found if reminder is not None]


def remind(replica: Replica, chance: random.Random) -> list[tuple[AnyOutcome, ...]]:
    """Say what is due until nothing is, as either side's node or as both."""
    told = []
    for _ in range(200):
        reminders = due(replica, replica.time)
        if not reminders:
            return told
        for reminder in reminders:
            parties = [reminder.broker.lei or "", reminder.investor.lei or ""]
            first, *again = chance.sample(parties, chance.choice([1, 2]))
            told.append(replica.apply(submission(first, reminder)))
            before = replica.digest()
            assert [replica.apply(submission(one, reminder, raw=one)) for one in again] == [()] * len(again)
            assert replica.digest() == before
    raise AssertionError("a deadline comes to no end")


@pytest.mark.parametrize("seed", range(12))
def test_market_with_deadlines(seed: int):
    """Each deadline tells every trade that is open and was open before it, once, and changes nothing else."""
    chance = random.Random(seed)
    replica = Replica(rules=with_deadlines(at_once=seed % 2 == 0))
    for entry in market(seed):
        replica.time += timedelta(minutes=chance.choice([0, 1, 3]))
        hear(replica.apply(entry))
        lists_what_is_open(replica.state)
        before = plain(replica.state)
        found = [result for told in remind(replica, chance) for result in told]
        hear(tuple(found))
        assert plain(replica.state) == before
        hangs_together(replica.state)
        told_once(found, replica.time)
    assert replica.time > datetime.combine(MORNING, TIMES[-1], MORNING.tzinfo)


def told_once(found: list[AnyOutcome], now: datetime) -> None:
    """Of each trade once, with what is open alone."""
    assert len({each.trade for each in found if isinstance(each, Result)}) == len(found)
    for each in found:
        assert isinstance(each, Result)
        assert each.status is not TradeStatus.MATCH_AGREED
        assert each.deadline is not None
        assert each.deadline.at <= now.time()
        assert not any(fund.status.is_matched for fund in each.funds)


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """All but how far deadlines were told."""
    return {key: record for key, record in state.items() if not isinstance(record, reminding.Reminded)}


def lists_what_is_open(state: dict[str, Any]) -> None:
    """Every half that is not agreed, or waits for consent, is listed under its trade date, and no other.

    A bucket has halves that were opened at positions that begin as it says, or names all those below it.
    """
    halves = [record for record in state.values() if isinstance(record, Half)]
    open_ = {
        (f"{h.broker}/{h.investor}/{h.terms.trade_date}", f"{h.opened:016o}{h.id}")
        for h in halves
        if not h.agreed or h.waits
    }
    found = dict(placed(key, record) for key, record in state.items() if isinstance(record, OpenBucket))
    assert open_ == {(at, begun + rest) for (at, begun), bucket in found.items() for rest in bucket.since}
    for (at, begun), bucket in found.items():
        assert bool(bucket.since) is not bool(bucket.below)
        levels = ("", *(begun[:cut] for cut in open_list.CUTS if cut <= len(begun)))
        assert begun == levels[-1]
        assert not begun or f" {begun[len(levels[-2]) :]}" in found[at, levels[-2]].below
        assert all((at, begun + digits) in found for digits in bucket.below.split())


def placed(key: str, bucket: OpenBucket) -> tuple[tuple[str, str], OpenBucket]:
    """A bucket by its relationship and trade date, and how the positions in it begin."""
    if key.startswith("open/"):
        day, broker, investor = open_list.day_of_key(key)
        return (f"{broker}/{investor}/{day}", ""), bucket
    place, _, beginning = key.removeprefix("open_bucket/").rpartition("/")
    return (place, beginning), bucket


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cuts", [(), (16,), (13, 14, 15, 16)])
def test_very_many_open_halves(seed: int, cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch):
    """Buckets of any size list the same halves in the same order."""
    usual, other = Replica(rules=with_deadlines()), Replica(rules=with_deadlines())
    for entry in market(seed):
        usual.time = other.time = usual.time + timedelta(minutes=3)
        told = [*usual.apply(entry), *chain.from_iterable(remind(usual, random.Random(0)))]
        monkeypatch.setattr(open_list, "CUTS", cuts)
        assert [*other.apply(entry), *chain.from_iterable(remind(other, random.Random(0)))] == told
        lists_what_is_open(other.state)
        monkeypatch.undo()


@pytest.mark.parametrize("limits", [(1, 2_000), (3, 2_000), (250, 1), (7, 3)])
def test_reminders_of_any_length_tell_the_same(limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
    """However little one may tell, together they tell all, in the same order."""
    replica = Replica(rules=with_deadlines())
    for entry in market(3):
        replica.apply(entry)
    replica.time = datetime.combine(MORNING, TIMES[0], MORNING.tzinfo)
    whole, state = remind(replica, random.Random(0)), dict(replica.state)
    monkeypatch.setattr(reminding, "LOOKED_AT_MAX", limits[0])
    monkeypatch.setattr(reminding, "FUNDS_MAX", limits[1])
    replica.time = datetime.combine(MORNING, TIMES[1], MORNING.tzinfo)
    parts = remind(replica, random.Random(0))
    assert len(parts) > len(whole)
    assert by_pair(parts) == by_pair(whole)
    assert plain(replica.state) == plain(state)


def by_pair(told: list[tuple[AnyOutcome, ...]]) -> dict[str, list[str]]:
    """What was told of each relationship, in order."""
    found: dict[str, list[str]] = {}
    for outcome in (one for outcomes in told for one in outcomes):
        found.setdefault(f"{outcome.broker}/{outcome.investor}", []).append(standing((outcome,)))
    return found


def standing(told: tuple[AnyOutcome, ...]) -> str:
    """How trades stand, whenever that is told."""
    same = {"id": "", "position": 0, "deadline": None}
    return "".join(repr(outcome.model_copy(update=same)) for outcome in told)


def test_both_sides_nodes_come_to_the_same():
    """A node whose state was stored and read again tells byte for byte the same."""
    memory, stored = Replica(rules=with_deadlines()), Replica(stored=True, rules=with_deadlines())
    for entry in market(5):
        assert memory.apply(entry) == stored.apply(entry)
    for deadline in TIMES:
        memory.time = stored.time = datetime.combine(MORNING, deadline, MORNING.tzinfo)
        told = [remind(each, random.Random(1)) for each in (memory, stored)]
        one, other = ([canonical_bytes(o) for outcomes in each for o in outcomes] for each in told)
        assert one == other
        assert one
    assert memory.digest() == stored.digest()


def test_no_deadline_is_told_after_a_later_one():
    """Where several have passed since anybody looked, the last one alone is told."""
    replica = Replica(rules=with_deadlines())
    for entry in market(1):
        replica.apply(entry)
    replica.time = datetime.combine(MORNING, TIMES[-1], MORNING.tzinfo)
    told = [o for outcomes in remind(replica, random.Random(2)) for o in outcomes if isinstance(o, Result)]
    assert {o.deadline.number for o in told if o.deadline} == {len(TIMES)}
