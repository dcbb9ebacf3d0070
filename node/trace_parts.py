"""What a trace is made of: plain data, as `yakujo trace --json` prints it."""

from datetime import datetime

from canonical.result import Receipt, Rejection, Result
from canonical.submission import Submission
from node.contract_wait import ContractWait
from node.inspection import Shown
from node.trades import TradeRow


class Arrived(Shown):
    """A raw message. text: as a person reads it; whole: whether that is all of its bytes."""

    id: int
    client: str
    origin: str
    received: datetime
    state: str
    digest: str
    bytes: int
    text: str
    whole: bool


class Place(Shown):
    """Where an entry stands. sequence: of its block; seq: the block's number among those of its SP.

    corrected: by what both sides have agreed that something else holds instead, in words.
    """

    position: int
    sequence: int | None
    sp: str | None
    seq: int | None
    time: datetime | None
    corrected: tuple[str, ...] = ()


class Delivered(Shown):
    """An answer or a copy. delivered: when the client's transport took it; None while it waits."""

    id: str
    client: str
    kind: str
    status: str
    queued: datetime
    delivered: datetime | None
    bytes: int
    text: str
    whole: bool


class Said(Shown):
    """One submission: from its raw bytes to the contract's word on it, and what was written because of it.

    arrivals: none where it came in at another SP. canonical, place, entry: None where it did not reach the
    ledger. fault: why nodes passed over it. entry: the contract's receipt or rejection.
    """

    source: str
    sender: str
    arrivals: tuple[Arrived, ...]
    canonical: Submission | None
    place: Place | None
    fault: str | None
    entry: Receipt | Rejection | None
    deliveries: tuple[Delivered, ...]


class Trace(Shown):
    """All there is about what was asked for, each part in order of time.

    waits: for which contract this node waits, so that what came since is not decided yet.
    """

    asked: str
    trades: tuple[TradeRow, ...]
    messages: tuple[Said, ...]
    results: tuple[Result, ...]
    waits: ContractWait | None = None
