"""Whatever somebody changes in a store is found by the audit, and named: one change of each kind."""

from pathlib import Path

import pytest
from audits import altered, audited, own, rows, stores

from node.audit_report import AuditReport

# What somebody changes in the store of sp1, all at once: a statement, the finding's subject, what it says.
# Each of the :blocks counts, each of the :positions has a submission.
CHANGES = {
    "a fault made up": (
        "UPDATE archive SET fault = 'repeated' WHERE sequence = :block0",
        "block",
        "the store says that it was passed over as 'repeated'; by the rules it counts",
    ),
    "a fault forgotten": (
        "UPDATE archive SET fault = NULL WHERE fault = 'conflicting'",
        "block",
        "the store says that it counts; by the rules it is passed over as 'conflicting'",
    ),
    "another author": (
        "UPDATE archive SET sp = 'sp9' WHERE sequence = :block1",
        "block",
        "its sp is 'sp9' in the store, and 'sp",
    ),
    "another number": ("UPDATE archive SET seq = seq + 1 WHERE sequence = :block2", "block", "its seq is "),
    "another place": (
        "UPDATE archive SET first = first + 1 WHERE sequence = :block3",
        "block",
        "its first position is ",
    ),
    "another count": (
        "UPDATE archive SET entries = entries + 1 WHERE sequence = :block5",
        "block",
        "its count of entries is ",
    ),
    "another ledger time": (
        "UPDATE archive SET time = time + 1 WHERE sequence = :block8",
        "block",
        "its ledger time is ",
    ),
    "another time of an SP": (
        "UPDATE setting SET value = value + 1 WHERE name = 'time/sp2'",
        "setting",
        "the store's time/sp2",
    ),
    "another state digest": (
        "UPDATE archive SET state = zeroblob(32) WHERE sequence = :block6",
        "block",
        "its digest of what is public is not what the replay gives",
    ),
    "another digest": (
        "UPDATE archive SET digest = zeroblob(32) WHERE sequence = :block7",
        "block",
        "its bytes are not those that were archived: their digest is another",
    ),
    "another head": (
        "UPDATE setting SET value = replace(value, ' ', '0 ') WHERE name = 'head'",
        "setting",
        "the store's head: its value in the store is not what the ledger gives",
    ),
    "a tile": (
        "UPDATE tile SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB)",
        "tile",
        "tile 0 of level 0: its hashes in the store is not what the ledger gives",
    ),
    "a checkpoint that disagrees": (
        "UPDATE checkpoint SET agrees = 0 WHERE position = (SELECT MIN(position) FROM checkpoint)",
        "checkpoint",
        "its agrees in the store is not what the ledger gives",
    ),
    "a checkpoint of another size": (
        "UPDATE checkpoint SET size = size - 1 WHERE position = (SELECT MAX(position) FROM checkpoint)",
        "checkpoint",
        "its size in the store is not what the ledger gives",
    ),
    "a checkpoint made up": (
        "INSERT INTO checkpoint SELECT 0, 'sp2', size, signed, agrees FROM checkpoint LIMIT 1",
        "checkpoint",
        "the checkpoint of sp2: it is in the store, and nothing on the ledger gives it",
    ),
    "an act that counts": (
        "UPDATE act SET fault = NULL, in_effect = 1 WHERE fault IS NOT NULL",
        "act",
        "its in_effect and fault in the store",
    ),
    "an announced key": (
        "UPDATE announced SET key = zeroblob(1216)"
        " WHERE (delegation, day) = (SELECT delegation, day FROM announced LIMIT 1)",
        "announced",
        "a key announced by sp",
    ),
    "what was said": (
        "UPDATE said SET submission = replace(submission, '2845.5', '2845.6') WHERE position = :position0",
        "said",
        "the submission: its submission in the store is not what the ledger gives",
    ),
    "nothing said": (
        "DELETE FROM said WHERE position = :position1",
        "said",
        "the submission: it is missing from the store",
    ),
    "a decision": (
        "UPDATE decided SET digest = 'x' WHERE position = :position0",
        "decided",
        "the decision: its digest in the store is not what the ledger gives",
    ),
    "a dispute made up": (
        "UPDATE decided SET finality = 'disputed' WHERE position = :position1",
        "decided",
        "the decision: its finality in the store is not what the ledger gives",
    ),
    "an outcome": (
        "UPDATE outcome SET outcome = replace(outcome, 'contract', 'contrast')"
        " WHERE position = :position0 AND kind = 'receipt'",
        "outcome",
        "its outcome in the store is not what the ledger gives",
    ),
    "a status": (
        "UPDATE outcome SET status = 'MAGR' WHERE status = 'MISM'",
        "outcome",
        "its status in the store is not what the ledger gives",
    ),
    "an outcome made up": (
        "INSERT INTO outcome SELECT 'made up', position, kind, trade, status, outcome FROM outcome LIMIT 1",
        "outcome",
        "the receipt made up: it is in the store, and nothing on the ledger gives it",
    ),
    "no outcome": (
        "DELETE FROM outcome WHERE position = :position2 AND kind = 'receipt'",
        "outcome",
        "it is missing from the store",
    ),
    "an attestation": (
        "UPDATE attested SET digest = 'x' WHERE position = :position0 AND sp = 'sp2'",
        "attested",
        "what sp2 attested: its digest in the store is not what the ledger gives",
    ),
    "a record": (
        "UPDATE state SET value = replace(value, 'MISM', 'MACH')"
        " WHERE class = 'Trade' AND value LIKE '%MISM%'",
        "state",
        "/trade",
    ),
    "no record": (
        "DELETE FROM state WHERE key = (SELECT MIN(key) FROM state WHERE class = 'Half')",
        "state",
        "it is missing from the store",
    ),
    "a record that is no text": (
        "UPDATE state SET value = CAST(x'ff' || CAST(value AS BLOB) AS TEXT)"
        " WHERE key = (SELECT MAX(key) FROM state WHERE class = 'Half')",
        "state",
        "the record half/",
    ),
    "a chain": (
        "UPDATE chain SET complete = 0 WHERE investor = (SELECT MIN(investor) FROM chain)",
        "chain",
        "its complete in the store is not what the ledger gives",
    ),
    "a day secret": (
        "UPDATE day_key SET position = position + 1 WHERE key_id = (SELECT MIN(key_id) FROM day_key)",
        "day_key",
        "a day secret: its position in the store is not what the ledger gives",
    ),
    "who spoke where": (
        "UPDATE spoke SET sp = 'sp3' WHERE institution = (SELECT MIN(institution) FROM spoke)",
        "spoke",
        "spoke through last: its sp in the store is not what the ledger gives",
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stores(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def of_changed(made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """What the audit says of a store with all of the changes."""
    counted = rows(made["sp1"], "SELECT sequence FROM archive WHERE entries > 0 ORDER BY sequence")
    spoken = rows(made["sp1"], "SELECT position FROM said ORDER BY position")
    places = {f"block{number}": sequence for number, (sequence,) in enumerate(counted[3:20])}
    places |= {f"position{number}": position for number, (position,) in enumerate(spoken)}
    statements = [statement for statement, *_ in CHANGES.values()]
    return audited(
        altered(made["sp1"], tmp_path_factory.mktemp("changed"), *statements, **places), own("sp1")
    )


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_altered_in_a_store_is_found(of_changed: AuditReport, change: str):
    _, subject, text = CHANGES[change]
    found = [one for one in of_changed.findings if one.subject == subject and text in one.text]
    assert found, of_changed.findings
    assert subject != "block" or found[0].sequence is not None
    assert subject not in {"said", "decided", "outcome", "attested"} or found[0].position is not None


def test_nothing_else_is_found(of_changed: AuditReport):
    assert of_changed.found == len(CHANGES)
    assert of_changed.not_checked == ()


def test_a_made_up_reference_is_found(made: dict[str, Path], tmp_path: Path):
    """The one that is there, and the one that is missing."""
    change = "UPDATE reference SET reference = 'B-9' WHERE reference = 'B-1' AND kind = 'execution_notice'"
    found = audited(altered(made["sp1"], tmp_path, change), own("sp1"))
    assert [(one.subject, one.text.partition(": ")[2][:22]) for one in found.findings] == [
        ("reference", "it is missing from the"),
        ("reference", "it is in the store, an"),
    ]
