"""The drafted calendar is what Japan's exchange and the gazette have published, as far as they have."""

import sys
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from founding import network

from canonical.calculation.settlement import settlement_date
from canonical.calendar import Calendar
from canonical.rules.timetable import Settlement
from node.calendar_seed import CalendarSeedError, as_toml, seeded
from node.commands import app
from node.network import Network
from node.network_faults import network_faults

JPX = seeded("JPX", 2024, 2028).calendar

# Weekdays on which the Tokyo Stock Exchange is closed, as published for the year.
CLOSED_2026 = """
    01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06
    07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23 12-31
""".split()  # noqa: SIM905 - a list of quoted words is harder to read


def test_a_year_as_it_was_published():
    """Substitute holidays, the day between two holidays, and the turn of the year are among them."""
    assert [f"{day:%m-%d}" for day in JPX.closed if day.year == 2026] == CLOSED_2026


@pytest.mark.parametrize(
    ("trade", "settles"),
    [
        (date(2026, 11, 20), date(2026, 11, 25)),  # Monday 23 is Labour Thanksgiving Day
        (date(2026, 12, 29), date(2027, 1, 4)),  # 31 December to 3 January
        (date(2026, 9, 18), date(2026, 9, 25)),  # three holidays from Monday on
        (date(2026, 4, 30), date(2026, 5, 7)),  # Golden Week, with a substitute holiday on 6 May
        (date(2024, 12, 27), date(2025, 1, 6)),
    ],
)
def test_two_business_days_after_the_trade(trade: date, settles: date):
    assert settlement_date(trade, Settlement(), JPX) == settles


def test_the_draft_is_taken_by_a_network_file():
    """What is written reads back as the same calendar, in the place where a network has its calendars."""
    seed = seeded("JPX", 2026, 2028)
    document = tomllib.loads(as_toml(seed), parse_float=Decimal)
    [calendar] = document["calendars"]
    assert Calendar.model_validate(calendar) == seed.calendar
    assert "2026-11-23, # 勤労感謝の日" in as_toml(seed)
    whole = Network.model_validate({**network().model_dump(), "calendars": (seed.calendar,)})
    assert list(network_faults(whole)) == []
    twice = whole.model_copy(update={"calendars": (seed.calendar, seed.calendar)})
    assert any("calendars" in fault for fault in network_faults(twice))


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """To standard output, or into a new file; one that is there is left alone."""
    file = tmp_path / "jpx.toml"
    for more in ([], ["--output", str(file)]):
        with pytest.raises(SystemExit) as ended:
            app(["calendar", "make", "JPX", "--from", "2026", "--to", "2028", *more])
        assert ended.value.code == 0
    assert file.read_text(encoding="utf-8") == capsys.readouterr().out == as_toml(seeded("JPX", 2026, 2028))
    with pytest.raises(SystemExit) as ended:
        app(["calendar", "make", "JPX", "--from", "2026", "--to", "2028", "--output", str(file)])
    assert ended.value.code == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked", [("XNYS", 2026, 2028), ("JPX", 2028, 2026), ("JPX", 1999, 2001), ("JPX", 2026, 2099)]
)
def test_what_cannot_be_drafted_is_refused(asked: tuple[Any, ...]):
    with pytest.raises(CalendarSeedError):
        seeded(*asked)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jpholiday", None)
    with pytest.raises(CalendarSeedError, match=r"yakujo\[calendars\]"):
        seeded("JPX", 2026, 2028)
