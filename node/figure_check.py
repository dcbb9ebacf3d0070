"""Figures checked: counted of the store, and of what its archive gives when the contract is replayed.

    await verified(path, network, keys, asked) -> FiguresReport, with its verification

The replay is that of `yakujo audit` (node.auditing), and so are its limits: what these keys do not open, or
what was destroyed, cannot be replayed.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.audit_keys import AuditKeys
from node.audit_report import AuditReport
from node.auditing import audit
from node.figure_counting import FiguresError
from node.figure_report import Asked, report
from node.figures import FiguresReport, Verification
from node.network import Network
from node.progress import Watcher
from node.replica import head

DIFFERING_MAX = 100


async def verified(
    path: Path, network: Network, keys: AuditKeys, asked: Asked, watcher: Watcher = lambda _, __: None
) -> FiguresReport:
    """The figures that the ledger gives, and whether those of the store at `path` are the same.

    Raises FiguresError, SettingsError, StoreError.
    """
    check = _Check(network, asked)
    found = await audit(path, network, keys, watcher, check.compare)
    assert check.replayed is not None, "an audit compares, or raises"
    verification = Verification(
        same=not check.differing and not found.found,
        differing=tuple(check.differing[:DIFFERING_MAX]),
        findings=tuple(one.text for one in found.findings),
        found=found.found,
        not_checked=tuple(_not_checked(network, found)),
    )
    return check.replayed.model_copy(update={"verification": verification})


class _Check:
    """Counts twice. replayed: what the archive gives."""

    def __init__(self, network: Network, asked: Asked) -> None:
        self._network = network
        self._asked = asked
        self.replayed: FiguresReport | None = None
        self.differing: list[str] = []

    def compare(self, stored: sqlite3.Connection, own: sqlite3.Connection) -> None:
        """Count of the store, and of the replay, up to the same position."""
        last = min(head(stored).size, head(own).size) - 1
        asked = self._asked if self._asked.position is not None else replace(self._asked, position=last)
        self.replayed = report(own, self._network, asked)
        try:
            found = report(stored, self._network, asked)
        except FiguresError as error:
            self.differing.append(f"the store cannot be counted: {error}")
            return
        self.differing += differences(found.model_dump(mode="json"), self.replayed.model_dump(mode="json"))


def differences(stored: Any, replayed: Any, name: str = "") -> Iterator[str]:
    """Where two reports, as data, are not the same, in words."""
    if stored == replayed:
        return
    if isinstance(stored, dict) and isinstance(replayed, dict):
        for key in stored:
            yield from differences(stored[key], replayed[key], f"{name}.{key}" if name else key)
    elif isinstance(stored, list) and isinstance(replayed, list) and len(stored) == len(replayed):
        for number, (one, other) in enumerate(zip(stored, replayed, strict=True)):
            yield from differences(one, other, f"{name}[{number}]")
    elif isinstance(stored, list) and isinstance(replayed, list):
        yield f"{name}: {len(stored)} rows by the store, {len(replayed)} by the ledger"
    else:
        yield f"{name}: {stored} by the store, {replayed} by the ledger"


def _not_checked(network: Network, found: AuditReport) -> Iterator[str]:
    yield from found.not_checked
    for one in found.relationships:
        if one.reason:
            parties = (network.by_lei.get(lei) for lei in (one.broker, one.investor))
            names = " and ".join(party.name for party in parties if party is not None)
            yield f"{names}: {one.reason}"
