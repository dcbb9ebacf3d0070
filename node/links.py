"""The links of a node's clients: one for each kind of transport that any of them uses."""

from collections.abc import Mapping

from pydantic import ValidationError

from adapters.fix_link import EngineReject, FixLink
from adapters.fix_sessions import FixSession
from adapters.folder_link import FolderClient, FolderLink, RefuseTooLarge
from adapters.link import Link
from node.pulse import Session
from node.settings import ClientSettings, FixLinkSettings, NodeSettings, SettingsError


def links_of(
    settings: NodeSettings, on_engine_reject: EngineReject, on_too_large: RefuseTooLarge
) -> dict[str, Link]:
    """One link per kind of transport that any client uses. Raises SettingsError for contradictions."""
    chosen = [_link_settings(client) for client in settings.clients]
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


def _link_settings(client: ClientSettings) -> FixSession | FolderClient:
    """A client's part of its link. Raises SettingsError."""
    link = client.link
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
