"""The scenario is data: for each block what each side sends, and what each side must hear.

A seed gives the same bytes each time. What is sent is what the firms' own systems would send; what must be
heard follows from the figures that each side has, and from nothing that a node says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from node.demo.figures import Differences, Figures

UNKNOWN = "UNKNOWN"
"""What an answer calls a message whose reference could not be read."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What a client sends at once: a FIX message, or a file.

    name: of the file; for FIX its delivery id.
    """

    client: str
    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """All that a client must hear about one of its references.

    received: how often it is told that a message was received. refusals: for each refusal, what its problems
    must name. final: the status at the end: "matched", "mismatched", "cancelled", or "" where none is due.
    differences: exactly what must be told as different. passing: a mismatch on the way is in order.
    """

    client: str
    reference: str
    received: int = 1
    refusals: tuple[tuple[str, ...], ...] = ()
    final: str = ""
    differences: Differences = field(default_factory=dict)
    passing: bool = False


@dataclass(slots=True)
class Block:
    """One block of the scenario.

    story: what happens: "matched", "mismatched", "refused", "duplicate", "cancelled", "replaced".
    affirms: what asset manager C answers to the broker's confirmations, by their references.
    figures: what each side has said, for the proof that only the two sides can read it.
    """

    number: int
    client: str
    story: str
    detail: str = ""
    sendings: list[Sending] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    affirms: dict[str, bool] = field(default_factory=dict)
    figures: list[Figures] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scenario:
    """All blocks, in the order in which they are played."""

    blocks: tuple[Block, ...]

    def sendings(self, client: str) -> Iterator[Sending]:
        """What one client sends, in order."""
        for block in self.blocks:
            yield from (sending for sending in block.sendings if sending.client == client)

    @property
    def expected(self) -> dict[tuple[str, str], Expected]:
        """What must be heard, by client and reference."""
        found: dict[tuple[str, str], Expected] = {}
        for expected in (e for block in self.blocks for e in block.expected):
            key = (expected.client, expected.reference)
            # Several messages whose reference nobody could read share one.
            earlier = found[key].refusals if key in found else ()
            found[key] = replace(expected, refusals=(*earlier, *expected.refusals))
        return found
