"""The audit of a whole archive: every block applied anew, and all that a store says compared with the result.

    await audit(path, network, keys) -> AuditReport
    await audit(path, network, keys, watcher, compared)     and what `compared` asks of both stores

Without keys: signatures, numbers, places and faults of the blocks, the tree, the checkpoints, the acts. With
keys, beside that, the contract: every submission, decision, outcome and attestation, and the state. The store
is only read, and may be one on which a node runs. What keys open lies for the time of the audit in the
temporary directory, where this user alone can read it; it takes about as much room as the store itself.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from node.act_records import stored_register
from node.application import Application
from node.audit_grants import Grants
from node.audit_keys import AuditKeys, no_keys
from node.audit_reach import Reaches
from node.audit_replay import Replay
from node.audit_report import AuditNotes, AuditReport, RelationshipAudit
from node.audit_scratch import Scratch, scratch
from node.audit_source import Source, source_at
from node.audit_tables import LEARNED, PUBLIC, READ, Table, differences
from node.compose import application_parts
from node.contract_versions import installed_contracts
from node.deliveries import Deliveries
from node.network import Network
from node.progress import Watcher
from node.register import Register
from node.replica import Head
from node.store import each

_EVERYTHING = 2**63 - 1

Compared = Callable[[sqlite3.Connection, sqlite3.Connection], None]
"""What else is asked of the audited store, as of one moment, and of what its archive gives."""


async def audit(
    path: Path,
    network: Network,
    keys: AuditKeys,
    watcher: Watcher = lambda _, __: None,
    compared: Compared = lambda _, __: None,
) -> AuditReport:
    """Audit the store at `path`. watcher: told the sequence reached, and the last.

    Raises SettingsError and StoreError where it cannot be read, and is of no other use then.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        source = stack.enter_context(source_at(path, network))
        own = stack.enter_context(scratch())
        run = _Audit(network, source, own, keys)
        head = await run.replay(watcher)
        replayed = time.monotonic() - began
        relationships = run.compare()
        compared(source.connection, own.connection)
    seconds = time.monotonic() - began
    return AuditReport(
        archive=str(path),
        network=network.name,
        network_id=network.id.hex(),
        keys=keys.told,
        sequence=head.sequence,
        size=head.size,
        root=head.root,
        seconds=round(seconds, 3),
        entries_per_second=round(head.size / max(replayed, 0.001)),
        entries=dict(run.notes.entries),
        checked=dict(run.notes.checked),
        passed_over=dict(sorted(run.notes.passed_over.items())),
        relationships=tuple(relationships),
        not_checked=tuple(run.notes.not_checked),
        findings=tuple(run.notes.findings),
        found=run.notes.found,
    )


class _Audit:
    def __init__(self, network: Network, source: Source, into: Scratch, keys: AuditKeys) -> None:
        self.notes = AuditNotes()
        self._source = source
        self._scratch = into
        self._keys = keys
        self._register = Register(network)
        self._parts = application_parts(keys.sp, self._register, keys.ring, Deliveries(keys.sp, {}))
        self._grants: Grants | None = None
        self._limit: int | None = None

    async def replay(self, watcher: Watcher) -> Head:
        """Apply all blocks anew, and compare what is noted of each."""
        if self._keys.are_granted:
            register = stored_register(self._source.connection, self._register.genesis)
            self._grants = Grants(self._source, register, self._keys.ring.keys)
            self._grants.put_into(self._scratch.connection)
        application = Application(self._parts)
        application.learn_stored(self._scratch.connection)
        if self._keys.are_granted:
            self._keys.ring.keys = no_keys().ring.keys  # all that they open is open
        run = Replay(self._source, self._scratch, self.notes, watcher)
        head = await run.run(application)
        self._limit = run.limit
        return head

    def compare(self) -> list[RelationshipAudit]:
        """Compare all other tables; how far the contract was replayed."""
        for table in PUBLIC:
            self._compare(table)
        self._judge_checkpoints()
        stored, own = self._source.connection, self._scratch.connection
        if not self._opens:
            self.notes.not_checked.append(
                "what is sealed: no contract can be replayed without keys to open it"
            )
            return []
        by_relationship = self._grants.by_relationship if self._grants is not None else {}
        reaches = Reaches(stored, own, self._keys, self._register, self._parts.secrets, by_relationship)
        for table in (*(LEARNED if self._keys.is_own else ()), *READ):
            self._compare(table, reaches)
        if self._grants is not None:
            self._grants.compare_beyond(self._source, self.notes)
        self._judge_attestations(reaches)
        self._judge_contract()
        if hidden := reaches.unknown["submissions"]:
            self.notes.not_checked.append(f"{hidden} submissions under secrets that these keys do not open")
        return reaches.told()

    @property
    def _opens(self) -> bool:
        """Whether there is something to compare: a node without keys must have read nothing, too."""
        return self._keys.is_own or self._keys.open_something or self._keys.are_granted

    @property
    def _end(self) -> int:
        """The position before which the replay is what the ledger gives."""
        return _EVERYTHING if self._limit is None else self._limit

    def _compare(self, table: Table, reaches: Reaches | None = None) -> None:
        stored, own = self._source.connection, self._scratch.connection
        for pair in differences(stored, own, table, self._limit, self.notes.checked):
            if reaches is None or reaches.must_be_equal(table, pair):
                position = pair.row.get("position")
                text = f"{table.row.format(**pair.row)}: {pair.difference()}"
                self.notes.find(table.name, text, position=position)

    def _judge_checkpoints(self) -> None:
        """A member that has signed another ledger, or another state, than its archive gives."""
        query = (
            "SELECT position, sp, size FROM checkpoint WHERE agrees = 0 AND position < ? ORDER BY position"
        )
        for position, sp, size in each(self._scratch.connection, query, self._end):
            text = f"{sp} has signed another ledger than this one at size {size}"
            self.notes.find("checkpoint", text, position=position)

    def _judge_attestations(self, reaches: Reaches) -> None:
        """A node that came to something else than the replay."""
        query = (
            "SELECT position, key_id, sp, attested.contract FROM attested JOIN decided USING (position)"
            " WHERE attested.digest <> decided.digest AND position < ? ORDER BY position, sp"
        )
        for position, key_id, sp, contract in each(self._scratch.connection, query, self._end):
            if not reaches.can_judge(key_id, position):
                continue
            text = f"{sp} has attested another decision than the replay gives, with contract {contract}"
            self.notes.find("attested", text, position=position)

    def _judge_contract(self) -> None:
        """Say so where the store's outcomes are another contract's: they must differ then."""
        if not {"decided", "outcome", "attested"} & {one.subject for one in self.notes.findings}:
            return
        query = "SELECT DISTINCT contract FROM decided ORDER BY contract LIMIT 10"
        for (contract,) in each(self._source.connection, query):
            if contract not in installed_contracts():
                self.notes.not_checked.append(
                    f"outcomes of contract {contract}, which this program does not have: they can be replayed"
                    " by a release that has it"
                )
