"""Whether a node decides what comes, or waits for a contract: as its store has it, for status and trace."""

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from node.act_votes import ActivateContract
from node.act_words import short_contract
from node.contract_history import ContractHistory
from node.contract_versions import installed_contracts
from node.deferral import MISSING, STOPPED, lacking_if_decided, lacking_soon
from node.register import Register
from node.store import each


class NodeState(StrEnum):
    """What a node does, in one word, for monitoring."""

    RUNNING = "running"
    NOT_RUNNING = "not_running"
    LACKS_CONTRACT = "lacks_contract"  # it archives and signs, and decides nothing until it has the contract
    CONTRACTS_STOPPED = "contracts_stopped"  # by vote: no node decides anything


class ContractWait(BaseModel):
    """What is not decided, and why. contract: the id that this node lacks; None where members stopped all.

    since: from which position on that contract judges, or nothing is decided. submissions: how many wait.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: str | None
    since: int
    submissions: int

    @property
    def text(self) -> str:
        """What the node waits for, in words."""
        if self.contract is None:
            return f"members have stopped contracts: nothing is decided from position {self.since} on"
        name = short_contract(self.contract)
        return f"this node lacks contract {name}, which judges from position {self.since} on"


def contract_wait(connection: sqlite3.Connection, history: ContractHistory, size: int) -> ContractWait | None:
    """What a node with this store waits for, by its own last word; None where it decides what comes."""
    raised = {key for (key,) in each(connection, "SELECT key FROM alarm WHERE cleared IS NULL")}
    count, first = connection.execute(
        "SELECT COUNT(key_id), MIN(position) FROM deferred WHERE key_id IS NOT NULL"
    ).fetchone()
    if MISSING in raised:
        chosen = history.at(size if first is None else first)
        return ContractWait(contract=chosen.contract, since=chosen.since, submissions=count)
    if STOPPED in raised:
        return ContractWait(contract=None, since=history.at(size).since, submissions=count)
    return None


def state_of(waits: ContractWait | None, *, running: bool) -> NodeState:
    """The state of a node in one word: what is missing beside it, first."""
    if not running:
        return NodeState.NOT_RUNNING
    if waits is None:
        return NodeState.RUNNING
    return NodeState.LACKS_CONTRACT if waits.contract is not None else NodeState.CONTRACTS_STOPPED


def contract_findings(register: Register, size: int) -> Iterator[str]:
    """What a person is told of contracts that were chosen for later, or are voted on."""
    later = any(chosen.since > size for chosen in register.contracts.all)
    if later or any(isinstance(proposal.act, ActivateContract) for proposal in register.proposals.open):
        installed = installed_contracts()  # else nobody need read the sources
        yield from lacking_soon(register.contracts, installed, size)
        yield from lacking_if_decided(register.proposals, installed)
