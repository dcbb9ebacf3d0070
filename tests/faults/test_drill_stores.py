from drilled import held, told


def test_a_damaged_store_is_refused_and_restored() -> None:
    """The daemon says what to do, and one command does it, after a cut and after a flipped bit."""
    report = held("store", seconds=4)
    assert told(report, "is back and equal") == 2


def test_a_lost_data_directory_comes_back_from_the_others() -> None:
    """With its keys and settings alone a node is back, and the drill says after how long."""
    report = held("lost", seconds=3)
    assert told(report, "is back and equal") == 1
