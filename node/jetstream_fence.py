"""A node publishes nothing before it has read all that it has published before, in this life or another.

How far the ledger goes is told by one server, and one that has just lost its data may say that it is empty.
So the first block of a life is put in order only where the last of this node's blocks on the ledger is one
that it has read: most of the servers judge that, as they put it in order.
"""

from node.jetstream_errors import ApiError
from node.jetstream_near import Api
from node.ledger import LedgerUnavailableError

_MESSAGE_NOT_FOUND = 10037  # an error code of the JetStream API


class Fence:
    """Stands until a first block is in order. api: asks the JetStream API."""

    def __init__(self, stream: str, subject: str, api: Api) -> None:
        self._ask = f"STREAM.MSG.GET.{stream}"
        self._subject = subject
        self._api = api
        self._stands = True

    async def condition(self, read: int | None) -> dict[str, str]:
        """The headers by which a block is put in order only if nothing of this node's stands after `read`.

        None at all where they are not needed any more, or nobody asks for it. Raises LedgerUnavailableError
        where it is known already that something does.
        """
        if read is None or not self._stands:
            return {}
        last = await self._last()
        if last > read:
            text = f"the ledger has a block of this node's at sequence {last}, it has read as far as {read}"
            raise LedgerUnavailableError(text)
        return {"Nats-Expected-Last-Subject-Sequence": str(last)}

    def passed(self, sequence: int) -> int:
        """A block of this life is in order, at `sequence`, which is given back: the fence stands no more.

        Whoever publishes beside this node from now on is found out by the number of its block.
        """
        self._stands = False
        return sequence

    async def _last(self) -> int:
        """The sequence of the last block that this node has published; 0 where there is none."""
        try:
            found = await self._api(self._ask, {"last_by_subj": self._subject})
        except ApiError as error:
            if error.code != _MESSAGE_NOT_FOUND:
                raise
            return 0
        return int(found["message"]["seq"])
