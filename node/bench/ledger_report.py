"""What a measurement of the ledger is asked for and what it finds. Figures are named with their unit last."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from node.bench.report import Figures

TO_PLAIN_RATIO_MIN = 0.6  # at HELD_AT entries in a block
HELD_AT = 100
SEAL_AND_OPEN_MICROSECONDS_MAX = 60.0


class LedgerOptions(Figures):
    """What to measure.

    rounds: in each of them all sizes, ours and plain nats in turn. members: servers of the cluster, all on
    this machine. folder: where to keep the files meanwhile; None for the system's temporary folder, whose
    disk is then what is measured. quick: one round of a few blocks, to see that it works.
    """

    rounds: Annotated[int, Field(ge=1, le=100)] = 5
    members: Literal[1, 3] = 3
    folder: Path | None = None
    quick: bool = False


class BlockFigures(Figures):
    """Blocks of one size, beside plain nats with as many messages in flight.

    Rates and ratio: the median of the rounds, lowest and highest of one round. p50, p99: of all blocks.
    bytes_per_entry: the mean.
    """

    entries_per_block: int
    bytes_per_entry: int
    blocks: int
    ledger_entries_per_second: float
    block_p50_milliseconds: float
    block_p99_milliseconds: float
    plain_nats_entries_per_second: float
    ledger_to_plain_nats_ratio: float
    lowest_ledger_to_plain_nats_ratio: float
    highest_ledger_to_plain_nats_ratio: float


class PartFigures(Figures):
    """Processor time for one entry: the median of the rounds, lowest and highest."""

    median_microseconds: float
    lowest_microseconds: float
    highest_microseconds: float


class LedgerReport(Figures):
    """All of it. load_average: processes that wanted a processor in the last minute, before and after.

    parts: by the names in node.bench.pure.PARTS and SUMS. batch: entries in a block, or in an attestation,
    of which a part is a share.
    """

    measured: str
    not_measured: str
    members: int
    rounds: int
    processors: int
    load_average: tuple[float, float]
    sizes: tuple[BlockFigures, ...]
    batch: int
    parts: Mapping[str, PartFigures]
    seconds: float
