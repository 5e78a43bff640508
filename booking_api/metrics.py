"""Prometheus metrics of all workers, served on a private port by the supervising process.

Workers write to files in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is imported. Labels are
routes, methods, statuses and refusal codes: never a person.
"""

import time
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

REQUESTS = Counter("gongdao_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram(
    "gongdao_request_seconds",
    "Time to the first byte of the answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
REFUSALS = Counter("gongdao_refusals_total", "Refused requests by code", ["code"])


class Measured:
    """An ASGI application whose requests are counted and timed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests: dict[tuple[str, str, int], Any] = {}
        self._seconds: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; counts it when its answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"], time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counted)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template, so that ids do not become labels; a path no route has is one label for all.
        route = scope.get("path_template") or "none"  # pyright: ignore[reportUnknownVariableType]
        key = (scope["method"], str(route), status)  # pyright: ignore[reportGeneralTypeIssues]
        if key not in self._requests:
            self._requests[key] = REQUESTS.labels(*map(str, key))
        if key[1] not in self._seconds:
            self._seconds[key[1]] = SECONDS.labels(key[1])
        self._requests[key].inc()
        self._seconds[key[1]].observe(seconds)
