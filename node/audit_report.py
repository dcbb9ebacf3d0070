"""What an audit has checked, what it could not check, and what it found, as it is printed and kept."""

from collections import Counter

from pydantic import BaseModel, ConfigDict

FINDINGS_MAX = 100  # of one subject: the first ones say what has happened


class Told(BaseModel):
    """Base of what is told: plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AuditFinding(Told):
    """Something that is not as it must be. sequence: of the block; position: of the entry; None for neither.

    subject: "block", "tree", or the table of the store.
    """

    subject: str
    sequence: int | None
    position: int | None
    text: str


class RelationshipAudit(Told):
    """How far the contract was replayed for a relationship. broker, investor: LEIs.

    replayed: whole, in part, or not at all. reason: why not all of it, empty where it is whole.
    """

    broker: str
    investor: str
    replayed: str
    reason: str


class AuditReport(Told):
    """What was checked and found.

    network_id, root: hexadecimal. keys: whose. sequence, size, root: up to where the archive was applied
    anew, and the root of the tree over its entries. entries: by kind. checked: how many of what were found
    right. passed_over: blocks that do not count, by their fault. not_checked: sentences. findings: at most
    100 of each subject; found: how many in all.
    """

    archive: str
    network: str
    network_id: str
    keys: str
    sequence: int
    size: int
    root: str
    seconds: float
    entries_per_second: int
    entries: dict[str, int]
    checked: dict[str, int]
    passed_over: dict[str, int]
    relationships: tuple[RelationshipAudit, ...]
    not_checked: tuple[str, ...]
    findings: tuple[AuditFinding, ...]
    found: int


class AuditNotes:
    """What an audit notes while it goes on. entries, checked, passed_over: counts by what."""

    def __init__(self) -> None:
        self.entries: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self.passed_over: Counter[str] = Counter()
        self.not_checked: list[str] = []
        self.findings: list[AuditFinding] = []
        self._found: Counter[str] = Counter()

    @property
    def found(self) -> int:
        """How many findings there are, with those beyond the limit."""
        return self._found.total()

    def find(
        self, subject: str, text: str, *, sequence: int | None = None, position: int | None = None
    ) -> None:
        """Note a finding; beyond the first 100 of a subject, that there is one more."""
        self._found[subject] += 1
        if self._found[subject] <= FINDINGS_MAX:
            self.findings.append(
                AuditFinding(subject=subject, sequence=sequence, position=position, text=text)
            )
