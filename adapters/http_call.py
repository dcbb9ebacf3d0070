"""A request and its reply as handlers see them, whatever library serves them.

A handler takes a `Call` and gives a `Reply`, or raises RefusedError, which is told as problem details
(RFC 9457) with all that is wrong in `problems`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from canonical.problems import Problem, Rule, shortened

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

Asked = TypeVar("Asked", bound=BaseModel)


class ProblemDetails(BaseModel):
    """Why a request was refused.

    detail: what to do. problems: all that is wrong with what was sent. instance: where that is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    problems: tuple[Problem, ...] = ()
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a client, whose name is empty where none need be known.

    names: the variable parts of the path. asked: the query. accepts: the header Accept. key: the header
    Idempotency-Key, empty where there is none.
    """

    client: str
    names: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    accepts: str = ""
    key: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, "/v1/trades/{name}", and who answers it.

    bytes_max: of a body; 0 where none is taken. is_open: served without credentials. seconds_max: how long
    the handler may take.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    bytes_max: int = 0
    is_open: bool = False
    seconds_max: float = 30.0


class RefusedError(Exception):
    """A request is refused, with the reply that says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply


def phrase_of(status: int) -> str:
    """What RFC 9110 (section 15) calls a status; Python before 3.13 has an older name for one."""
    large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return "Content Too Large" if status == large else HTTPStatus(status).phrase


def refused(
    status: int,
    detail: str,
    problems: Sequence[Problem] = (),
    *,
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> RefusedError:
    """The refusal with a status of HTTP. detail: what to do."""
    details = ProblemDetails(
        title=phrase_of(status),
        status=status,
        detail=detail,
        problems=tuple(problems),
        instance=instance,
    )
    body = details.model_dump_json(exclude_none=True).encode()
    return RefusedError(Reply(status, body, PROBLEM_JSON, headers or {}))


def json_reply(
    value: BaseModel, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Reply:
    """A model as JSON; what has no value is left out."""
    return Reply(status, value.model_dump_json(exclude_none=True).encode(), JSON, headers or {})


def asked_in(call: Call, kind: type[Asked]) -> Asked:
    """The query of a call. Raises RefusedError with all that is wrong in it."""
    try:
        return kind.model_validate_strings(dict(call.asked))
    except ValidationError as error:
        problems = [
            Problem(
                field=shortened(".".join(map(str, fault["loc"]))),
                value=shortened(call.asked.get(str(fault["loc"][0]), "")) if fault["loc"] else "",
                rule=Rule.UNKNOWN_FIELD if fault["type"] == "extra_forbidden" else Rule.MALFORMED,
                text=_sentence(fault["type"], fault["msg"])[:512],
            )
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise refused(400, "parameters are not as they must be: correct them", problems) from None


def _sentence(kind: str, message: str) -> str:
    return "no parameter here: leave it out" if kind == "extra_forbidden" else f"{message}: correct it"
