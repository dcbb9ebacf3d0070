"""The API as an OpenAPI document, made from the models that the handlers use."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from adapters.canonical_json import Submitted
from adapters.http_call import JSON, PROBLEM_JSON, ProblemDetails, phrase_of
from adapters.http_link import AnswersAsked, Taken
from canonical.answer import Answer
from canonical.base import Model
from canonical.schema import ByteForm
from node.api.figures import CSV, Scorecards, ScorecardsAsked, StatisticsAsked
from node.api.health import Health
from node.api.rules import RelationshipRules, RulesAsked
from node.api.submissions import SubmissionShown
from node.api.told import ToldAnswers
from node.api.trades import TradePage, TradesAsked, TradeShown
from node.figures import FiguresReport

VERSION = "1"
_REF = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. asked: its query. takes: its body. gives: by status. csv: gives tables too."""

    method: str
    path: str
    summary: str
    gives: Mapping[int, type[Model]]
    asked: type[BaseModel] | None = None
    takes: type[Model] | None = None
    refuses: tuple[int, ...] = ()
    is_open: bool = False
    csv: bool = False


OPERATIONS = (
    Operation(
        "post",
        "/v1/submissions",
        "Say something: one to four messages of the canonical layout, all of which hold, or none.",
        {202: Taken},
        takes=Submitted,
        refuses=(400, 409, 413, 415),
    ),
    Operation(
        "get",
        "/v1/submissions/{name}",
        "What has become of a submission. name: its id.",
        {200: SubmissionShown},
        refuses=(404,),
    ),
    Operation(
        "get",
        "/v1/answers",
        "What there is to hear, in order: results, refusals, copies of what the other side said.",
        {200: ToldAnswers},
        AnswersAsked,
        refuses=(400, 404),
    ),
    Operation(
        "get", "/v1/trades", "Trades, the latest first.", {200: TradePage}, TradesAsked, refuses=(400,)
    ),
    Operation(
        "get",
        "/v1/trades/{name}",
        "One trade with both sides' figures, what differs and why. name: a reference, or its id.",
        {200: TradeShown},
        refuses=(404,),
    ),
    Operation(
        "get",
        "/v1/statistics",
        "How trades were confirmed: the figures of docs/operators/figures.md.",
        {200: FiguresReport},
        StatisticsAsked,
        refuses=(400, 409),
        csv=True,
    ),
    Operation(
        "get",
        "/v1/scorecards",
        "How each counterparty works together with you.",
        {200: Scorecards},
        ScorecardsAsked,
        refuses=(400, 409),
        csv=True,
    ),
    Operation(
        "get",
        "/v1/rules/{name}",
        "What you and a counterparty have agreed on, in all versions. name: its LEI.",
        {200: RelationshipRules},
        RulesAsked,
        refuses=(400, 404),
    ),
    Operation("get", "/v1/health", "Whether the node is up.", {200: Health}, is_open=True),
)


@cache
def openapi_bytes() -> bytes:
    """The document as it is served."""
    return (json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n").encode()


def openapi() -> dict[str, Any]:
    """The document."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Yakujo",
            "version": VERSION,
            "description": "What a service provider's node offers to its clients: docs/integrators/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _models() -> list[tuple[Any, JsonSchemaMode]]:
    found: list[type[Model]] = [ProblemDetails, Answer]
    for operation in OPERATIONS:
        found += [*operation.gives.values(), *([operation.takes] if operation.takes else [])]
    return [(model, "serialization") for model in dict.fromkeys(found)]


def _schemas() -> dict[str, Any]:
    _, schema = models_json_schema(_models(), ref_template=_REF, schema_generator=ByteForm)
    found: dict[str, Any] = schema["$defs"]
    return dict(sorted(found.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    replies = {str(status): _reply(model, operation) for status, model in operation.gives.items()}
    common = () if operation.is_open else (401, 429, 503)
    for status in sorted({*operation.refuses, *common}):
        content = {PROBLEM_JSON: _content(ProblemDetails)}
        replies[str(status)] = {"description": phrase_of(status), "content": content}
    found: dict[str, Any] = {"summary": operation.summary, "responses": replies}
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        found["parameters"] = parameters
    if operation.takes is not None:
        found["requestBody"] = {"required": True, "content": {JSON: _content(operation.takes)}}
    if operation.is_open:
        found["security"] = []
    return found


def _reply(model: type[Model], operation: Operation) -> dict[str, Any]:
    text = cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    content: dict[str, Any] = {JSON: _content(model)}
    if operation.csv:
        content[CSV.partition(";")[0]] = {"schema": {"type": "string"}}
    return {"description": text, "content": content}


def _content(model: type[Model]) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(model=model.__name__)}}


def _path_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if "{name}" in operation.path:
        yield {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 128}}
    if operation.takes is not None:
        text = "The same key again is the same submission: done once, however often it is sent."
        schema = {"type": "string", "maxLength": 128}
        yield {"name": "Idempotency-Key", "in": "header", "description": text, "schema": schema}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.asked is None:
        return
    schema = operation.asked.model_json_schema(ref_template=_REF)
    inner = schema.get("$defs", {})
    for name, told in schema["properties"].items():
        options = [one for one in told.get("anyOf", [told]) if one.get("type") != "null"]
        found = {key: value for key, value in options[0].items() if key not in ("title", "default")}
        if "$ref" in found:
            found = {k: v for k, v in inner[found["$ref"].rsplit("/", 1)[1]].items() if k in ("type", "enum")}
        if told.get("default") not in (None, ""):
            found["default"] = told["default"]
        yield {"name": name, "in": "query", "required": False, "schema": found}
