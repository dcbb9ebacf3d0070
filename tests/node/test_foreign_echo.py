"""An institution that sends through one SP and is answered by another hears the same, byte for byte."""

import hashlib
import re
from datetime import datetime, tzinfo

import pytest
from founding import BROKER, INVESTOR, client, network
from mapping_scene import SAMPLES, fix_bytes, said, sample

import node.clients
from canonical.answer import Answer, AnswerStatus, Finality, FundAnswer
from canonical.encoding import canonical_bytes
from canonical.finality import with_finality
from canonical.identifiers import FundAccount
from canonical.message import Kind
from canonical.problems import Problem, Rule
from canonical.result import Difference, Source, Status
from canonical.submission import SUBMISSION, Submission
from node.clients import Client
from node.directory import Directory
from node.reading import Reader, Ready, Waiting

# The samples' own codes, as those of the scene.
CODES = {
    b"12410": b"19999",
    b"48=130A|22=8": b"48=JP3633400001|22=4",
    b"448=19999|447=D|452=1": b"448=BRKAJPJT|447=B|452=1",
    b"448=MGR|447=D|452=9": b"448=ASMGJPJT|447=B|452=9",
    b"|1=MGR|": b"|453=1|448=ASMGJPJT|447=B|452=9|",
    b"661=5": b"661=99",
}
READS = ("8", "AE", "AS", "AK", "P")
HEADER = {"49", "56", "34", "52"}  # the engine writes it
CASES = sorted("/".join(case.parts[-3:]) for case in SAMPLES.glob("*/*/*"))
SOUND = [case for case in CASES if any(one.messages for one in said(*sample(case)))]
FIGURES = Difference(field="net", broker="1", investor="2")


def client_for(case: str, provider_bic: str = "YKJOJPJT") -> Client:
    """The client that sends such samples, as an SP has it.

    A broker that sends AE sends no AS here: where it does, its AE is taken for one, see below.
    """
    dialect, name, _ = case.split("/")
    named = {"delimited": "investor", "iso20022": "iso"}.get(
        dialect, "fix" if name in ("J", "AU", "AT") else "broker"
    )
    reads = {native: native for native in READS if (native, name) != ("AS", "AE")}
    changes = {"reads": reads} if named == "broker" else {}
    return Client(client(named, **changes), network(), provider_bic)


def readies(case: str) -> list[Ready]:
    """What an SP that has the raw bytes of a sample makes of it."""
    [file] = (SAMPLES / case).glob("message.*")
    raw = file.read_bytes()
    for old, new in CODES.items():
        raw = raw.replace(old, new)
    raw = fix_bytes(raw.decode()) if file.suffix == ".fix" else raw
    one, reader = client_for(case), Reader(Directory(network()))
    items = reader.items(one, hashlib.sha256(raw).hexdigest(), raw)
    waiting = [item for item in items if isinstance(item, Waiting)]
    if waiting:  # for its other parts, or for who it answers
        first, parts = waiting[0], [item.decoded for item in waiting]
        others = {"P": INVESTOR}  # what answers an investor's message; else a broker's
        mapping = one.mapping(first.name)
        other = others.get(first.name, BROKER) if mapping.looks_up or mapping.looks_up_own else None
        items = list(reader.read(one, first.name, parts, first.source, other))
    return [item for item in items if isinstance(item, Ready)]


def foreign(ready: Ready) -> Submission:
    """What another SP reads on the ledger."""
    return SUBMISSION.validate_json(canonical_bytes(ready.submission))


def answers(submission: Submission) -> list[Answer]:
    """One of each status and finality."""
    plain = [answer(submission, status) for status in AnswerStatus]
    return [with_finality(each, finality) for each in plain for finality in Finality]


def answer(submission: Submission, status: AnswerStatus) -> Answer:
    author = network().by_lei[submission.sender].role
    said = [(message.kind, message.reference) for message in submission.messages]
    account = FundAccount(code="F1")
    problem = Problem(field="x", rule=Rule.SUM, text="mend it")
    return Answer(
        id=f"{'0' * 32}-0",
        outcome="0" * 32,
        to=tuple(Source(author=author, kind=k, reference=r, raw=submission.source) for k, r in said),
        status=status,
        trade="T1",
        reason="net",
        differences=(FIGURES,) if status is AnswerStatus.MISMATCHED else (),
        funds=(FundAnswer(account=account, status=Status.MISMATCHED, reason="net", differences=(FIGURES,)),),
        problems=(problem,) if status is AnswerStatus.REFUSED else (),
        text="so it stands",
    )


