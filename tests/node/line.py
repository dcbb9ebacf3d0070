"""One node's own line to the ledger, which can be cut."""

from collections.abc import AsyncGenerator

from node.ledger import Answerer, Finding, Ledger, LedgerUnavailableError


class Line:
    """See node.ledger.Ledger for the methods. is_cut: what this node says does not arrive; it still hears."""

    def __init__(self, ledger: Ledger) -> None:
        self.is_cut = False
        self._ledger = ledger

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:
        """See Ledger."""
        if self.is_cut:
            raise LedgerUnavailableError("this node's line is cut")
        return await self._ledger.append(block, message_id, read)

    def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """See Ledger."""
        return self._ledger.read(after)

    async def head(self) -> int:
        """See Ledger."""
        return await self._ledger.head()

    async def ask(self, sp: str, question: bytes) -> bytes:
        """See Ledger."""
        return await self._ledger.ask(sp, question)

    async def answer(self, sp: str, answerer: Answerer) -> None:
        """See Ledger."""
        await self._ledger.answer(sp, answerer)

    async def check(self) -> tuple[Finding, ...]:
        """See Ledger."""
        return await self._ledger.check()
