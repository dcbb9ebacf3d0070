"""The API as a part of the running node: one server, its desk, and the threads that ask the store."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from adapters.http_call import Route
from adapters.http_link import HttpLink, HttpSettings
from adapters.link import Receive
from node.api.desk import NodeDesk
from node.api.questions import Questions
from node.api.routes import Reading
from node.clients import Client
from node.links import http_settings
from node.named_tasks import run_together
from node.network import Network
from node.reading import Reader
from node.register import Register
from node.settings import ApiSettings, HttpLinkSettings, NodeSettings
from node.store import Store

DESK_THREADS = 2
DESK_SECONDS = 10.0


def api_of(
    settings: NodeSettings,
    register: Register,
    clients: Mapping[str, Client],
    reader: Callable[[], Reader],
    store: Store,
    *,
    accepts: Callable[[], bool],
    changed: asyncio.Event,
) -> "Api | None":
    """The API of a node; None where it has none. Raises SettingsError.

    reader: by the master data as it is now. accepts: whether there is room. changed: set when there may be
    something new to tell.
    """
    http, api = http_settings(settings), settings.api
    if http is None or api is None:
        return None
    own = {name: c for name, c in clients.items() if isinstance(c.settings.link, HttpLinkSettings)}

    def desk(questions: Questions) -> NodeDesk:
        return NodeDesk(own, reader, store, questions, accepts=accepts, changed=changed)

    institutions = {name: client.institution.lei for name, client in own.items()}

    def routes(questions: Questions) -> tuple[Route, ...]:
        return Reading(questions, institutions, register.agreed.document, api.answer_seconds).routes()

    return Api(settings, api, http, register.genesis, routes, desk)


class Api:
    """Serves all clients whose link is HTTP."""

    def __init__(
        self,
        settings: NodeSettings,
        api: ApiSettings,
        http: HttpSettings,
        network: Network,
        make_routes: Callable[[Questions], tuple[Route, ...]],
        make_desk: Callable[[Questions], NodeDesk],
    ) -> None:
        self._http = http
        self._make_routes = make_routes
        self._make_desk = make_desk
        self._questions = partial(Questions, settings, network, api.questions, api.answer_seconds)
        self._of_desk = partial(Questions, settings, network, DESK_THREADS, DESK_SECONDS)

    async def run(self, receive: Receive) -> None:
        """Serve until cancelled."""
        with self._questions() as questions, self._of_desk() as of_desk:
            desk = self._make_desk(of_desk)
            await desk.look()
            link = HttpLink(self._http, desk, self._make_routes(questions))
            await run_together((("http desk", desk.run()), ("http link", link.run(receive))))