class StandingClock(datetime):
    """Both SPs answer at one moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "StandingClock":
        """The moment."""
        return cls(2026, 11, 20, 15, 31, 2, tzinfo=tz)


def comparable(raw: bytes) -> bytes:
    """Without what is one SP's own: numbers of its session, with what counts their digits, and its BIC."""
    if raw.startswith(b"8=FIX"):
        return re.sub(rb"\x01(?:45|9|10)=[0-9]+(?=\x01)", b"", raw)
    return raw.replace(b"<BICFI>SPTWJPJT<", b"<BICFI>YKJOJPJT<")


@pytest.mark.parametrize("case", SOUND)
def test_answers_are_the_same_at_another_sp(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever carried a message, its sender's system gets the answer that it expects for it."""
    monkeypatch.setattr(node.clients, "datetime", StandingClock)
    here, there = client_for(case), client_for(case, "SPTWJPJT")
    done = readies(case)
    assert done
    for ready in done:
        submission = foreign(ready)
        found = there.foreign_echo(submission, cancelled(submission, case))
        assert found is not None
        name, echo = found
        assert name == ready.name
        for each in answers(submission):
            expected = here.answer(ready.name, each, ready.echo)
            assert [*map(comparable, there.answer(name, each, echo))] == [*map(comparable, expected)]


def cancelled(submission: Submission, case: str) -> Submission | None:
    """What a sample takes back, where that decides: the sample of a new message of the same kind."""
    name = case.split("/")[1]
    new = {"AK": "confirmation", "AS": "two-funds", "AE": "trade", "8": "filled"}.get(name)
    if submission.messages[0].kind is not Kind.CANCELLATION or new is None:
        return None
    return foreign(readies(f"fix44/{name}/{new}")[0])


def test_cancellation_is_answered_like_what_it_cancels() -> None:
    """A cancellation alone may be that of a report or of a confirmation: the one that it names decides."""
    [ready] = readies("fix44/AK/cancellation")
    [confirmation] = readies("fix44/AK/confirmation")
    one = client_for("fix44/AK/cancellation")
    with_it = one.foreign_echo(foreign(ready), foreign(confirmation))
    without = one.foreign_echo(foreign(ready))
    assert with_it is not None
    assert with_it[0] == "AK"
    assert without is not None
    assert without[0] == "AS"


def test_trade_report_is_answered_like_an_allocation_report() -> None:
    """Where a broker sends both, and both say the same: better an answer in like words than none."""
    [ready] = readies("fix44/AE/trade")
    found = client_for("fix44/AS/two-funds").foreign_echo(foreign(ready))
    assert found is not None
    assert found[0] == "AS"


def test_refusal_names_no_message_of_a_session_that_did_not_carry_it() -> None:
    """A reject for what came elsewhere has the number of no message, and the reference of the right one."""
    [ready] = readies("fix44/8/filled")
    one = client_for("fix44/8/filled")
    found = one.foreign_echo(foreign(ready))
    assert found is not None
    name, echo = found
    [raw] = one.answer(name, answer(foreign(ready), AnswerStatus.REFUSED), echo)
    assert b"\x0135=j\x01" in raw
    assert b"\x0145=0\x01" in raw
    assert b"\x01379=E1\x01" in raw
    assert {problem.field for problem in one.decode(raw)[0].problems} <= HEADER


def test_client_that_sends_no_such_thing_is_not_answered() -> None:
    """What an institution said in another format is not put in the mouth of a client that never says it."""
    [block] = readies("iso20022/setr.027/block-and-two-funds")
    assert client_for("delimited/allocations/two-funds").foreign_echo(foreign(block)) is None
    assert client_for("fix44/AS/two-funds").foreign_echo(foreign(block)) is None
    assert foreign(block).sender == INVESTOR
