from drilled import held, told


def test_what_a_malicious_member_publishes_counts_nowhere() -> None:
    """Every node passes over it alike, keeps the evidence and tells its operator."""
    report = held("malice", seconds=4)
    assert told(report, "sp3 publishes") == 8
