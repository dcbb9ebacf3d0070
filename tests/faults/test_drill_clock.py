from drilled import held, told


def test_a_clock_that_is_an_hour_off_changes_nothing() -> None:
    """Order and results hang on the ledger alone, whatever one node thinks the time is."""
    report = held("clock", seconds=4)
    assert told(report, "seconds off") == 2
