"""What was heard held against what had to be heard: every deviation, in one sentence each."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from node.demo.answers import (
    CANCELLED,
    COPY,
    MISMATCHED,
    PENDING,
    RECEIVED,
    REFUSED,
    Heard,
    UnsoundAnswerError,
    heard_in,
)
from node.demo.clients import Client, Native
from node.demo.figures import BLOCK
from node.demo.scenario import UNKNOWN, Expected


@dataclass(slots=True)
class Verdict:
    """All that the clients have heard, by client and reference, in the order in which it came.

    copies: of the other side's messages, by client. unsound: answers that break their own format's rules.
    """

    expected: dict[tuple[str, str], Expected]
    heard: dict[tuple[str, str], list[Heard]] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)
    unsound: list[str] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def listen(self, clients: Iterable[Client]) -> int:
        """Take in what is new; how many answers there are by now."""
        for client in clients:
            name = client.firm.client
            for native in client.heard():
                if (name, native.id) not in self._seen:
                    self._seen.add((name, native.id))
                    self._take(name, native)
        return len(self._seen)

    def _take(self, client: str, native: Native) -> None:
        try:
            heard = heard_in(client, native)
        except UnsoundAnswerError as error:
            self.unsound.append(f"{client} {native.id}: {error}")
            return
        if heard.status == COPY:
            self.copies[client] += 1
        else:
            self.heard.setdefault((client, heard.reference), []).append(heard)

    def outstanding(self) -> int:
        """How many references have not heard all that is due."""
        return sum(any(self._missing(key, expected)) for key, expected in self.expected.items())

    def deviations(self) -> dict[tuple[str, str], list[str]]:
        """What is missing, and what should not be, by client and reference; only where there is any."""
        found = {key: list(self._missing(key, expected)) for key, expected in self.expected.items()}
        for key, answers in self.heard.items():
            if key in self.expected:
                found[key] += _wrong(self.expected[key], answers)
            else:
                found[key] = [f"nothing was due, heard {_statuses(answers)}"]
        return {key: texts for key, texts in found.items() if texts}

    def _missing(self, key: tuple[str, str], expected: Expected) -> Iterator[str]:
        answers = self.heard.get(key, [])
        counts = Counter(answer.status for answer in answers)
        for status, due in ((RECEIVED, expected.received), (REFUSED, len(expected.refusals))):
            if counts[status] < due:
                yield f"{status} {counts[status]} times, due {due} times"
        if expected.final and _final(answers) != expected.final:
            yield f"{expected.final} is due, heard {_statuses(answers)}"
        told = _told(answers)
        if expected.final == MISMATCHED and not any(answer.cut for answer in answers):
            for scope, name in expected.differences.keys() - told.keys():
                if _is_shown(scope, told):
                    yield f"the difference in {name} of {scope or 'the block'} is not told"


def _final(answers: list[Heard]) -> str:
    """The last status that is neither a receipt nor a refusal."""
    last = [answer.status for answer in answers if answer.status not in (RECEIVED, REFUSED)]
    return last[-1] if last else ""


def _statuses(answers: list[Heard]) -> str:
    return ", ".join(answer.status for answer in answers) or "nothing"


def _told(answers: list[Heard]) -> dict[tuple[str, str], tuple[str, str]]:
    return {key: values for answer in answers for key, values in answer.differences.items()}


def _is_shown(scope: str, told: Iterable[tuple[str, str]]) -> bool:
    """A block's status need not list every fund of it; what it lists, it lists in full."""
    return scope == BLOCK or not told or any(other == scope for other, _ in told)


def _wrong(expected: Expected, answers: list[Heard]) -> Iterator[str]:
    """What was heard and should not have been."""
    counts = Counter(answer.status for answer in answers)
    for status, due in ((RECEIVED, expected.received), (REFUSED, len(expected.refusals))):
        if counts[status] > due:
            yield f"{status} {counts[status]} times, due {due} times"
    allowed = {RECEIVED, REFUSED, PENDING, expected.final} | ({MISMATCHED} if expected.passing else set())
    if stray := [answer.status for answer in answers if answer.status not in allowed]:
        yield f"not due: {', '.join(stray)}"
    if answers[0].status not in (RECEIVED, REFUSED):
        yield f"the first answer was {answers[0].status}"
    if counts[CANCELLED] > 1:  # a match is told for each fund, and once more when the whole trade agrees
        yield f"cancelled {counts[CANCELLED]} times"
    yield from _unequal(expected, answers)
    yield from _unnamed(expected, answers)


def _unequal(expected: Expected, answers: list[Heard]) -> Iterator[str]:
    """Differences that are told and not there, or told with other values."""
    if expected.passing:
        return
    for key, values in _told(answers).items():
        due = expected.differences.get(key)
        if due != values:
            scope, name = key
            yield f"{name} of {scope or 'the block'} is told as {values}, due is {due}"


def _unnamed(expected: Expected, answers: list[Heard]) -> Iterator[str]:
    """Refusals that do not name what they must; each one is held against one answer."""
    texts = ["; ".join(answer.problems) for answer in answers if answer.status == REFUSED]
    for names in expected.refusals:
        fitting = next((text for text in texts if all(name in text for name in names)), None)
        if fitting is not None:
            texts.remove(fitting)
        elif texts or expected.reference != UNKNOWN:
            yield f"no refusal names {', '.join(names)}: {texts}"
