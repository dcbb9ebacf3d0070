"""How much clients may ask for: connections, requests under way, requests per second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, Field

from adapters.http_call import refused

CALLS_PER_CLIENT_MAX = 8
RETRY_SECONDS = 1


class HttpLimits(BaseModel):
    """Bounds for all clients together, and for each.

    head_seconds: from the connection to a whole head of a request, and between two requests of it.
    body_seconds: for a whole body. calls_per_second, burst: of one client. calls_per_client: under way, long
    polls among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: int = Field(default=256, ge=1, le=10_000)
    calls: int = Field(default=64, ge=1, le=1_000)
    calls_per_client: int = Field(default=CALLS_PER_CLIENT_MAX, ge=1, le=100)
    calls_per_second: float = Field(default=50.0, gt=0, le=10_000)
    burst: int = Field(default=100, ge=1, le=10_000)
    head_seconds: float = Field(default=30.0, gt=0, le=300)
    body_seconds: float = Field(default=30.0, gt=0, le=300)


class Admission:
    """Lets requests in as far as there is room. clock: seconds that never go back."""

    def __init__(self, limits: HttpLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._under_way: dict[str, int] = {}
        self._left: dict[str, tuple[float, float]] = {}
        """By client: how many requests may come at once, and as of when."""

    @contextmanager
    def admitted(self, client: str) -> Iterator[None]:
        """Count a request of a client while it is under way. Raises RefusedError where there is no room."""
        self._check_rate(client)
        again = {"Retry-After": str(RETRY_SECONDS)}
        if self._under_way.get(client, 0) >= self._limits.calls_per_client:
            text = f"{self._limits.calls_per_client} requests of yours are under way: await one of them first"
            raise refused(429, text, headers=again)
        if sum(self._under_way.values()) >= self._limits.calls:
            raise refused(503, "all room is taken now: ask again later", headers=again)
        self._under_way[client] = self._under_way.get(client, 0) + 1
        try:
            yield
        finally:
            self._under_way[client] -= 1

    def _check_rate(self, client: str) -> None:
        now, (left, since) = self._clock(), self._left.get(client, (float(self._limits.burst), 0.0))
        left = min(float(self._limits.burst), left + (now - since) * self._limits.calls_per_second)
        if left < 1:
            wait = max(RETRY_SECONDS, round((1 - left) / self._limits.calls_per_second))
            text = f"more than {self._limits.calls_per_second:g} requests a second: slow down"
            raise refused(429, text, headers={"Retry-After": str(wait)})
        self._left[client] = (left - 1, now)
