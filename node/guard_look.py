"""One look at a server that runs: everything that its monitoring says and the guard goes by."""

from dataclasses import dataclass

from node.guard_findings import Copy, copy_in, damage, illness, is_off, names_corruption
from node.jetstream_settings import server_findings, stream_findings, version_findings
from node.ledger import Finding
from node.monitoring import monitored


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    findings: settings of server and stream that would lose blocks. copy: of the stream, None where there is
    none. store_folder: where the server keeps it. off: whether JetStream is off. illness: what the full
    health check says, None if all is well; the one of the server alone says "ok" also where JetStream is off.
    """

    findings: tuple[Finding, ...]
    copy: Copy | None
    store_folder: str
    off: bool
    illness: str | None

    @property
    def damage(self) -> str | None:
        """Why the stream's copy is damaged."""
        return damage(self.copy) if self.copy is not None else None

    @property
    def corruption(self) -> str | None:
        """What is damaged beside the stream: Raft's own files."""
        return self.illness if self.illness and names_corruption(self.illness) else None

    @property
    def is_groupless(self) -> bool:
        """Whether the server has a stream but no place in its Raft group, whose files it could not read."""
        return self.illness is not None and "group node missing" in self.illness


async def looked(monitoring: str, stream: str, replicas: int) -> Look:
    """Look at the server with this monitoring URL. Raises OSError or ValueError where it does not answer."""
    server = await monitored(monitoring, "/varz")
    jetstream = await monitored(monitoring, "/jsz?accounts=true&streams=true&config=true")
    health = await monitored(monitoring, "/healthz")
    copy, off = copy_in(jetstream, stream), is_off(jetstream)
    findings = version_findings(str(server.get("version")))
    if not off:
        findings += server_findings(server)
    if copy is not None:
        findings += stream_findings(copy.config, stream, replicas)
    settings = (server.get("jetstream") or {}).get("config") or {}
    return Look(findings, copy, str(settings.get("store_dir") or ""), off, illness(health))


async def missing_members(monitoring: str, members: tuple[str, ...], own: str) -> tuple[str, ...]:
    """The other members whose servers this one is not connected with, by name; none where it does not say."""
    try:
        routes = await monitored(monitoring, "/routez")
    except (OSError, ValueError):
        return ()
    connected = {str(route.get("remote_name")) for route in routes.get("routes") or ()}
    return tuple(sorted({*members} - connected - {own}))
