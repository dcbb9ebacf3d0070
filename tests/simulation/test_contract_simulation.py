"""A market in memory: parties send, repeat, replace, cancel and mistake, in an order that a seed decides.

A failing seed is the test's name; alone it is run by: pytest tests/simulation -k "market and 7".
"""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from trades import Replica, lei, message, submission

from canonical.answer import answers
from canonical.contracts import is_list
from canonical.contracts.matching.v1 import cards
from canonical.contracts.matching.v1.cards import Index, found_by, text_of
from canonical.contracts.matching.v1.messages import Messages, mentioned, mentions_key
from canonical.contracts.matching.v1.open_list import OpenBucket
from canonical.contracts.matching.v1.pairing import _Settling
from canonical.contracts.matching.v1.records import Change, Half, Trade, half_key
from canonical.encoding import canonical_bytes
from canonical.message import Role
from canonical.result import AnyOutcome, Receipt, Rejection, Result, TradeStatus
from canonical.rules import Rules
from canonical.submission import Submission

BROKERS = [lei(f"529900BROKER00000{n}") for n in range(2)]
INVESTORS = [lei(f"529900INVEST00000{n}") for n in range(2)]
ENTRIES = 160
RULES = Rules.model_validate(  # a calculation can be made, and is told where the sides differ
    {
        "agreeing": {"resolve": "propose", "auto_affirm": True},
        "commission": {"tariffs": [{"bands": [{"rate": "0.001"}]}]},
        "compare": {"fund": {"commission": {"code": "PTOL", "percent": 1, "holds": "calculation"}}},
    }
)
SPEAKS = {
    "notice": Role.BROKER,
    "confirmation": Role.BROKER,
    "allocation_response": Role.BROKER,
    "instruction": Role.INVESTOR,
    "calculation": Role.INVESTOR,
    "affirmation": Role.INVESTOR,
    "block_response": Role.INVESTOR,
}


@dataclass
class Party:
    """One side of one relationship, and what it has said: references by kind."""

    chance: random.Random
    role: Role
    broker: str
    investor: str
    said: list[tuple[str, str]] = field(default_factory=list)
    sent: list[Submission] = field(default_factory=list)
    other: "Party | None" = None

    @property
    def name(self) -> str:
        """The LEI."""
        return self.broker if self.role is Role.BROKER else self.investor

    def speak(self) -> Submission:
        """Something new most of the time; else a repetition, a change, or a mistake."""
        if self.sent and self.chance.random() < 0.1:
            again = self.chance.choice(self.sent)
            return again.model_copy(update={"source": self.chance.randbytes(32).hex()})
        said = [self._words() for _ in range(self.chance.choice([1, 1, 1, 2]))]
        for words in said:
            kind = next(iter(words))
            self.said.append((kind, words[kind]))
        made = submission(self.name, *(message(words) for words in said), raw=repr((said, len(self.sent))))
        self.sent.append(made)
        return made

    def _words(self) -> dict[str, Any]:
        kind = self.chance.choice([*(k for k, role in SPEAKS.items() if role is self.role), "cancellation"])
        often = ["notice", "confirmation"] if self.role is Role.BROKER else ["calculation"]
        kind = self.chance.choice([kind, "change_response", ASKS, *often])
        words: dict[str, Any] = {kind: f"R{self.chance.randrange(150)}"}
        words |= {"broker": self.broker, "investor": self.investor}
        if kind == "cancellation":
            return words | {"cancels": self._own()}
        if kind == ASKS:
            return words | {"about": self._own(), "adopts": self.chance.random() < 0.5}
        if kind in ANSWERS:
            return words | self._answer(kind)
        words |= self._trade(kind)
        return words | ({"replaces": self._own()} if self.said and self.chance.random() < 0.2 else {})

    def _own(self) -> str:
        return self.chance.choice(self.said)[1] if self.said else "none"

    def _answer(self, kind: str) -> dict[str, Any]:
        theirs = self.other.said if self.other is not None else []
        answered = self.chance.choice(theirs)[1] if theirs else "none"
        agreed = "affirmed" if kind == "affirmation" else "agreed"
        return {"answers": answered, agreed: self.chance.random() < 0.8}

    def _trade(self, kind: str) -> dict[str, Any]:
        """One of few deals, so that many are alike; with few references, so that some are shared."""
        quantity = self.chance.choice([1000, 2000])
        words: dict[str, Any] = {
            "quantity": str(quantity),
            "price": self.chance.choice(["100", "100", "101"]),
        }
        kinds = [link for link in ("client_order", "common") if self.chance.random() < 0.4]
        words["links"] = {link: f"{link}{self.chance.randrange(4)}" for link in kinds}
        if kind == "notice":
            return words
        funds = [f"F1 {quantity}"] if self.chance.random() < 0.5 else ["F1 500", f"F2 {quantity - 500}"]
        if kind != "instruction" and self.chance.random() < 0.2:
            return words | {"block": False, "funds": funds[:1]}
        if kind != "instruction" and self.chance.random() < 0.1:
            funds[0] += " commission=7"
        return words | {"funds": funds}


def market(seed: int) -> list[Submission]:
    """What the parties of a market say, in order."""
    chance = random.Random(seed)
    parties = []
    for broker in BROKERS:
        for investor in INVESTORS:
            ours = Party(chance, Role.BROKER, broker, investor)
            theirs = Party(chance, Role.INVESTOR, broker, investor, other=ours)
            ours.other = theirs
            parties += [ours, theirs]
    return [chance.choice(parties).speak() for _ in range(ENTRIES)]


