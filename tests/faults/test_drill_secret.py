from drilled import held


def test_a_provider_that_is_party_to_nothing_has_nothing() -> None:
    """No name, code, account or amount of others' trades stands in its files, its log, or what it shows."""
    held("secret", seconds=2)
