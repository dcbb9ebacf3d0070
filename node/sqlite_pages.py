"""The pages of an SQLite file and of the log beside it, read without SQLite, whatever state they are in.

Layout: https://www.sqlite.org/fileformat2.html, sections 1.3 and 4.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from node.sqlite_log import read_log
from node.store_seal import wal_of

PAGE_BYTES = 8_192  # of a new store: more small records that belong together lie in one
_PAGE_BYTES_MIN = 512

_MAGIC = b"SQLite format 3\x00"
_HEAD = struct.Struct(">16sH6xI I I I 52xI4x")  # page size, change counter, pages, freelist: first, count


class Pages:
    """The pages of a store, by number from 1.

    has_head: whether the file begins as an SQLite file does. count: pages there are, damaged or not.
    expected: pages that the store says it has. log_is_damaged: whether SQLite would pass over commits.
    """

    def __init__(self, store: Path) -> None:
        self._file = store.open("rb")
        self._log = wal_of(store).open("rb") if wal_of(store).exists() else None
        head = self._file.read(_HEAD.size).ljust(_HEAD.size, b"\x00")
        magic, page_bytes, changed, told, _, _, told_at = _HEAD.unpack(head)
        page_bytes = 65_536 if page_bytes == 1 else page_bytes
        self.has_head = (
            magic == _MAGIC and page_bytes >= _PAGE_BYTES_MIN and page_bytes & (page_bytes - 1) == 0
        )
        self.page_bytes = page_bytes if self.has_head else PAGE_BYTES
        log = read_log(wal_of(store), self.page_bytes)
        frames = log.committed() if log else ()
        self.log_is_damaged = log is not None and log.is_damaged
        self._newer = {frame.page: frame.offset for frame in frames}
        self._in_file = os.fstat(self._file.fileno()).st_size // self.page_bytes
        self.count = max([self._in_file, *self._newer])
        told = told if self.has_head and changed == told_at else 0
        self.expected = frames[-1].commit if frames else told

    def __enter__(self) -> "Pages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._log is not None:
            self._log.close()

    def page(self, number: int) -> bytes | None:
        """A page as of the last commit; None where it is cut off, or the disk does not give it."""
        newer = self._newer.get(number)
        at = (number - 1) * self.page_bytes if newer is None else newer
        file = self._file if newer is None or self._log is None else self._log
        try:
            content = os.pread(file.fileno(), self.page_bytes, at)
        except OSError:
            return None
        return content if len(content) == self.page_bytes else None

    def missing(self) -> int:
        """How many pages are cut off."""
        return sum(number not in self._newer for number in range(self._in_file + 1, self.expected + 1))

    def free(self) -> Iterator[int]:
        """Pages that were given back and may still hold what once was in them, as far as they can be told."""
        head = self.page(1) or b""
        _, _, _, _, trunk, left, _ = _HEAD.unpack(head[: _HEAD.size].ljust(_HEAD.size, b"\x00"))
        seen: set[int] = set()
        while trunk and trunk not in seen and left > 0 and (page := self.page(trunk)) is not None:
            seen.add(trunk)
            following, count = struct.unpack_from(">II", page)
            yield trunk
            yield from struct.unpack_from(f">{min(count, self.page_bytes // 4 - 2)}I", page, 8)
            trunk, left = following, left - count - 1
