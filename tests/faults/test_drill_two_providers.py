from drilled import held, told


def test_an_institution_goes_on_through_its_other_provider() -> None:
    """What it repeats there counts once, all results reach it there, and both providers agree afterwards."""
    report = held("two-providers", seconds=6)
    assert told(report, "the broker repeats") == 1
