"""The paths of the API that ask the store, each for one institution about itself alone."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel

from adapters.http_call import JSON, Call, Reply, Route, asked_in, json_reply, refused
from node.api.document import openapi_bytes
from node.api.figures import (
    CSV,
    FiguresAsked,
    ScorecardsAsked,
    StatisticsAsked,
    as_csv,
    figures_of,
    scorecards,
)
from node.api.health import HEALTHY
from node.api.questions import Questions
from node.api.rules import Documents, RulesAsked, rules_shown
from node.api.submissions import submission_shown
from node.api.trades import TradesAsked, page_of_trades, trade_shown
from node.figures import FiguresReport
from node.inspection import View

NAME_CHARACTERS_MAX = 128
Told = TypeVar("Told")


class Reading:
    """Answers what is asked.

    institutions: whose client each is, by LEI. documents: of rules that were agreed on. seconds_max: for one
    answer.
    """

    def __init__(
        self,
        questions: Questions,
        institutions: Mapping[str, str],
        documents: Documents,
        seconds_max: float,
    ) -> None:
        self._questions = questions
        self._documents = documents
        self._institutions = institutions
        self._seconds_max = seconds_max

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        own = {
            "/v1/submissions/{name}": self._submission,
            "/v1/trades": self._trades,
            "/v1/trades/{name:.+}": self._trade,
            "/v1/statistics": self._statistics,
            "/v1/scorecards": self._scorecards,
            "/v1/rules/{name}": self._rules,
        }
        seconds = 2 * self._seconds_max + 1  # a question may have waited for one before it
        return (
            *(Route("GET", path, handler, seconds_max=seconds) for path, handler in own.items()),
            Route("GET", "/v1/health", _health, is_open=True),
            Route("GET", "/v1/openapi.json", _document, is_open=True),
        )

    async def _submission(self, call: Call) -> Reply:
        name = _name(call)
        found = await self._questions.ask(lambda view: submission_shown(view, call.client, name))
        return json_reply(_there(found, "you have sent nothing with this id"))

    async def _trades(self, call: Call) -> Reply:
        asked, own = asked_in(call, TradesAsked), self._institutions[call.client]
        return json_reply(await self._questions.ask(lambda view: page_of_trades(view, own, asked)))

    async def _trade(self, call: Call) -> Reply:
        asked_in(call, _Nothing)
        name, own = _name(call), self._institutions[call.client]
        found = await self._questions.ask(lambda view: trade_shown(view, own, name))
        return json_reply(_there(found, "you have no trade with this reference or id"))

    async def _rules(self, call: Call) -> Reply:
        asked, sides = asked_in(call, RulesAsked), (self._institutions[call.client], _name(call))
        found = await self._questions.ask(lambda view: rules_shown(view, self._documents, sides, asked))
        return json_reply(_there(found, "you have no relationship with an institution of this LEI"))

    async def _statistics(self, call: Call) -> Reply:
        asked = asked_in(call, StatisticsAsked)
        return await self._figures(call, asked, asked.table, lambda found: found)

    async def _scorecards(self, call: Call) -> Reply:
        asked = asked_in(call, ScorecardsAsked)
        return await self._figures(call, asked, asked.table, scorecards)

    async def _figures(
        self, call: Call, asked: FiguresAsked, table: str, as_json: Callable[[FiguresReport], BaseModel]
    ) -> Reply:
        own, wants_csv = self._institutions[call.client], _wants_csv(call, asked)

        def question(view: View) -> Reply:
            found = figures_of(view, own, asked)
            if wants_csv:
                return Reply(200, as_csv(found, table), CSV)
            return json_reply(as_json(found))

        return await self._questions.ask(question)


class _Nothing(BaseModel, extra="forbid"):
    """A path that takes no parameters."""


async def _health(_: Call) -> Reply:
    return json_reply(HEALTHY)


async def _document(_: Call) -> Reply:
    return Reply(200, openapi_bytes(), JSON)


def _name(call: Call) -> str:
    """The variable part of the path."""
    name = call.names["name"]
    if len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise refused(404, f"a name has at most {NAME_CHARACTERS_MAX} printable characters: correct it")
    return name


def _there(found: Told | None, text: str) -> Told:
    if found is None:
        raise refused(404, f"{text}: check it")
    return found


def _wants_csv(call: Call, asked: FiguresAsked) -> bool:
    if asked.format is not None:
        return asked.format == "csv"
    return call.accepts.partition(";")[0].strip().lower() == "text/csv"
