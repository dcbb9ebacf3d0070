"""Room on the disk: where it runs out, a node ends what it was doing and begins anew once there is some.

What was under way is rolled back as a whole, so nothing is half done; clients see their sessions end, and
files stay where they lie, until the node is back.
"""

import asyncio
import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from node.store import StoreFullError

ROOM_BYTES_MIN = 16 * 1024 * 1024
LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Room:
    """The free room on the file system of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def wait(self) -> None:
        """Return when there is enough to go on."""
        while (free := shutil.disk_usage(self._folder).free) < ROOM_BYTES_MIN:  # noqa: ASYNC110 - a disk tells nobody when it has room
            await asyncio.sleep(LOOK_SECONDS)
        log.info("there is room again, the node goes on", free_bytes=free)


@contextmanager
def waiting_for_room(folder: Path) -> Iterator[Room]:
    """End the block where it fails for want of room alone; then wait for some. Other errors pass."""
    try:
        yield Room(folder)
    except BaseExceptionGroup as group:
        _, others = group.split(_is_for_want_of_room)
        if others is not None:
            raise
        log.error("no room on the disk: nothing is taken until there is some", folder=str(folder))  # noqa: TRY400 - the cause is known


def _is_for_want_of_room(error: BaseException) -> bool:
    return isinstance(error, StoreFullError) or (isinstance(error, OSError) and error.errno == errno.ENOSPC)
