"""A state that is measured, in a process of its own, as a node has one: no other is in its way."""

import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from node.bench.market import Market
from node.bench.matching_report import StateFigures
from node.bench.open_state import OpenState, open_state, plaintexts
from node.collector import rare_collections


class StateProcess:
    """A store in which so many funds are open, and the contract on it. Use as a context manager.

    described: how the store was found once it was filled.
    """

    def __init__(self, path: Path, open_funds: int) -> None:
        spawned = multiprocessing.get_context("spawn")  # it inherits nothing
        self._process = ProcessPoolExecutor(1, spawned)
        self._asked = (path, open_funds)
        self.described: StateFigures

    def __enter__(self) -> Self:
        self.described = self._process.submit(_open, *self._asked).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.submit(_close)
        self._process.shutdown()

    def match(self, funds: int, trades: int) -> tuple[int, dict[str, float], float]:
        """Have both sides speak of so many new trades of so many funds: as OpenState.match.

        Also the processor seconds that plain JSON takes for the same bytes.
        """
        return self._process.submit(_match, funds, trades).result()


# Of the process that has the state.
_opened = ExitStack()
_states: list[tuple[OpenState, Market]] = []


def _open(path: Path, funds: int) -> StateFigures:
    _opened.enter_context(rare_collections())
    state, described = _opened.enter_context(open_state(path, funds))
    _states.append((state, Market(1)))
    return described


def _match(funds: int, trades: int) -> tuple[int, dict[str, float], float]:
    ((state, market),) = _states
    said = plaintexts(market, [market.trade(funds) for _ in range(trades)])
    matched, took = state.match(said)
    began = time.thread_time()
    for plaintext in said:
        json.loads(plaintext)
    return matched, took, time.thread_time() - began


def _close() -> None:
    _opened.close()
