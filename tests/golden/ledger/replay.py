"""Replay a recorded ledger under a version of a contract: one digest a line of what it decides.

    python replay.py matching/1

It needs nothing but the canonical package: any interpreter that has pydantic and python-stdnum can run it.
"""

import hashlib
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from canonical.base import Canonical
from canonical.calendar import Calendar
from canonical.contracts import CONTRACTS
from canonical.contracts.state import Decision, Entry
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.rules import Rules
from canonical.submission import SUBMISSION

MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=timezone(timedelta(hours=9)))  # in Tokyo
CALENDAR = Calendar(
    name="JPX",
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    closed=(date(2026, 11, 3), date(2026, 11, 23)),
)
ENTRIES = Path(__file__).with_name("entries.jsonl")


def decisions(contract: str) -> list[str]:
    """What `contract` decides on each recorded entry, 64 hexadecimal digits each."""
    state: dict[str, Canonical] = {}
    found = []
    for position, line in enumerate(ENTRIES.read_bytes().splitlines()):
        time = MORNING + timedelta(minutes=3 * position)
        entry = Entry(position, from_canonical_bytes(SUBMISSION, line), time, (CALENDAR,))
        decision = CONTRACTS[contract](state.get, entry, Rules(), contract)
        for key, record in decision.changes.items():
            if record is None:
                state.pop(key, None)
            else:
                state[key] = record
        found.append(_digest(decision))
    return found


def _digest(decision: Decision) -> str:
    told = hashlib.sha256()
    for outcome in decision.outcomes:
        told.update(canonical_bytes(outcome) + b"\n")
    for key, record in sorted(decision.changes.items()):
        told.update(f"{key} {record.model_dump_json() if record is not None else ''}\n".encode())
    return told.hexdigest()


if __name__ == "__main__":
    sys.stdout.write("\n".join(decisions(sys.argv[1])) + "\n")
