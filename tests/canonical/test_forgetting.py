"""What both sides have destroyed leaves the state without a trace, and what stays goes on working."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios import FOLDER, steps
from trades import BROKER, CONTRACT, INVESTOR, Replica, message, submission

from canonical.contracts import CONTRACTS, FORGET, HALVES_OF
from canonical.contracts.matching.v1.cards import Index
from canonical.contracts.matching.v1.messages import Messages
from canonical.contracts.matching.v1.records import Half, Trade, trade_key
from canonical.result import Result, TradeStatus
from canonical.submission import Submission

PATHS = sorted(FOLDER.glob("*.toml"))
STATING = ("execution_notice", "allocation_instruction", "confirmation", "investor_calculation")


def said(name: str, reference: str, **words: Any) -> Submission:
    sender = BROKER if name in ("notice", "confirmation", "allocation_response") else INVESTOR
    return submission(sender, message({name: reference, **words}))


def forget(replica: Replica, *halves: str) -> None:
    """Apply what the contract changes to forget halves."""
    for key, record in FORGET[CONTRACT](replica.state.get, halves).items():
        if record is None:
            replica.state.pop(key, None)
        else:
            replica.state[key] = record


def half_of(replica: Replica, each: Submission) -> str:
    [half] = HALVES_OF[CONTRACT](replica.state.get, each)
    return half


def halves(replica: Replica) -> list[str]:
    """All halves that were ever spoken of, those that are empty by now too."""
    there = [record.id for record in replica.state.values() if isinstance(record, Half)]
    return sorted([*there, *(key.split("/")[1] for key in replica.state if key.endswith("/mentions"))])


def assert_sound(replica: Replica, gone: set[str]) -> None:
    """No record names what is gone; whatever leads to a half leads to one that is there."""
    state = replica.state
    there = {record.id for record in state.values() if isinstance(record, Half)}
    for key, record in state.items():
        text = f"{key} {record.model_dump_json()}"
        assert [half for half in gone if half in text] == [], key
        if isinstance(record, Index):
            assert record.texts
            assert set(record.texts) <= there, key
        if isinstance(record, Half):
            assert record.other is None or state[f"half/{record.other}"].other == record.id
        for each in record.messages if isinstance(record, Messages) else ():
            assert each.half in there or not each.live or each.source.kind not in STATING
        if isinstance(record, Trade):
            assert key.split("/")[1] in there


references = st.sampled_from(["1", "2", "3", "4"])
funds = st.sampled_from([["F1 30000"], ["F1 20000", "F2 10000"], ["F1 20000"], ["F1 20000 tax=1"]])
links = st.dictionaries(
    st.sampled_from(["client_order", "common", "broker_block", "investor_block"]), references, max_size=1
)
new = st.booleans()


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    """What either side may say, of few trades, so that most of it hangs together."""
    name = draw(
        st.sampled_from(
            ["notice", "instruction", "confirmation", "calculation", "affirmation", "cancellation", "answer"]
        )
    )
    reference = draw(references)
    if name == "cancellation":
        words = {"cancellation": f"X{draw(st.integers(0, 99))}", "cancels": reference}
        return submission(draw(st.sampled_from([BROKER, INVESTOR])), message(words))
    if name == "affirmation":
        return said(name, f"U{draw(st.integers(0, 99))}", answers=reference, affirmed=draw(new))
    if name == "answer":
        kind = draw(st.sampled_from(["block_response", "allocation_response"]))
        return said(kind, f"P{draw(st.integers(0, 99))}", answers=reference, agreed=draw(new))
    words: dict[str, Any] = {"links": draw(links)}
    if draw(st.integers(0, 3)) == 0:
        words["replaces"] = draw(references)
    if name != "notice":
        words["funds"] = draw(funds)
    if name == "confirmation" and len(words["funds"]) == 1 and draw(new):
        words["block"] = False
    if words.get("block", True) and name != "notice":
        words["quantity"] = str(sum(int(fund.split()[1]) for fund in words["funds"]))
    return said(name, reference, **words)


rounds = st.lists(
    st.tuples(st.lists(submissions(), min_size=1, max_size=12), st.lists(st.integers(0, 30), max_size=4)),
    min_size=2,
    max_size=4,
)


@settings(max_examples=60)
@given(rounds)
def test_whatever_is_forgotten_the_rest_goes_on(told: list[tuple[list[Submission], list[int]]]):
    """No later message meets a gap, in whatever order things are said and forgotten, and no name stays."""
    replica, gone = Replica(), set[str]()
    for entries, chosen in told:
        for each in entries:
            replica.apply(each)
            assert_sound(replica, gone)
        known = halves(replica)
        names = tuple(dict.fromkeys(known[number % len(known)] for number in chosen)) if known else ()
        before = dict(replica.state)
        changes = FORGET[CONTRACT](before.get, names)
        assert before == replica.state, "it looks and changes nothing itself"
        assert changes == FORGET[CONTRACT](before.get, names)
        forget(replica, *names)
        gone |= set(names)
        assert_sound(replica, gone)


def test_every_scenario_can_be_forgotten():
    """When all that was said is destroyed, nothing at all is left of it."""
    for path in PATHS:
        replica = Replica()
        accepted = []
        for step in steps(path):
            if any(outcome.kind == "receipt" for outcome in step.apply(replica)):
                accepted.append(step.submission)
        names = [half for each in accepted for half in HALVES_OF[CONTRACT](replica.state.get, each)]
        forget(replica, *dict.fromkeys(names))
        assert replica.state == {}, path.stem


def test_what_is_forgotten_leaves_no_trace_in_other_trades():
    """A node that joins later, and never could read that day, has the same state as one that forgot it."""
    day = [
        said("confirmation", "C1", links={"common": "T1"}, funds=["F1 30000"]),
        said("calculation", "K1", links={"common": "T1"}, funds=["F1 30000 tax=1"]),
        said("notice", "N9"),
        submission(BROKER, message({"cancellation": "X9", "cancels": "N9"})),
    ]
    rest = [
        said("confirmation", "C2", links={"common": "T2"}, funds=["F1 30000"]),
        said("calculation", "K2", links={"common": "T2"}, funds=["F1 30000"]),
    ]
    old, late = Replica(), Replica(position=len(day))
    for each in (*day, *rest):
        old.apply(each)
    for each in rest:
        late.apply(each)
    names = [half for each in day for half in HALVES_OF[CONTRACT](old.state.get, each)]
    assert old.digest() != late.digest()
    forget(old, *names)
    assert old.digest() == late.digest()


def pair(investor_funds: str) -> tuple[Replica, Submission, Submission]:
    """A confirmation and the calculation that it is paired with."""
    replica = Replica()
    confirmation = said("confirmation", "C1", links={"common": "T1"}, funds=["F1 30000"])
    calculation = said("calculation", "K1", links={"common": "T1"}, funds=[investor_funds])
    replica.apply(confirmation)
    replica.apply(calculation)
    return replica, confirmation, calculation


def test_agreed_stays_agreed_without_its_counterpart():
    """A side whose counterpart was destroyed is not agreed a second time, nor changed by one side alone."""
    replica, confirmation, calculation = pair("F1 30000")
    kept = half_of(replica, calculation)
    forget(replica, half_of(replica, confirmation))
    assert_sound(replica, set())
    assert replica.state[trade_key(kept)].status is TradeStatus.MATCH_AGREED
    again = said("confirmation", "C1", links={"common": "T1"}, funds=["F1 30000"])
    outcomes = replica.apply(again)  # its reference is free again, but what it speaks of is settled
    assert [o for o in outcomes if isinstance(o, Result) and o.status is TradeStatus.MATCH_AGREED] == []
    [refused] = replica.apply(submission(INVESTOR, message({"cancellation": "X1", "cancels": "K1"})))
    assert refused.kind == "rejection"


def test_open_side_stands_alone_without_its_counterpart():
    """Its owner hears so with the next change, and it can be paired with something new."""
    replica, confirmation, calculation = pair("F1 30000 tax=1")
    kept = half_of(replica, calculation)
    forget(replica, half_of(replica, confirmation))
    assert (replica.state[f"half/{kept}"].other, replica.state[f"half/{kept}"].stirred) == (None, True)
    outcomes = replica.apply(said("confirmation", "C2", links={"common": "T1"}, funds=["F1 30000 tax=1"]))
    assert [o.status.value for o in outcomes if isinstance(o, Result)] == ["MAGR"]


def test_forgotten_candidate_is_no_candidate():
    """Of two blocks that fitted equally well, the one that is left is what the next message finds."""
    replica = Replica()
    for name in ("A1", "A2"):
        replica.apply(said("instruction", name, funds=["F1 30000"]))
    first = said("instruction", "A1", funds=["F1 30000"])
    told = [each for each in replica.apply(said("notice", "N1")) if isinstance(each, Result)]
    assert sorted(len(each.candidates) for each in told) == [1, 1, 2]
    gone = half_of(replica, first)
    forget(replica, gone)
    assert_sound(replica, {gone})
    [result] = replica.apply(said("notice", "N2", replaces="N1"))[1:]
    assert isinstance(result, Result)
    assert result.status is TradeStatus.PENDING


def test_refused_submission_speaks_of_nothing():
    """What was repeated on a later day and refused does not take the first one with it when that day goes."""
    replica = Replica()
    replica.apply(said("notice", "N1"))
    reused = said("notice", "N1", price="2846")
    assert replica.apply(reused)[0].kind == "rejection"
    assert HALVES_OF[CONTRACT](replica.state.get, reused) == ()
    stranger = submission(INVESTOR, message({"notice": "N1"}))
    assert HALVES_OF[CONTRACT](replica.state.get, stranger) == ()


def test_halves_that_are_not_there_are_passed_over():
    assert FORGET[CONTRACT](Replica().state.get, ("0" * 16,)) == {}


def test_every_contract_can_forget():
    """A version without it could never let go of what its users have destroyed."""
    assert CONTRACTS.keys() == FORGET.keys() == HALVES_OF.keys()
