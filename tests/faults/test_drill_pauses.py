from drilled import held, told


def test_a_leader_and_a_daemon_that_stand_still_lose_nothing() -> None:
    """Another server leads meanwhile; whoever stood still goes on where it was."""
    report = held("pauses", seconds=30)
    assert told(report, "leads now") == 1
