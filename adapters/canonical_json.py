"""The canonical layout itself as a format, JSON as docs/canonical.schema.json has it: no mapping is needed.

    decode(raw)     one Decoded, its text whole under TEXT; what is no JSON is a problem
    submitted(text) what it says: {"messages": [...]}, or all that is wrong, told at JSON pointers (RFC 6901)

Sender and source of a submission are not given: the node knows them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import Field, ValidationError

from adapters.format import Decoded
from adapters.mapping_faults import fault_of
from canonical.base import Canonical
from canonical.identifiers import Party
from canonical.message import NODE_KINDS, Message
from canonical.problems import PROBLEMS_PER_MESSAGE_MAX, Problem, Rule, shortened
from canonical.submission import MESSAGES_MAX

SUBMISSION = "submission"
TEXT = "json"
DEPTH_MAX = 16
DIGITS_MAX = 20
BYTES_MAX = 2 * 1024 * 1024  # 1,000 funds with all that is usual are a third of it

_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_MESSAGES = Annotated[tuple[Message, ...], Field(min_length=1, max_length=MESSAGES_MAX)]


class Submitted(Canonical):
    """What a client says at once. All of its messages hold, or none."""

    messages: _MESSAGES


class CanonicalJson:
    """The codec. Pure."""

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The one submission in `raw`."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return (_undecodable(Rule.UNDECODABLE, f"no UTF-8 at byte {error.start}: mend that"),)
        if not text.strip():
            return (_undecodable(Rule.EMPTY, "there is nothing: send a submission"),)
        if len(raw) > BYTES_MAX:
            return (_undecodable(Rule.TOO_LARGE, f"more than {BYTES_MAX} bytes: split it"),)
        if _depth(text) > DEPTH_MAX:
            return (_undecodable(Rule.TOO_LARGE, f"nested deeper than {DEPTH_MAX}: no submission is"),)
        try:
            _tree(text)
        except json.JSONDecodeError as error:
            return (_undecodable(Rule.STRUCTURE, f"no JSON: {error.msg} at line {error.lineno}: mend that"),)
        except _OddError as error:
            return (_undecodable(Rule.STRUCTURE, error.text, error.value),)
        return (Decoded(SUBMISSION, {TEXT: text}),)

    def encode(self, messages: Sequence[Decoded]) -> bytes:
        """The text of one message."""
        [message] = messages
        text = message.fields[TEXT]
        assert isinstance(text, str)
        return text.encode()


def submitted(
    text: str, role: str, own: Party
) -> tuple[tuple[Message, ...], tuple[Problem, ...], dict[str, Any]]:
    """The messages, all problems, and the document as it stands; one of the first two is empty.

    role: "broker" or "investor", the sender's: where a message leaves this party out, it is `own`.
    """
    document = _tree(text)
    messages = document.get("messages") if isinstance(document, dict) else None
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and role not in message:
            message[role] = own.model_dump(mode="json", exclude_none=True)
    try:
        said = Submitted.model_validate_json(json.dumps(document))
    except ValidationError as error:
        problems = tuple(islice(_problems(error, document), PROBLEMS_PER_MESSAGE_MAX))
        return (), problems, document if isinstance(document, dict) else {}
    of_nodes = [number for number, one in enumerate(said.messages) if one.kind in NODE_KINDS]
    text = "nodes alone say this: leave it out"
    refused = [
        Problem(field=f"/messages/{n}/kind", value=said.messages[n].kind, rule=Rule.NOT_ALLOWED, text=text)
        for n in of_nodes
    ]
    return () if refused else said.messages, tuple(refused), document


def pointed(document: dict[str, Any], problem: Problem) -> Problem:
    """A problem at a canonical place of a message, told at its JSON pointer in the submission."""
    steps = [step for step in re.split(r"[./]", problem.path) if step]
    messages = document.get("messages", ())
    known = [n for n, message in enumerate(messages) if _at(message, steps) == problem.value]
    pointer = "/".join(["", "messages", str(known[0] if known else 0), *steps])
    return problem.model_copy(update={"field": pointer[:256]})


def _problems(error: ValidationError, document: Any) -> Iterator[Problem]:
    """Each fault of the layout at its place; the name of a kind within it is pydantic's, and left out."""
    faults = error.errors(include_url=False, include_input=False)
    above = {fault["loc"][:length] for fault in faults for length in range(len(fault["loc"]))}
    for fault in faults:
        if fault["loc"] in above:
            continue  # a list whose entries are all wrong is called too short as well
        steps = [str(step) for step in fault["loc"]]
        steps = [*steps[:2], *steps[3:]] if steps[:1] == ["messages"] else steps
        if fault["type"] in ("union_tag_not_found", "union_tag_invalid"):
            steps.append("kind")
        place, rule, text = fault_of({**fault, "loc": tuple(steps)})
        text = _SENTENCES.get(fault["type"], text)
        if _DECIMAL in fault.get("ctx", {}).get("pattern", ""):
            text = _DECIMAL_TEXT
        found = _at(document, place.split("/"))
        yield Problem(
            field=f"/{place}"[:256],
            value=shortened(found) if isinstance(found, str) else "",
            rule=rule,
            text=text,
            path=".".join(place.split("/")[2:])[:256],
        )


_SENTENCES = {
    "string_type": "no text: give it in quotation marks",
    "json_invalid": "half of a character: give all characters whole",
}
_DECIMAL, _DECIMAL_TEXT = "[0-9]*[1-9]", 'give digits without exponent, leading or trailing zeros: "2845.5"'


def _at(value: Any, steps: Sequence[str]) -> Any:
    """What stands at a place, as text where it is no list and no object; None where nothing does."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _depth(text: str) -> int:
    """How deep it is nested, whether it is JSON or not."""
    deepest = depth = 0
    for mark in _MARKS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        deepest = max(deepest, depth)
        if deepest > DEPTH_MAX:
            break
    return deepest


class _OddError(Exception):
    """JSON that readers may take in several ways."""

    def __init__(self, text: str, value: str) -> None:
        super().__init__(text)
        self.text, self.value = text, value


def _tree(text: str) -> Any:
    """Raises JSONDecodeError, _OddError."""
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _OddError("this name stands twice in one object: give it once", name)
        found[name] = value
    return found


def _constant(name: str) -> str:
    raise _OddError("this is no JSON: give a number, or text", name)


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise _OddError(f"a number of more than {DIGITS_MAX} digits: shorten it", digits)
    return int(digits)


def _undecodable(rule: Rule, text: str, value: str = "") -> Decoded:
    problem = Problem(field="", value=shortened(value), rule=rule, text=text)
    return Decoded(SUBMISSION, {}, (problem,))
