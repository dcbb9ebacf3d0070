"""Promises about the guard's state as `yakujo status` shows it."""

import pytest
from structlog.testing import capture_logs

from node.guard_state import GuardState, Report, Word


def test_the_gravest_thing_is_shown():
    report = Report(clock=lambda: 1.0)
    report.say(Word.WELL, "10 blocks")
    report.disk("5 MB free")
    assert (report.state.word, report.state.text) == (Word.DISK_LOW, "5 MB free")
    report.say(Word.FENCED, "3 blocks are not there")
    assert (report.state.word, report.state.text) == (Word.FENCED, "3 blocks are not there")
    report.disk(None)
    report.say(Word.WELL, "10 blocks")
    assert report.state.text == "10 blocks"


def test_a_state_has_the_time_it_began():
    now = [1.0]
    report = Report(clock=lambda: now[0])
    for moment, word in ((2.0, Word.WELL), (3.0, Word.WELL), (4.0, Word.FENCED)):
        now[0] = moment
        report.say(word, "as it is")
        assert report.state.since == (4.0 if word is Word.FENCED else 2.0)
        assert report.state.written == moment
    now[0] = 5.0
    report.say(Word.WELL, "as it is")
    now[0] = 6.0
    report.disk("low")
    assert report.state.since == 6.0


@pytest.mark.parametrize(
    ("word", "levels"), [(Word.WELL, ["info"]), (Word.NEEDS_A_PERSON, ["error", "error"])]
)
def test_a_change_is_logged_once(word: Word, levels: list[str]):
    """A grave state is logged again where its text says something new."""
    report = Report(clock=lambda: 1.0)
    with capture_logs() as logs:
        for text in ("a", "a", "b", "b"):
            report.say(word, text)
    assert [entry["log_level"] for entry in logs] == levels


def test_a_state_goes_through_the_pulse_file():
    state = Report(clock=lambda: 1.0).state
    assert GuardState.model_validate_json(state.model_dump_json()) == state
