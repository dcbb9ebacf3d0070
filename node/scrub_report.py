"""What a scrub found, as it is kept and shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

FINDINGS_MAX = 1_000


class ScrubFinding(BaseModel):
    """Something that is not as it should be. sequence: of the block, None where it is about no block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int | None
    text: str


class ScrubReport(BaseModel):
    """What a scrub has read and found.

    blocks, entries, bytes: of the archive. messages: raw messages of clients. findings: at most 1,000;
    found: how many in all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    began: datetime
    seconds: float
    blocks: int
    entries: int
    bytes: int
    messages: int
    findings: tuple[ScrubFinding, ...]
    found: int
