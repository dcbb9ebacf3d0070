"""The form in which answers are told: what each says is written by the client's format, not here."""

from typing import Literal

from canonical.answer import Answer
from canonical.message import Message
from node.inspection import Shown


class ToldAnswer(Shown):
    """One thing to hear. id: the same where it is told again. content: an answer; a message, of a copy."""

    id: str
    kind: Literal["result", "refusal", "copy"]
    content: Answer | Message


class ToldAnswers(Shown):
    """What there is to hear, in order; none where there is nothing. The last id is the next `after`."""

    answers: tuple[ToldAnswer, ...]
