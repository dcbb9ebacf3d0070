"""What an operator wants proven: the entries on the ledger that a reference, an id or a position names.

    subjects(view, asked, ring) -> the entries, each with what it is, in order

For a trade these are all submissions about it and, where there are keys to find them with, the attestations
of its last result. "decision:ab12" is what was said for a decision, by its id. "position:34" is one entry,
whatever it is, also one that this node cannot read.
"""

from collections.abc import Iterator
from typing import NamedTuple

from canonical.result import OUTCOME, Result
from canonical.submission import SUBMISSION, Submission
from node.act_records import stored_register
from node.act_submission import SubmissionError
from node.act_words import in_words
from node.attested_places import attestations_of
from node.decisions import proposal_of
from node.inspection import View
from node.keyring import KeyRing
from node.store import each
from node.tracing import NUMBER, NotFoundError, as_text, trace


class Subject(NamedTuple):
    """An entry that is to be proven. what: in words."""

    position: int
    what: str


def subjects(view: View, asked: str, ring: KeyRing | None) -> list[Subject]:
    """The entries that `asked` names. ring: to find attestations; None to leave them out.

    Raises NotFoundError where nothing is called so, or nothing of it is on the ledger.
    """
    asked = as_text(asked)
    kind, _, number = asked.partition(":")
    if kind == "position" and NUMBER.fullmatch(number):
        return [Subject(int(number), _said(view, int(number)) or "")]
    if kind == "decision":
        return _words(view, number)
    if (result := _result(view, asked)) is not None:
        found = {result.position: _said(view, result.position) or "", **_attested(view, ring, result)}
    else:
        traced = trace(view, asked)
        places = [said.place.position for said in traced.messages if said.place is not None]
        found = {position: _said(view, position) or "" for position in places}
        for trade in dict.fromkeys(one.trade for one in traced.results):
            last = [one for one in traced.results if one.trade == trade][-1]
            found |= _attested(view, ring, last)
    if not found:
        raise NotFoundError(f"nothing of {asked!r} is on the ledger: see `yakujo trace {asked}`")
    return [Subject(*one) for one in sorted(found.items())]


def _words(view: View, prefix: str) -> list[Subject]:
    """What members or institutions have said for a decision, each where it stands."""
    try:
        found = proposal_of(stored_register(view.connection, view.network), prefix)
    except SubmissionError as error:
        raise NotFoundError(str(error)) from error
    words = sorted((position, f"{by}: {in_words(found.act)}") for by, position in found.said.items())
    return [Subject(*one) for one in words]


def _result(view: View, asked: str) -> Result | None:
    """The result with this id."""
    for (text,) in each(view.connection, "SELECT outcome FROM outcome WHERE id = ?", asked):
        outcome = OUTCOME.validate_json(text)
        return outcome if isinstance(outcome, Result) else None
    return None


def _attested(view: View, ring: KeyRing | None, result: Result) -> dict[int, str]:
    if ring is None:
        return {}
    register = stored_register(view.connection, view.network)
    places = attestations_of(view.connection, register, ring, result.position)
    told = f"the result {result.status.value} of trade {result.trade}, decided at position {result.position}"
    return {place.position: f"{place.sp} attests {told}" for place in places}


def _said(view: View, position: int) -> str | None:
    """What was said at a position; None where this node has read nothing there."""
    rows = each(view.connection, "SELECT sender, fault, submission FROM said WHERE position = ?", position)
    for sender, fault, text in rows:
        if fault is not None:
            return f"a submission that does not count: {fault}"
        return f"{view.name_of(sender)}: {', '.join(_messages(SUBMISSION.validate_json(text)))}"
    return None


def _messages(submission: Submission) -> Iterator[str]:
    for message in submission.messages:
        yield f"{message.kind.value.replace('_', ' ')} {message.reference}"
