"""Prometheus metrics of all workers, served on a private port by the supervising process.

Workers write to files in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is imported. Labels are
routes, methods, statuses and refusal codes: never a person.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

REQUESTS = Histogram(
    "gongdao_request_seconds",
    "HTTP requests and their time to the first byte of the answer",
    ["method", "route", "status"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5),
)
REFUSALS = Counter("gongdao_refusals_total", "Refused requests by code", ["code"])


class Measured:
    """An ASGI application whose requests are counted and timed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests: dict[tuple[str, str, int], Histogram] = {}

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
        known = cast("Mapping[str, Any]", scope)
        key = (str(known["method"]), str(known.get("path_template") or "none"), status)
        if key not in self._requests:
            self._requests[key] = REQUESTS.labels(*map(str, key))
        self._requests[key].observe(seconds)
