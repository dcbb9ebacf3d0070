from drilled import held


def test_a_full_disk_stops_one_node_for_as_long_as_it_is_full() -> None:
    """Input is refused politely, nothing is lost, and the node goes on by itself once there is room."""
    held("full", seconds=2)
