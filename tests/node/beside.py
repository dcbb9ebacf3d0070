"""A node's store as a command beside it reads it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from scene import Node

from node.inspection import View
from node.store import STORE_FILE, read_store


@contextmanager
def seen(node: Node) -> Iterator[View]:
    """As it is now, for as long as the block runs."""
    with closing(read_store(node.folder / STORE_FILE)) as connection:
        yield View(node.settings, node.network, connection)
