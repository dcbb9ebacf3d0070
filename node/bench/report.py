"""What a measurement is asked for and what it finds. Figures are named with their unit last."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# The steps of a message's way, first to last, and what each holds.
STEPS = {
    "raw_store": "raw message stored; waiting ones read from the store",
    "decode": "FIX text to fields, checked",
    "mapping": "fields to canonical messages, validated",
    "canonical_bytes": "names looked up in master data; canonical bytes",
    "outbox": "message and origin written to the store",
    "seal": "sealed for both sides; entry encoded",
    "block_sign": "block filled from the outbox and signed",
    "block_verify": "block's signature and digest checked",
    "archive": "block archived",
    "tree": "entries put into the Merkle tree; its root",
    "state_digest": "digest of what is public beside the entries",
    "open": "entry decoded and opened; its message stored",
    "validate": "message validated again; byte form checked",
    "contract": "pairing, comparison, results",
    "state_store": "contracts' state, references and outcomes written",
    "attest": "decision digested, kept and attested",
    "compare": "attestations checked and compared",
    "release": "results read again and turned into answers",
    "rendering": "answers mapped and written as FIX",
    "delivery": "answers queued, taken and marked as delivered",
    "checkpoint": "checkpoints signed and compared",
    "commit": "transactions: begin, savepoints, commit",
    "other": "event loop, NATS client, threads",
}


class Figures(BaseModel):
    """Base of all figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BenchOptions(Figures):
    """What to measure.

    messages: in one run, half of them the broker's. runs: of which the median is told. members: of the
    network, all on this machine; the first one's node is measured. folder: where to keep the files meanwhile;
    None for the system's temporary folder, whose disk is then what is measured.
    quick: a few messages in one run, to see that it works.
    """

    messages: Annotated[int, Field(ge=2, le=100_000)] = 500
    runs: Annotated[int, Field(ge=1, le=100)] = 5
    members: Literal[1, 3] = 1
    folder: Path | None = None
    quick: bool = False


class EndToEnd(Figures):
    """From raw FIX to native result. spread: the fastest run less the slowest, of the median."""

    end_to_end_messages_per_second: float
    end_to_end_slowest_messages_per_second: float
    end_to_end_fastest_messages_per_second: float
    end_to_end_spread_percent: float
    end_to_end_processor_microseconds: float
    end_to_end_messages_per_block: float
    end_to_end_entries_per_block: float


class Shares(Figures):
    """Each step's share of the processor time that one message takes, and that time."""

    share_of_raw_store_percent: float
    share_of_decode_percent: float
    share_of_mapping_percent: float
    share_of_canonical_bytes_percent: float
    share_of_outbox_percent: float
    share_of_seal_percent: float
    share_of_block_sign_percent: float
    share_of_block_verify_percent: float
    share_of_archive_percent: float
    share_of_tree_percent: float
    share_of_state_digest_percent: float
    share_of_open_percent: float
    share_of_validate_percent: float
    share_of_contract_percent: float
    share_of_state_store_percent: float
    share_of_attest_percent: float
    share_of_compare_percent: float
    share_of_release_percent: float
    share_of_rendering_percent: float
    share_of_delivery_percent: float
    share_of_checkpoint_percent: float
    share_of_commit_percent: float
    share_of_other_percent: float
    timed_processor_microseconds: float
    publish_and_read_back_milliseconds: float
    publish_and_read_back_of_time_percent: float


class Limits(Figures):
    """What the libraries and the machine below allow, measured in the same run."""

    plain_quickfix_parse_messages_per_second: float
    plain_quickfix_parse_microseconds: float
    fix_to_canonical_microseconds: float
    seal_sign_verify_open_microseconds: float
    plain_nats_one_by_one_messages_per_second: float
    plain_nats_in_blocks_messages_per_second: float
    plain_sqlite_one_by_one_messages_per_second: float
    plain_sqlite_in_groups_messages_per_second: float


class Ratios(Figures):
    """Our own figures beside the limits."""

    fix_to_canonical_to_plain_quickfix_ratio: float
    end_to_end_to_plain_quickfix_ratio: float
    end_to_end_to_plain_nats_one_by_one_ratio: float
    end_to_end_to_plain_nats_in_blocks_ratio: float
    end_to_end_to_plain_sqlite_one_by_one_ratio: float
    end_to_end_to_plain_sqlite_in_groups_ratio: float


class BenchReport(Ratios, Limits, Shares, EndToEnd):
    """All of it. measured: on what; not_measured: what a client sees besides."""

    measured: str
    not_measured: str
    members: int
    runs: int
    messages_per_run: int
    funds_per_message: int
    bytes_per_message: int
    bytes_per_entry: int
    seconds: float
