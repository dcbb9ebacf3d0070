from drilled import held, told


def test_a_network_goes_over_to_another_contract_under_load() -> None:
    """Nobody is told anything of two contracts, and every phase tells how long its clients have waited.

    From before the vote until after the node that lacked the next contract has it and has caught up.
    """
    report = held("upgrade", seconds=12)
    assert told(report, "submissions wait at sp3")
    assert told(report, "the server of sp3 leads the ledger")
    for sp in ("sp1", "sp2"):
        assert told(report, f"first answers at {sp}, ") == told(report, "-- ")
