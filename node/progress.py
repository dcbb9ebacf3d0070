"""How fast a node catches up: told in the log, and to whoever watches."""

import time
from collections.abc import Callable

import structlog

SHOWN_EVERY_SECONDS = 2.0
WORTH_TELLING_BLOCKS = 100

log = structlog.get_logger(__name__)

Watcher = Callable[[int, int], None]
"""Told the sequence reached and the one to reach."""


class Progress:
    """The way from where a node was to where the ledger is. watcher: told of each step."""

    def __init__(self, watcher: Watcher = lambda _, __: None) -> None:
        self._watcher = watcher
        self._start = self._target = 0
        self._began = self._shown = 0.0

    def begin(self, start: int, target: int) -> None:
        """Sequences from `start` to `target` are to be applied."""
        self._start, self._target = start, target
        self._began = self._shown = time.monotonic()
        self._watcher(start, target)
        if target - start >= WORTH_TELLING_BLOCKS:
            log.info("catching up", blocks=target - start)

    def note(self, sequence: int) -> None:
        """All up to `sequence` is applied."""
        if sequence > self._target:
            return
        self._watcher(sequence, self._target)
        now = time.monotonic()
        if now - self._shown >= SHOWN_EVERY_SECONDS:
            self._shown = now
            rate = (sequence - self._start) / (now - self._began)
            left = self._target - sequence
            log.info(
                "catching up",
                blocks_left=left,
                blocks_per_second=round(rate),
                seconds_left=round(left / rate),
            )

    def end(self, sequence: int) -> None:
        """The ledger is reached."""
        blocks = sequence - self._start
        if blocks >= WORTH_TELLING_BLOCKS:
            seconds = time.monotonic() - self._began
            log.info(
                "caught up",
                blocks=blocks,
                seconds=round(seconds, 1),
                blocks_per_second=round(blocks / seconds),
            )
