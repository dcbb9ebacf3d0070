"""Which settings of stream and server keep every block, and what is wrong with those that are there.

All that can be asked over a client connection is asked there; whether the server syncs each write to disk is
told by its monitoring endpoint alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from node.guard_findings import copy_in, damage
from node.ledger import Finding
from node.monitoring import monitored
from node.nats_config import PAYLOAD_BYTES_MAX, VERSION_MIN

# Long enough for a retry after a change of leader. Copies that come later cost space and nothing else.
DUPLICATE_WINDOW_SECONDS = 120

REBUILD = "Where most of the servers have lost their data for good, see `yakujo rebuild`"
_MEND = "edit the stream, or make it anew while it is empty"

# What is not in `stream_config` and would take blocks away, change them or let them in by another way.
_MUST_BE_UNSET = (
    "mirror",
    "sources",
    "republish",
    "subject_transform",
    "sealed",
    "no_ack",
    "allow_rollup_hdrs",
    "allow_msg_ttl",
    "allow_msg_counter",
)


def stream_config(name: str, replicas: int) -> dict[str, Any]:
    """The configuration of the ledger's stream, as the JetStream API takes it; times in nanoseconds."""
    return {
        "name": name,
        "subjects": ["ledger.*"],
        "storage": "file",
        "num_replicas": replicas,
        "retention": "limits",
        "discard": "new",
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_bytes": -1,
        "max_age": 0,
        "max_msg_size": PAYLOAD_BYTES_MAX,
        "deny_delete": True,
        "deny_purge": True,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS * 1_000_000_000,
    }


def absence_findings(name: str, present: Iterable[str], *, may_make: bool) -> tuple[Finding, ...]:
    """Why a stream that is not there must not be made. present: names of those with the ledger's subjects.

    may_make: whether this node holds nothing yet of what was in it.
    """
    for other in sorted({*present} - {name}):
        text = f"the servers have the stream {other}, and this node looks for {name}: one of them is not in"
        return (Finding(f"{text} the generation that the members have signed; see `yakujo rebuild`"),)
    if not may_make:
        text = f"there is no stream {name}, yet this node holds blocks of it: has it been deleted?"
        return (Finding(f"{text} {REBUILD}"),)
    return ()


def stream_findings(config: Mapping[str, Any], name: str, replicas: int) -> tuple[Finding, ...]:
    """What differs in `config` from what a ledger needs."""
    findings = [
        Finding(f"stream {name}: {key} is {config.get(key, 'not set')}, must be {wanted}; {_MEND}")
        for key, wanted in stream_config(name, replicas).items()
        if config.get(key, type(wanted)()) != wanted
    ]
    findings += [
        Finding(f"stream {name}: {key} must not be set; {_MEND}") for key in _MUST_BE_UNSET if config.get(key)
    ]
    if config.get("persist_mode", "default") not in {"", "default"}:
        findings.append(Finding(f"stream {name}: persist_mode must be default, for async loses blocks"))
    return tuple(findings)


def version_findings(version: str) -> tuple[Finding, ...]:
    """Whether a server of `version`, such as 2.15.1 or v2.16.0-RC.1, is new enough."""
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if numbers is not None and tuple(map(int, numbers.groups())) >= VERSION_MIN:
        return ()
    floor = ".".join(map(str, VERSION_MIN))
    return (Finding(f"nats-server is version {version}: install {floor} or newer, older ones lose data"),)


async def monitoring_findings(url: str | None, stream: str) -> tuple[Finding, ...]:
    """What the server's own monitoring at `url` says of it."""
    if url is None:
        text = "no monitoring URL is set: whether the server syncs each write and has holes is not known"
        return (Finding(text, refuse=False),)
    try:
        server = await monitored(url, "/varz")
        jetstream = await monitored(url, "/jsz?accounts=true&streams=true&config=true")
    except (OSError, ValueError) as error:
        return (Finding(f"the server's monitoring at {url} does not answer ({error}): correct the URL"),)
    return (*server_findings(server), *hole_findings(jetstream, stream))


def server_findings(server: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What is wrong with a server's settings, in its answer of /varz."""
    jetstream = (server.get("jetstream") or {}).get("config")
    if not jetstream:
        return (Finding("JetStream is not enabled on the server: enable it in its configuration"),)
    if not jetstream.get("sync_always"):
        text = "the server does not sync each write to disk: set `sync_interval: always` under `jetstream`"
        return (Finding(f"{text}, and restart it"),)
    return ()


def hole_findings(jetstream: Mapping[str, Any], stream: str) -> tuple[Finding, ...]:
    """Whether the server's own copy of the stream lacks blocks, in its answer of /jsz."""
    copy = copy_in(jetstream, stream)
    found = damage(copy) if copy else None
    if found is None:
        return ()
    text = f"the server's copy of {stream} has holes ({found})"
    return (Finding(f"{text}: stop it, and have it resynchronised from its peers"),)
