from drilled import held, told


def test_a_network_goes_over_to_another_contract_under_load() -> None:
    """Nobody is told anything of two contracts, and a node that lacks the next one catches up by itself."""
    report = held("upgrade", seconds=12)
    assert told(report, "submissions wait at sp3")
