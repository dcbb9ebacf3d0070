"""What a nats-server says of itself at its monitoring URL: JSON objects, over HTTP.

    await monitored(url, "/varz")       docs.nats.io, "Monitoring NATS"

What the objects say is read in node.guard_findings and node.jetstream_settings.
"""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

MONITORING_SECONDS = 5.0
MONITORING_BYTES_MAX = 16 * 1024 * 1024

# A server on loopback, or in the SP's own network: never by way of a proxy of the environment.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def monitored(url: str, path: str) -> dict[str, Any]:
    """The JSON object at `path`, also where it comes with an error status; OSError or ValueError."""
    return await asyncio.to_thread(_fetched, f"{url}{path}")


def _fetched(url: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise ValueError("a monitoring URL begins with http:// or https://")
    try:
        with _DIRECT.open(url, timeout=MONITORING_SECONDS) as answer:
            text = answer.read(MONITORING_BYTES_MAX)
    except urllib.error.HTTPError as error:  # /healthz says with 503 what is wrong
        with error:
            text = error.read(MONITORING_BYTES_MAX)
    fetched = json.loads(text)
    if not isinstance(fetched, dict):
        raise ValueError("the answer is not a JSON object")
    return fetched
