"""What tests of the folder link need: a client with folders, files that come in as a client brings them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.folder_link import FolderClient, FolderLink, Oversized
from adapters.link import Arrival, Receive


def client_in(root: Path, name: str = "fund house", **settings: object) -> FolderClient:
    folders = {f"{kind}_folder": root / name / kind for kind in ("in", "out", "error", "archive")}
    return FolderClient.model_validate({"client": name, "poll_seconds": 0.01, **folders, **settings})


def drop(client: FolderClient, name: str, content: bytes) -> None:
    """Bring a file in as a client does: written under another name, then renamed."""
    client.in_folder.mkdir(parents=True, exist_ok=True)
    unfinished = client.in_folder / f".{name[:50]}.tmp"
    unfinished.write_bytes(content)
    unfinished.rename(client.in_folder / name)


async def never_too_large(oversized: Oversized) -> None:
    raise AssertionError(oversized)


class Store:
    """What a daemon does with arrivals, in memory."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    async def receive(self, arrival: Arrival) -> None:
        """Keep it."""
        self.arrivals.append(arrival)


@asynccontextmanager
async def running(link: FolderLink, receive: Receive) -> AsyncIterator[None]:
    task = asyncio.create_task(link.run(receive))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a file system tells nobody when it has changed
            await asyncio.sleep(0.005)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
