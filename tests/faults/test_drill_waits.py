from drilled import held


def test_a_result_waits_for_the_other_side_as_long_as_the_rules_say() -> None:
    """Then it is told as provisional, and confirmed when the other side's node returns."""
    held("waits", seconds=2)
