"""One event that is told on to several loops."""

import asyncio


class Both(asyncio.Event):
    """One event for whoever changes the store, told on to both loops that work it off."""

    def __init__(self, *others: asyncio.Event) -> None:
        super().__init__()
        self._others = others

    def set(self) -> None:
        """Wake all."""
        for other in self._others:
            other.set()
