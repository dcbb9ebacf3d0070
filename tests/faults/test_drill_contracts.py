from drilled import held


def test_what_two_sides_compute_unlike_is_told_to_nobody() -> None:
    """A node with an altered contract disturbs no trade but those that it judges otherwise."""
    held("contracts", seconds=2)
