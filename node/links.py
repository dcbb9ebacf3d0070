"""The links of a node's clients: one for each kind of transport that any of them uses.

Clients of the API come for what they are told, so nothing is sent to them: see node.api.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from adapters.canonical_json import BYTES_MAX
from adapters.fix_link import EngineReject, FixLink
from adapters.fix_sessions import FixSession
from adapters.folder_link import FolderClient, FolderLink, RefuseTooLarge
from adapters.http_access import Access, Account
from adapters.http_link import HttpSettings
from adapters.http_server import Listening
from adapters.link import Link
from node.pulse import Session
from node.settings import (
    ClientSettings,
    FixLinkSettings,
    FolderLinkSettings,
    HttpLinkSettings,
    NodeSettings,
    SettingsError,
)


def links_of(
    settings: NodeSettings, on_engine_reject: EngineReject, on_too_large: RefuseTooLarge
) -> dict[str, Link]:
    """One link per kind of transport that any client uses. Raises SettingsError for contradictions."""
    sent_to = [(c, c.link) for c in settings.clients if not isinstance(c.link, HttpLinkSettings)]
    chosen = [_link_settings(client, link) for client, link in sent_to]
    sessions = [one for one in chosen if isinstance(one, FixSession)]
    folders = [one for one in chosen if isinstance(one, FolderClient)]
    links: dict[str, Link] = {}
    try:
        if sessions:
            links["fix"] = FixLink(sessions, settings.data_folder / "fix", on_engine_reject=on_engine_reject)
        if folders:
            links["folder"] = FolderLink(folders, on_too_large)
    except ValueError as error:
        raise SettingsError(f"the clients' links: {error}") from error
    return links


def http_settings(settings: NodeSettings) -> HttpSettings | None:
    """How the node's API is served; None where it is not. Raises SettingsError."""
    api = settings.api
    tokens = {c.name: c.link.token_sha256 for c in settings.clients if isinstance(c.link, HttpLinkSettings)}
    if api is None:
        if tokens:
            raise SettingsError(f"client {min(tokens)} uses the API: add [api] with a port to node.toml")
        return None
    try:
        listening = Listening(api.host, api.port, api.certificate_file, api.key_file)
        listening.tls()
        access = Access(Account(client, digests) for client, digests in tokens.items())
    except ValueError as error:
        raise SettingsError(f"[api]: {error}") from error
    return HttpSettings(listening, access, api.limits, BYTES_MAX)


def _link_settings(
    client: ClientSettings, link: FixLinkSettings | FolderLinkSettings
) -> FixSession | FolderClient:
    """A client's part of its link. Raises SettingsError."""
    values = {"client": client.name, **link.model_dump(exclude={"kind"})}
    try:
        return FixSession(**values) if isinstance(link, FixLinkSettings) else FolderClient(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"client {client.name}: {first['msg']}") from error


def sessions_of(links: Mapping[str, Link]) -> tuple[int | None, tuple[Session, ...]]:
    """The FIX engine's process and how its sessions are now."""
    link = links.get("fix")
    if not isinstance(link, FixLink):
        return None, ()
    return link.child_pid, tuple(Session.model_validate(status) for status in link.status())
