"""Laws of figures: whatever two sides say, the counts agree with the contract's own state, and add up."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from founding import BROKER, INVESTOR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told_days import Days, calculated, noticed

from canonical.contracts.matching.v1.records import Half, Trade, trade_key
from canonical.result import TradeStatus
from node.figures import Figures

NAMES = ("1", "2", "3")
OPEN = {
    TradeStatus.UNMATCHED: "unmatched",
    TradeStatus.PENDING: "pending",
    TradeStatus.MISMATCHED: "mismatched",
    TradeStatus.DISQUALIFIED: "disqualified",
}

Step = tuple[str, list[dict[str, Any]]]


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """What two sides say of a few deals: figures right and wrong, taken back, replaced, refused, affirmed."""
    found: list[Step] = []
    said: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(NAMES))
        links = {} if draw(st.integers(0, 3)) == 0 else {"client_order": name}
        fee = draw(st.sampled_from(("", " commission=50000", " commission=56910")))
        words = {"links": links, "funds": (f"F1 20000{fee}", "F2 10000")}
        match draw(st.integers(0, 9)):
            case 0 | 1 | 2:
                found.append((BROKER, noticed(f"{name}.{number}", **words)))
                said.append((BROKER, f"B-{name}.{number}"))
            case 3 | 4 | 5:
                found.append((INVESTOR, calculated(f"{name}.{number}", **words)))
                said.append((INVESTOR, f"A-{name}.{number}"))
            case 6 if said:
                sender, reference = draw(st.sampled_from(said))
                found.append((sender, [{"cancellation": f"X{number}", "cancels": reference}]))
            case 7 if said:
                sender, reference = draw(st.sampled_from(said))
                make = noticed if sender == BROKER else calculated
                new = make(f"{name}.{number}", **words, replaces=reference)
                found.append((sender, new))
                said.append((sender, f"{'B' if sender == BROKER else 'A'}-{name}.{number}"))
            case 8 if said:
                sender, reference = draw(st.sampled_from(said))
                other = INVESTOR if sender == BROKER else BROKER
                agreed = draw(st.booleans())
                found.append(
                    (other, [{"change_response": f"R{number}", "answers": reference, "agreed": agreed}])
                )
            case 9 if said:
                _, reference = draw(st.sampled_from(said))
                agreed = draw(st.booleans())
                found.append(
                    (INVESTOR, [{"affirmation": f"Y{number}", "answers": reference, "affirmed": agreed}])
                )
    return found


def standing(state: dict[str, Any]) -> Counter[str]:
    """The trades that the contract knows, by status: agreed, or as figures call it."""
    halves = {record.id: record for record in state.values() if isinstance(record, Half)}
    found: Counter[str] = Counter()
    for half in halves.values():
        other = halves.get(half.other or "")
        if other is None or (half.opened, half.id) < (other.opened, other.id):
            told = state.get(trade_key(half.id))
            status = told.status if isinstance(told, Trade) else TradeStatus.UNMATCHED
            found[OPEN.get(status, "agreed")] += 1
    return found


def counted(figures: Figures) -> Counter[str]:
    agreed = figures.agreed_exactly + figures.agreed_within_tolerance + figures.agreed_by_calculation
    return Counter({name: getattr(figures, name) for name in OPEN.values()} | {"agreed": agreed})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=steps())
def test_what_is_counted_is_what_the_contract_knows(said: list[Step]):
    """At every position, also when it is counted later."""
    with TemporaryDirectory() as folder:
        days = Days(Path(folder) / "yakujo.db")
        known: list[Counter[str]] = []
        for number, (sender, words) in enumerate(said):
            days.say(sender, *words, at=f"09:{number:02}:00")
            known.append(standing(days.state))
        for position, expected in enumerate(known):
            found = days.report(position=position)
            assert counted(found.total) == expected, position
            adds_up(found.total)
            assert sum(row.figures.trades for row in found.relationships) == found.total.trades
            for row in found.fields:
                ended = row.ended_by_broker + row.ended_by_investor + row.dissolved + row.open
                assert ended == row.mismatches


def adds_up(figures: Figures) -> None:
    """Every trade stands in one way; agreed trades are on time or late."""
    ways = list(Figures.model_fields)[1:10]
    assert sum(getattr(figures, name) for name in ways) == figures.trades
    agreed = sum(getattr(figures, name) for name in ways[:3])
    assert figures.on_time + figures.late == agreed
    ended = figures.changes_consented + figures.changes_refused + figures.changes_taken_back
    assert figures.amendments_asked + figures.cancellations_asked == ended + figures.change_waiting
