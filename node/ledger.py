"""What a node asks of the engine that orders blocks, so that the engine can be another one.

    await ledger.append(block, message_id) -> sequence      async for sequence, block in ledger.read(after)

The engine gives one order to all nodes, and nothing more is believed of it: nodes check each block, keep
their own copy, and stop at a gap. node.jetstream is the engine in production; node.memory_ledger, with the
same semantics, serves tests and simulations.

    LedgerError
    ├── LedgerUnavailableError   no answer in time: try the same again, nothing is lost by it
    ├── LedgerGapError           the engine has forgotten blocks: stop applying
    └── LedgerRefusedError       its settings would lose blocks: a person must mend them first
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class LedgerError(Exception):
    """The engine did not do what was asked of it."""


class LedgerUnavailableError(LedgerError):
    """No answer, leader or connection. The block may or may not be ordered; append it again, the same."""


class LedgerGapError(LedgerError):
    """The engine skips or has lost sequences that it had acknowledged."""

    def __init__(self, expected: int, seen: int) -> None:
        super().__init__(
            f"the ledger has a gap: expected sequence {expected}, saw {seen}; this node stops applying. "
            "Its server lacks blocks that others hold: have it resynchronised from its peers, then restart"
        )
        self.expected = expected
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the engine's settings. text: what is wrong and what to do. refuse: too bad to run."""

    text: str
    refuse: bool = True

    def __str__(self) -> str:
        return self.text


class LedgerRefusedError(LedgerError):
    """The engine's settings would let it lose or alter blocks. findings: every reason."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        listed = "".join(f"\n- {finding}" for finding in findings)
        super().__init__(f"this ledger cannot be used:{listed}")
        self.findings = tuple(findings)


Answerer = Callable[[bytes], Awaitable[bytes]]


class Ledger(Protocol):
    """An ordered, replicated list of blocks. Sequences count from 1, without gaps, alike at every node."""

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:
        """Put `block` at the end; its sequence, once a majority has it on disk, else LedgerUnavailableError.

        message_id: the same for the same block. Appending again is harmless: the engine drops a copy that it
        still remembers, and nodes pass over one that it does not. read: how far its author has read; the
        first block that it appends is not taken where another one of its own stands after that.
        """
        ...

    def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """The blocks after sequence `after` in order, then each new one as it comes; it never ends by itself.

        Carries on through lost connections and changes of leader. Raises LedgerGapError where the next
        sequence is not there. Close it (contextlib.aclosing) when done.
        """
        ...

    async def head(self) -> int:
        """The last sequence, 0 if there is none, else LedgerUnavailableError."""
        ...

    async def ask(self, sp: str, question: bytes) -> bytes:
        """What another member's node answers now, else LedgerUnavailableError. Nothing of it is ordered."""
        ...

    async def answer(self, sp: str, answerer: Answerer) -> None:
        """Answer what other members' nodes ask `sp`, this node, until cancelled."""
        ...

    async def check(self) -> tuple[Finding, ...]:
        """What is wrong with the settings of stream and server now; empty when all is well."""
        ...
