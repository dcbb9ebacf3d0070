"""Ledger time: what most members' clocks have reached, never going back, the same at every node."""

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from founding import SERVED
from hypothesis import given
from hypothesis import strategies as st
from messages import report
from scene import Scene, in_folder, running

from node.entry import TimeEntry, encode_entry
from node.ledger_time import TIME_MAX, LedgerTime, machine_clock, moment, on_the_clock, reached_by_most
from node.memory_ledger import MemoryLedger
from node.time_standing import TimeStanding, time_findings, time_standing

SECOND = 1_000_000
HOUR = 3600 * SECOND
NOON = 1_795_143_600 * SECOND

CLOCKS = st.lists(st.integers(0, 2**53), min_size=1, max_size=9)


@given(CLOCKS)
def test_more_than_half_have_reached_it(clocks: list[int]):
    """It is the latest of which that is true: one microsecond later it is not."""
    found = reached_by_most(clocks)
    assert 2 * sum(clock >= found for clock in clocks) > len(clocks)
    assert 2 * sum(clock > found for clock in clocks) <= len(clocks)


@dataclass
class Members:
    """Members that speak one after the other."""

    count: int
    ledger: LedgerTime = field(default_factory=LedgerTime)
    connection: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:"))

    @property
    def names(self) -> list[str]:
        """Their SP names."""
        return [f"sp{number}" for number in range(self.count)]

    def say(self, member: int, at: int) -> int:
        """Ledger time after a block of a member."""
        return self.ledger.take(self.connection, f"sp{member}", at, self.names)


@pytest.fixture
def members() -> Iterator[Members]:
    made = Members(3)
    with closing(made.connection):
        made.connection.execute("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        yield made


@given(st.data())
def test_it_never_goes_back(data: st.DataObject):
    """Whatever the clocks say and whoever joins or leaves."""
    made = Members(1)
    with closing(made.connection):
        made.connection.execute("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        told = []
        for _ in range(data.draw(st.integers(1, 20))):
            made.count = data.draw(st.integers(1, 5))
            told.append(made.say(data.draw(st.integers(0, made.count - 1)), data.draw(st.integers(0, 10**9))))
        assert all(before <= after for before, after in pairwise(told))


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_one_wrong_clock_does_not_move_it(members: Members, count: int, off: int):
    """With three members or more, one that is an hour ahead or behind stays without effect."""
    members.count = count
    for second in range(5):
        for member in range(count):
            members.say(member, NOON + second * SECOND + (off if member == 1 else 0))
        assert NOON + (second - 1) * SECOND <= members.ledger.now <= NOON + second * SECOND


@pytest.mark.parametrize(("count", "away"), [(1, 0), (3, 1), (5, 2)])
def test_members_that_are_away_do_not_stop_it(members: Members, count: int, away: int):
    """As long as more than half speak, it goes on; one that has never spoken counts as long past."""
    members.count = count
    for second in range(3):
        for member in range(away, count):
            members.say(member, NOON + second * SECOND)
        assert members.ledger.now == NOON + second * SECOND


def test_of_two_the_earlier_counts(members: Members):
    """Nobody can tell which of two clocks is wrong: it waits for both, and for one that is away."""
    members.count = 2
    members.say(0, NOON + HOUR)
    assert members.ledger.now == 0
    members.say(1, NOON)
    assert members.ledger.now == NOON


def test_a_clock_beyond_all_calendars(members: Members):
    """The largest number that a block can carry is still a time."""
    members.count = 1
    assert members.say(0, 2**63 - 1) == TIME_MAX
    assert moment(2**63 - 1).year == on_the_clock(2**63 - 1, "Pacific/Kiritimati").year == 9999


def test_the_networks_clock():
    at = on_the_clock(NOON, "Asia/Tokyo")
    assert at == datetime.datetime.fromtimestamp(NOON // SECOND, datetime.UTC)
    assert at.utcoffset() == datetime.timedelta(hours=9)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = in_folder(tmp_path, MemoryLedger())
    set_clocks(made, 0)
    return made


def set_clocks(scene: Scene, ahead: int) -> None:
    """Set sp1's clock so much ahead of the machine's, sp2's an hour more, and sp3's a second less."""
    for number, node in enumerate(scene.nodes.values()):
        off = ahead + (0, HOUR, -SECOND)[number]
        node.clock = partial(lambda off: machine_clock() + off, off)


async def test_all_nodes_keep_the_same(scene: Scene):
    """Every block's time is the same at all nodes, is taken up after a restart, and rises."""
    async with running(scene):
        await scene.sp1.arrives("broker", report("B-1"))
        await scene.settled()
        await scene.sp3.stop()
        await scene.sp1.arrives("broker", report("B-2"))
        await scene.sp3.start()
        await scene.settled()
        query = "SELECT time, state FROM archive ORDER BY sequence"
        told = scene.sp1.rows(query)
        assert told == scene.sp2.rows(query) == scene.sp3.rows(query)
        times = [time for time, _ in told]
        assert times == sorted(times)
        assert abs(times[-1] - scene.sp1.clock()) < HOUR / 2  # sp2's clock is an hour ahead


async def test_a_word_about_time_has_all_members_speak(scene: Scene):
    """Each signs what has come, so that one entry brings ledger time forward to now."""
    async with running(scene):
        await scene.settled()
        before = scene.sp1.rows("SELECT MAX(time) FROM archive")[0][0]
        spoken = {sp: _last_number(scene, sp) for sp in SERVED}
        set_clocks(scene, HOUR)
        scene.sp1.change(
            "INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')", encode_entry(TimeEntry())
        )
        await scene.settled()
        assert all(_last_number(scene, sp) > number for sp, number in spoken.items())
        assert scene.sp1.rows("SELECT MAX(time) FROM archive")[0][0] >= before + HOUR - SECOND


def _last_number(scene: Scene, sp: str) -> int:
    return int(scene.sp1.rows("SELECT MAX(seq) FROM archive WHERE sp = ?", sp)[0][0])


def standing(made: Members) -> TimeStanding:
    """How time stands at a node that has the last of the blocks."""
    made.connection.execute("CREATE TABLE archive (sequence INTEGER PRIMARY KEY, time INTEGER)")
    made.connection.execute("INSERT INTO archive (time) VALUES (?)", (made.ledger.now,))
    found = time_standing(made.connection, made.names, lambda: NOON + 2 * HOUR)
    assert found is not None
    return found


def test_one_of_two_that_is_away_holds_time_back_and_is_named(members: Members):
    """Whatever the other one says: it could name any hour. Status tells since when, and because of whom."""
    members.count = 2
    members.say(1, NOON)
    for later in range(1, 100):
        assert members.say(0, NOON + later * 60 * SECOND) == NOON
    found = standing(members)
    assert (found.held_back_by, found.needed, found.lag_seconds) == (("sp1",), 1, 7200.0)
    [told] = time_findings(found)
    assert "stands still since 2026-11-20 03:00:00+00:00: it waits for sp1, away" in told


def test_two_of_three_that_are_away_hold_time_back(members: Members):
    for member in (1, 2):
        members.say(member, NOON + member * SECOND)
    members.say(0, NOON + HOUR)
    found = standing(members)
    assert (found.held_back_by, found.needed) == (("sp1", "sp2"), 1)
    assert "it waits for 1 of sp1, sp2" in next(time_findings(found))


def test_a_network_in_which_nobody_speaks_waits_for_nobody(members: Members):
    """And one of three that is away does not matter."""
    for member in (0, 1):
        members.say(member, NOON + member * SECOND)
    assert standing(members).held_back_by == ()
