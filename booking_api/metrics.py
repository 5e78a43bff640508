"""Prometheus metrics of all workers, served on a private port by the supervising process.

Workers write to files in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is imported. Labels are
routes, methods, statuses and refusal codes: never a person.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

REQUESTS = Counter("gongdao_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram(
    "gongdao_request_seconds",
    "Time to the first byte of the answer, of one request in eight",
    ["route"],
    buckets=(0.0025, 0.01, 0.05, 0.25, 1.0, 5.0),
)
TIMED_ONE_IN = 8
"""A timing costs three counters in shared memory, some microseconds of each request; one in eight tells as much."""

REFUSALS = Counter("gongdao_refusals_total", "Refused requests by code", ["code"])


FLUSH_EVERY_S = 1.0


class Measured:
    """An ASGI application whose requests are counted, and one in TIMED_ONE_IN timed.

    Counts gather in memory and reach the shared counters at most FLUSH_EVERY_S later, or when the worker stops: a
    counter in shared memory costs some microseconds of each request. A killed worker takes its last second along.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._counted: dict[tuple[str, str, int], int] = {}
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; counts it when its answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            self._flush()
            return
        self._turn = (self._turn + 1) % TIMED_ONE_IN
        started = time.perf_counter() if self._turn == 0 else None

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = self._count(scope, message["status"])
                if started is not None:
                    SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counted)

    def _count(self, scope: Scope, status: int) -> str:
        # The route's template, so that ids do not become labels; a path no route has is one label for all.
        known = cast("Mapping[str, Any]", scope)
        route = known.get("path_template") or "none"
        key = (known["method"], route, status)
        counted = self._counted
        if not counted:
            asyncio.get_running_loop().call_later(FLUSH_EVERY_S, self._flush)
        counted[key] = counted.get(key, 0) + 1
        return route

    def _flush(self) -> None:
        counted, self._counted = self._counted, {}
        for key, times in counted.items():
            if key not in self._counters:
                self._counters[key] = REQUESTS.labels(*map(str, key))
            self._counters[key].inc(times)