@pytest.mark.parametrize("seed", range(12))
def test_market(seed: int):
    """Every submission is answered once, replicas agree, agreed trades stay, and the state hangs together."""
    rules = RULES if seed % 2 else Rules()
    memory, stored = Replica(rules=rules), Replica(stored=True, rules=rules)
    ids: set[str] = set()
    standing: dict[str, TradeStatus] = {}
    for entry in market(seed):
        outcomes = memory.apply(entry)
        assert stored.apply(entry) == outcomes
        first, *rest = outcomes
        assert isinstance(first, Receipt | Rejection)
        assert all(isinstance(each, Result) for each in rest)
        assert first.kind == "receipt" or not rest
        assert ids.isdisjoint(each.id for each in outcomes)
        ids |= {each.id for each in outcomes}
        hear(outcomes)
        for each in rest:
            assert isinstance(each, Result)
            if standing.get(each.trade) is TradeStatus.MATCH_AGREED:
                assert each.status in (TradeStatus.MATCH_AGREED, TradeStatus.CHANGE_REQUESTED)
            standing[each.trade] = each.status
        hangs_together(memory.state)
    assert memory.digest() == stored.digest()


def hear(outcomes: tuple[AnyOutcome, ...]) -> None:
    """Each outcome is told to somebody, in answers that have ids of their own."""
    for outcome in outcomes:
        heard = [answer for role in Role for answer in answers(outcome, role)]
        assert heard, outcome
        assert len({(answer.id, answer.to[0].author) for answer in heard}) == len(heard)


def hangs_together(state: dict[str, Any]) -> None:
    """No half is empty, pairs are mutual, lists and memories speak of halves that are there."""
    halves = {record.id: record for record in state.values() if isinstance(record, Half)}
    for half in halves.values():
        assert half.statements
        assert half.other is None or halves[half.other].other == half.id
        assert half.other is None or halves[half.other].agreed is half.agreed
        assert half.other is None or halves[half.other].role is not half.role
        assert half.other is None or not half.candidates
        assert not half.waits or f"change/{half.id}" in state
        assert set(half.candidates) <= set(halves)
        said = {statement.source for statement in half.statements}
        assert all(word.answers in said for word in half.words)
    for key, record in state.items():
        assert is_list(key) is isinstance(record, Index | OpenBucket), key
        match record:
            case Index():
                assert set(record.texts) <= set(halves), key
                listed = [halves[name] for name in record.texts]
                others = [halves.get(half.other or "") for half in listed]
                told = (
                    text_of(half, other, found_by(half)) for half, other in zip(listed, others, strict=True)
                )
                assert tuple(record.texts.values()) == tuple(told), key
            case Trade():
                assert key.split("/")[1] in halves
            case Change():
                assert halves[key.removeprefix("change/")].agreed
                assert halves[key.removeprefix("change/")].waits
            case Messages():
                for message in record.messages:
                    assert message.half in halves or not message.live or message.source.kind in ENDING, key
                    assert key in mentions_of(state, message.half), "it is forgotten with its half"


ANSWERS = ("affirmation", "block_response", "allocation_response", "change_response")
ASKS = "calculation_request"
ENDING = (*ANSWERS, ASKS, "cancellation")
"""What may be in force though its half is no more."""


def mentions_of(state: dict[str, Any], half: str) -> tuple[str, ...]:
    """The keys of the messages that have spoken of a half, there or no more."""
    if half_key(half) in state:
        return mentioned(state[half_key(half)])
    return state[mentions_key(half)].keys


@pytest.mark.parametrize("seed", range(12))
def test_halves_that_are_passed_over(seed: int, monkeypatch: pytest.MonkeyPatch):
    """Looking again at all halves near a change, and not only at those that may fit one, says the same."""
    few, every = Replica(), Replica()
    said = market(seed)
    outcomes = [few.apply(entry) for entry in said]
    monkeypatch.setattr(_Settling, "fitting", lambda _, cards: [card.half for card in cards])
    monkeypatch.setattr(_Settling, "better_off", lambda _, near, **__: [card.half for card in near])
    assert [every.apply(entry) for entry in said] == outcomes
    assert every.digest() == few.digest()


@pytest.mark.parametrize("seed", range(3))
def test_one_relationship_alone(seed: int):
    """A node that reads one relationship comes to the same outcomes as one that reads all."""
    whole, part = Replica(), Replica()
    for position, entry in enumerate(market(seed)):
        outcomes = whole.apply(entry)
        first = entry.messages[0]
        if (first.broker.lei, first.investor.lei) == (BROKERS[0], INVESTORS[0]):
            part.position = position
            alone = part.apply(entry)
            assert [canonical_bytes(each) for each in alone] == [canonical_bytes(each) for each in outcomes]


@pytest.mark.parametrize("seed", range(4))
def test_lists_that_say_little(seed: int, monkeypatch: pytest.MonkeyPatch):
    """A half whose links a list does not hold is asked itself, and the same is said."""
    full, short = Replica(), Replica()
    said = market(seed)
    outcomes = [full.apply(entry) for entry in said]
    monkeypatch.setattr(cards, "LINKS_LISTED_MAX", 1)
    assert [short.apply(entry) for entry in said] == outcomes
    hangs_together(short.state)
