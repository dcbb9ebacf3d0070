from drilled import held, told


def test_no_message_is_lost_or_doubled_whatever_is_killed() -> None:
    """Servers and daemons die under load, alone and all at once; an operator has nothing to mend."""
    report = held("kills", seconds=60, count=25)
    assert told(report, "kill -9") == 25
