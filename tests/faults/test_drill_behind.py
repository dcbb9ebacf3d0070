import re

from drilled import held


def test_a_node_that_was_away_catches_up_and_says_how_fast() -> None:
    """It comes to the same outcomes as those that were there; an operator sees the rate."""
    report = held("behind", count=1_000)
    assert any(re.search(r"catching up: \d+ entries in .* per second", event.text) for event in report.events)
