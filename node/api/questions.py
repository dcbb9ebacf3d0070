"""Questions to the store beside the loop and the writer: few at once, and none for long."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from adapters.http_call import refused
from node.inspection import View
from node.network import Network
from node.settings import NodeSettings
from node.store import STORE_FILE, read_store

Answer = TypeVar("Answer")
STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's machine: about a millisecond
WAITING_MAX = 32


class Questions:
    """Answers questions on threads of its own. Use with `with`: none goes on after its end.

    at_once: how many. seconds_max: what a question may take on its thread.
    """

    def __init__(self, settings: NodeSettings, network: Network, at_once: int, seconds_max: float) -> None:
        self._settings = settings
        self._network = network
        self._seconds_max = seconds_max
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="question")
        self._waiting = 0
        self._is_ending = False

    def __enter__(self) -> "Questions":
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def ask(self, question: Callable[[View], Answer]) -> Answer:
        """What `question` finds, as of one moment. Raises RefusedError where it takes too long."""
        if self._waiting >= WAITING_MAX:
            raise refused(503, "too much is asked now: ask again later", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)
        finally:
            self._waiting -= 1

    def _answer(self, question: Callable[[View], Answer]) -> Answer:
        deadline = time.monotonic() + self._seconds_max

        def is_over() -> bool:
            return self._is_ending or time.monotonic() > deadline

        with closing(read_store(self._settings.data_folder / STORE_FILE)) as connection:
            connection.set_progress_handler(is_over, STEPS_BETWEEN_LOOKS)
            connection.execute("BEGIN")
            try:
                return question(View(self._settings, self._network, connection))
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                    raise
                text = f"this takes longer than {self._seconds_max:g} s: ask for less, or later"
                raise refused(503, text, headers={"Retry-After": "5"}) from None
