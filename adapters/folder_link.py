"""The link of clients that exchange files: each has a folder in, out, error and archive.

In. A file counts when it is renamed into the folder under its final name, complete. Names that start with
"." or end in ".tmp" or ".part" are never taken. Files are taken in the order of their names, one at a time
per client. A file that has been received is moved to the archive, its name marked with its digest. A crash
between the two hands the same origin over again. A file over `bytes_max` is never read: the refusal is
asked for, and then the file is moved to the error folder, marked with its time.

What cannot be taken - a symbolic link, a folder, a file without read permission - is logged once and left
where it is; it is looked at again at each poll, so that a permission mended is enough.

Out. Each delivery becomes one file named after its id, refusals in the error folder and all else in the out
folder. To deliver an id again replaces the file by the same bytes; where the client has taken the file away
in the meantime it comes back, under the same name.
"""

import asyncio
import fnmatch
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.folder_files import (
    Identity,
    are_on_one_file_system,
    identity_of,
    make_folder,
    marked,
    move,
    names_in,
    read_whole,
    remove_temporary,
    write_whole,
)
from adapters.link import Arrival, ClientAwayError, Delivery, Receive

FILES_PER_POLL_MAX: Final = 1_000
DIGEST_MARK_LENGTH: Final = 16
REFUSAL: Final = "refusal"

_FOLDER: Final = ""
"""What stands for a file's name where the folder itself is in trouble."""

_UNFINISHED: Final = (".tmp", ".part")
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")

_log = structlog.get_logger(__name__)


