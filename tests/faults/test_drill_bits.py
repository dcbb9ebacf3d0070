from drilled import held


def test_a_flipped_bit_in_a_servers_file_is_found_before_it_serves() -> None:
    """That server gets the ledger back from the others by itself, and no client notices."""
    held("bit", seconds=5)
