"""The API as a part of the running node: one server, its desk, and the threads that ask the store."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

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
from node.settings import ApiSettings, HttpLinkSettings, NodeSettings
from node.store import Store

DESK_THREADS = 2
DESK_SECONDS = 10.0


def api_of(
    settings: NodeSettings,
    network: Network,
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
    http = http_settings(settings)
    if http is None or settings.api is None:
        return None
    own = {name: c for name, c in clients.items() if isinstance(c.settings.link, HttpLinkSettings)}

    def desk(questions: Questions) -> NodeDesk:
        return NodeDesk(own, reader, store, questions, accepts=accepts, changed=changed)

    return Api(settings, settings.api, http, network, own, desk)


class Api:
    """Serves all clients whose link is HTTP."""

    def __init__(
        self,
        settings: NodeSettings,
        api: ApiSettings,
        http: HttpSettings,
        network: Network,
        clients: Mapping[str, Client],
        make_desk: Callable[[Questions], NodeDesk],
    ) -> None:
        self._http = http
        self._institutions = {name: client.institution.lei for name, client in clients.items()}
        self._make_desk = make_desk
        self._seconds = api.answer_seconds
        self._questions = partial(Questions, settings, network, api.questions, api.answer_seconds)
        self._of_desk = partial(Questions, settings, network, DESK_THREADS, DESK_SECONDS)

    async def run(self, receive: Receive) -> None:
        """Serve until cancelled."""
        with self._questions() as questions, self._of_desk() as of_desk:
            desk = self._make_desk(of_desk)
            routes = Reading(questions, self._institutions, self._seconds).routes()
            link = HttpLink(self._http, desk, routes)
            await run_together((("http desk", desk.run()), ("http link", link.run(receive))))
