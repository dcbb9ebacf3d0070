"""What has become of a submission, by the id that it was taken with."""

import datetime

from node.inspection import Shown, View
from node.ledger_time import moment
from node.store import each


class AnswerHead(Shown):
    """An answer to it, told or waiting: /v1/answers has its content. status: as operators see it."""

    id: str
    kind: str
    status: str
    taken: bool


class SubmissionShown(Shown):
    """A submission. state: stored, ordered (it goes to the ledger), or answered (it was refused).

    received: when it came in, the first time where the same bytes came several times.
    """

    id: str
    state: str
    received: datetime.datetime
    answers: tuple[AnswerHead, ...]


def submission_shown(view: View, client: str, name: str) -> SubmissionShown | None:
    """A client's submission; None where it has sent none with this id."""
    query = (
        "SELECT raw.state, received FROM submission JOIN raw ON raw.id = raw"
        " WHERE source = ? AND submission.client = ?"
    )
    row = view.connection.execute(query, (name, client)).fetchone()
    if row is None:
        return _unread(view, client, name)
    return SubmissionShown(id=name, state=row[0], received=moment(row[1]), answers=_heads(view, client, name))


def _unread(view: View, client: str, name: str) -> SubmissionShown | None:
    """One that has not been read yet."""
    query = "SELECT state, received FROM raw WHERE state = 'stored' AND client = ? AND digest = ?"
    row = view.connection.execute(query, (client, name)).fetchone()
    return SubmissionShown(id=name, state=row[0], received=moment(row[1]), answers=()) if row else None


def _heads(view: View, client: str, name: str) -> tuple[AnswerHead, ...]:
    query = (
        "SELECT id, kind, status, delivered IS NOT NULL FROM delivery"
        " WHERE source = ? AND client = ? AND kind <> 'copy' ORDER BY number LIMIT 1000"
    )
    rows = each(view.connection, query, name, client)
    return tuple(AnswerHead(id=row[0], kind=row[1], status=row[2], taken=bool(row[3])) for row in rows)
