"""SQLite's write-ahead log, read without SQLite, which passes over all that follows a broken frame, silently.

A frame that was not yet on disk when the power failed looks just like one that has rotted. Only the last
transaction can be of the first kind, since every one is on disk before the next begins: a broken frame in an
earlier one is damage, and what follows it was acknowledged. Layout: https://www.sqlite.org/fileformat2.html,
section 4.
"""

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_HEAD, _FRAME_HEAD = struct.Struct(">8I"), struct.Struct(">6I")
_LITTLE_ENDIAN_SUMS, _BIG_ENDIAN_SUMS = 0x377F0682, 0x377F0683
_WORD = 0xFFFFFFFF

Sums = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """A page as a transaction left it. commit: pages of the whole store after it, 0 within a transaction.

    offset: of the page's bytes in the log. is_whole: as it was written, by its sum and the one before.
    """

    page: int
    commit: int
    offset: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Log:
    """The frames since the log was last begun anew."""

    has_whole_head: bool
    frames: tuple[Frame, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether SQLite would pass over transactions that were committed."""
        if not self.has_whole_head:
            return bool(self.frames)
        broken = next((n for n, frame in enumerate(self.frames) if not frame.is_whole), len(self.frames))
        ends = (n for n, frame in enumerate(self.frames) if n >= broken and frame.commit)
        end = next(ends, len(self.frames))
        return any(frame.is_whole for frame in self.frames[end + 1 :])

    def committed(self) -> tuple[Frame, ...]:
        """What belongs to the store: up to the last commit that SQLite takes; all of a damaged log."""
        frames = self.frames
        if not self.is_damaged:
            broken = next((n for n, frame in enumerate(frames) if not frame.is_whole), len(frames))
            frames = frames[:broken]
        last = next((n for n in range(len(frames), 0, -1) if frames[n - 1].commit), 0)
        return frames[:last]


def read_log(path: Path, page_size: int) -> Log | None:
    """The log in `path`, of a store with such pages; None where it holds nothing. Raises OSError."""
    if not path.exists() or path.stat().st_size < _HEAD.size:
        return None
    content = memoryview(path.read_bytes())
    magic, _, size, _, *salts, one, other = _HEAD.unpack_from(content)
    order = ">" if magic == _BIG_ENDIAN_SUMS else "<"
    has_whole_head = (
        magic in (_LITTLE_ENDIAN_SUMS, _BIG_ENDIAN_SUMS)
        and size == page_size
        and (one, other) == _summed(content[:24], (0, 0), order)
    )
    known = (salts[0], salts[1]) if has_whole_head else None
    return Log(has_whole_head, _frames(content, page_size, known, (one, other), order))


def _frames(
    content: memoryview, page_size: int, salts: Sums | None, sums: Sums, order: str
) -> tuple[Frame, ...]:
    """All frames up to the last one of this beginning, whose salts tell it from older ones behind it.

    salts: as a whole head has them, also where a node was killed before it wrote the first frame behind a new
    head: what follows is then older, and in the store already. None for a broken head: most frames know them.
    """
    step = _FRAME_HEAD.size + page_size
    starts = range(_HEAD.size, len(content) - step + 1, step)
    heads = [_FRAME_HEAD.unpack_from(content, start) for start in starts]
    if salts is None and heads:
        salts = Counter((head[2], head[3]) for head in heads[:3]).most_common(1)[0][0]  # one may be broken
    own = [n for n, head in enumerate(heads) if (head[2], head[3]) == salts]
    frames = []
    for start, head in zip(starts[: own[-1] + 1] if own else (), heads, strict=False):
        body = start + _FRAME_HEAD.size
        sums = _summed(content[start : start + 8], sums, order)
        sums = _summed(content[body : body + page_size], sums, order)
        is_whole = sums == (head[4], head[5]) and (head[2], head[3]) == salts
        frames.append(Frame(page=head[0], commit=head[1], offset=body, is_whole=is_whole))
        sums = (head[4], head[5])  # so that what follows a broken frame can be judged by itself
    return tuple(frames)


def _summed(data: memoryview, sums: Sums, order: str) -> Sums:
    """SQLite's checksum of `data`, going on from `sums`; some 20 ms per MB."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second