class FolderClient(BaseModel):
    """One client's folders. Raises pydantic's ValidationError where two of them are the same.

    pattern: which names in `in_folder` are taken, as in a shell, "*.csv"; capitals count.
    extension: of the files going out, without its dot.
    poll_seconds: how long to wait after a look that found nothing new.
    bytes_max: a larger file is refused unread.

    The folders in, archive and error lie on one file system. Each is made for its owner alone where absent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str = Field(min_length=1)
    in_folder: Path
    out_folder: Path
    error_folder: Path
    archive_folder: Path
    pattern: str = Field(default="*.csv", min_length=1)
    extension: str = Field(default="csv", pattern=r"^[A-Za-z0-9]{1,16}$")
    poll_seconds: float = Field(default=1.0, gt=0, le=3_600)
    bytes_max: int = Field(default=20_000_000, ge=1)

    @model_validator(mode="after")
    def _has_four_folders(self) -> Self:
        if len({folder.resolve() for folder in self.folders}) != len(self.folders):
            raise ValueError(
                "in_folder, out_folder, error_folder and archive_folder must be four different folders"
            )
        return self

    @property
    def folders(self) -> tuple[Path, ...]:
        """All four."""
        return (self.in_folder, self.out_folder, self.error_folder, self.archive_folder)


@dataclass(frozen=True, slots=True)
class Oversized:
    """A file that was refused unread.

    origin: the same again where the refusal is asked for again after a crash.
    size, size_max: in bytes.
    kept_as: its name in the client's error folder.
    """

    client: str
    origin: str
    name: str
    size: int
    size_max: int
    kept_as: str


RefuseTooLarge = Callable[[Oversized], Awaitable[None]]


class FolderLink:
    """Serves the folders of any number of clients.

    refuse_too_large: answers a client whose file is too large, in that client's format; once it has returned
        the answer is safe. It may be called again with the same origin.
    Raises ValueError where two clients have the same name or the same folder in.
    """

    def __init__(self, clients: Iterable[FolderClient], refuse_too_large: RefuseTooLarge) -> None:
        self._inboxes = [_Inbox(client, refuse_too_large) for client in clients]
        self._clients = {inbox.client.client: inbox.client for inbox in self._inboxes}
        if len(self._clients) != len(self._inboxes):
            raise ValueError("two clients have the same name")
        if len({client.in_folder.resolve() for client in self._clients.values()}) != len(self._inboxes):
            raise ValueError("two clients have the same folder in: nobody could say whose a file is")

    async def run(self, receive: Receive) -> None:
        """Take files until cancelled. What the file system refuses is logged and tried again."""
        async with asyncio.TaskGroup() as group:
            for inbox in self._inboxes:
                group.create_task(inbox.serve(receive), name=f"folder {inbox.client.client}")

    async def send(self, delivery: Delivery) -> None:
        """Write one file durably. Raises ClientAwayError where the folder cannot be written now."""
        client = self._clients[delivery.client]
        if not _SAFE_ID.fullmatch(delivery.id):
            raise ValueError(f"the delivery id {delivery.id!r} cannot be a file name")
        folder = client.error_folder if delivery.kind == REFUSAL else client.out_folder
        try:
            await asyncio.to_thread(write_whole, folder, f"{delivery.id}.{client.extension}", delivery.raw)
        except OSError as error:
            raise ClientAwayError(f"cannot write to {folder} of {client.client}: {_reason(error)}") from error


class _Inbox:
    """One client's folder in, looked at again and again."""

    def __init__(self, client: FolderClient, refuse_too_large: RefuseTooLarge) -> None:
        self.client = client
        self._refuse_too_large = refuse_too_large
        self._trouble: dict[str, str] = {}
        """What was logged, by name, so that it is logged once."""
        self._taken: dict[str, tuple[Identity, Path]] = {}
        """Files that are received and could not be moved yet, and where to: not received twice in one run."""

    async def serve(self, receive: Receive) -> None:
        """Take files until cancelled."""
        is_ready = False
        while True:
            is_ready = is_ready or await self._prepare()
            names = await self._names() if is_ready else []
            moved = [await self._take(name, receive) for name in names]
            if not any(moved):
                await asyncio.sleep(self.client.poll_seconds)

    async def _prepare(self) -> bool:
        try:
            await asyncio.to_thread(_prepare_folders, self.client)
        except OSError as error:
            self._note(_FOLDER, error)
            return False
        return True

    async def _names(self) -> list[str]:
        # Names in trouble come on top, so that a thousand of them do not hide the files behind them.
        count_max = FILES_PER_POLL_MAX + len(self._trouble)
        try:
            names = await asyncio.to_thread(names_in, self.client.in_folder, self._is_meant, count_max)
        except OSError as error:
            self._note(_FOLDER, error)
            return []
        for gone in (self._taken.keys() | self._trouble.keys()) - set(names):
            self._forget(gone)
        return names

    def _is_meant(self, name: str) -> bool:
        if name.startswith(".") or name.lower().endswith(_UNFINISHED):
            return False
        return fnmatch.fnmatchcase(name, self.client.pattern)

    async def _take(self, name: str, receive: Receive) -> bool:
        """Whether the file was received and moved away. What `receive` raises passes."""
        file = self.client.in_folder / name
        try:
            identity = await asyncio.to_thread(identity_of, file)
        except FileNotFoundError:
            return False  # the client took it back
        except OSError as error:
            return self._note(name, error)
        if self._taken.get(name, (None,))[0] != identity:
            target = await self._hand_over(file, identity, receive)
            if target is None:
                return False
            self._taken[name] = (identity, target)
        return await self._clear(file)

    async def _hand_over(self, file: Path, identity: Identity, receive: Receive) -> Path | None:
        """Have the file received, or refused if it is too large; where it then belongs, None if it stays."""
        if identity.size > self.client.bytes_max:
            return await self._refuse(file.name, identity)
        try:
            raw, digest = await asyncio.to_thread(_read_with_digest, file, identity)
        except OSError as error:
            self._note(file.name, error)
            return None
        # The same content dropped in again is another arrival, and is answered again.
        origin = f"{_legible(file.name)}:{identity.inode}.{identity.changed_ns}:{digest}"
        await receive(Arrival(self.client.client, origin, raw))
        return self.client.archive_folder / marked(file.name, digest[:DIGEST_MARK_LENGTH])

    async def _refuse(self, name: str, identity: Identity) -> Path:
        target = self.client.error_folder / marked(name, str(identity.changed_ns))
        oversized = Oversized(
            client=self.client.client,
            origin=f"{_legible(name)}:{identity.size}:{identity.changed_ns}",
            name=_legible(name),
            size=identity.size,
            size_max=self.client.bytes_max,
            kept_as=_legible(target.name),
        )
        await self._refuse_too_large(oversized)
        return target

    async def _clear(self, file: Path) -> bool:
        identity, target = self._taken[file.name]
        try:
            await asyncio.to_thread(move, file, target, identity)
        except OSError as error:
            return self._note(file.name, error)
        self._forget(file.name)
        return True

    def _forget(self, name: str) -> None:
        self._taken.pop(name, None)
        self._trouble.pop(name, None)

    def _note(self, name: str, error: OSError) -> Literal[False]:
        """Log what holds a file or the folder up, once for as long as it stays the same."""
        reason = _reason(error)
        if self._trouble.get(name) != reason:
            self._trouble[name] = reason
            _log.warning("folder_held_up", client=self.client.client, file=_legible(name), reason=reason)
        return False


def _prepare_folders(client: FolderClient) -> None:
    """Make the folders and clear them up. Raises OSError, also where files cannot be moved between them."""
    for folder in client.folders:
        make_folder(folder)
    for folder in (client.out_folder, client.error_folder):
        remove_temporary(folder)
    if not are_on_one_file_system(client.in_folder, client.archive_folder, client.error_folder):
        raise OSError("the folders in, archive and error must lie on one file system")


def _read_with_digest(file: Path, identity: Identity) -> tuple[bytes, str]:
    raw = read_whole(file, identity)
    return raw, hashlib.sha256(raw).hexdigest()


def _legible(name: str) -> str:
    """`name` as text that can be stored: bytes in it that are not UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
