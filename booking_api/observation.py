"""The outermost layer of a worker: gives every request its id, counts it, times it, logs and traces it.

Imports Litestar's types, metrics, access lines, the addresses of our proxies. On the path of every hold and confirm:
what is not needed to pass a request on is done when its answer has begun, and only for those that are of interest.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter

from booking_api.access_lines import AccessLines
from booking_api.gate.addresses import ClientAddress
from booking_api.metrics import REQUESTS, SECONDS
from booking_api.request_id import HEADER, REQUEST_ID, brought_id, make_request_ids
from booking_api.telemetry import TRACEPARENT, Tracing

TIMED_ONE_IN = 8
"""A timing costs three counters in shared memory, some microseconds of each request; one in eight tells as much."""
FLUSH_EVERY_S = 1.0


class Observed:
    """An ASGI application whose requests are seen.

    Counts gather in memory and reach the shared counters at most FLUSH_EVERY_S later, or when the worker stops: a
    counter in shared memory costs some microseconds of each request. A killed worker takes its last second along.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        trusted_proxies: Sequence[str] = (),
        log_requests: str = "failures",
        tracing: Tracing | None = None,
    ) -> None:
        self._app = app if tracing is None else _Traced(app, tracing, trusted_proxies)
        self._tracing = tracing
        self._proxies = ClientAddress(trusted_proxies) if trusted_proxies else None
        self._lines = AccessLines(log_requests)
        self._ids = make_request_ids()
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._counted: dict[tuple[str, str, int], int] = {}
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; sees to it when its answer starts."""
        if cast("Mapping[str, Any]", scope)["type"] != "http":
            await self._app(scope, receive, send)
            self._close()
            return
        started_s = time.perf_counter()
        request_id = (self._proxies and _brought(scope, self._proxies)) or next(self._ids)
        REQUEST_ID.set(request_id)
        answered = False

        async def observed(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                # A new list: a prepared answer may be sent to others too.
                message["headers"] = [*message["headers"], (HEADER, request_id.encode())]
                self._note(scope, message["status"], time.perf_counter() - started_s)
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            if not answered:
                # The server answers for us, with nothing but a status.
                self._note(scope, 500, time.perf_counter() - started_s)
            raise

    def _note(self, scope: Scope, status: int, elapsed_s: float) -> None:
        # The route's template, so that ids do not become labels; a path no route has is one label for all.
        known = cast("Mapping[str, Any]", scope)
        route = known.get("path_template") or "none"
        key = (known["method"], route, status)
        counted = self._counted
        if not counted:
            asyncio.get_running_loop().call_later(FLUSH_EVERY_S, self._flush)
        counted[key] = counted.get(key, 0) + 1
        self._turn = (self._turn + 1) % TIMED_ONE_IN
        if self._turn == 0:
            SECONDS.labels(route).observe(elapsed_s)
        if self._lines.wants(status, elapsed_s):
            self._lines.write(method=known["method"], route=route, status=status, elapsed_s=elapsed_s)

    def _flush(self) -> None:
        counted, self._counted = self._counted, {}
        for key, times in counted.items():
            if key not in self._counters:
                self._counters[key] = REQUESTS.labels(*map(str, key))
            self._counters[key].inc(times)

    def _close(self) -> None:
        self._flush()
        if self._tracing is not None:
            self._tracing.close()


class _Traced:
    """An ASGI application whose requests are spans."""

    def __init__(self, app: ASGIApp, tracing: Tracing, trusted_proxies: Sequence[str]) -> None:
        self._app = app
        self._tracing = tracing
        self._proxies = ClientAddress(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = cast("Mapping[str, Any]", scope)
        if known["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        parent = _header(scope, TRACEPARENT) if self._proxies.is_near(scope) else None
        with self._tracing.request(
            known["method"],
            request_id=REQUEST_ID.get() or "",
            traceparent=parent.decode("latin-1") if parent else None,
        ) as span:
            try:
                await self._app(scope, receive, noted)
            finally:
                span.end(route=known.get("path_template") or "none", status=status)


def _brought(scope: Scope, proxies: ClientAddress) -> str | None:
    """The id that a proxy of ours has sent along."""
    value = _header(scope, HEADER)
    return brought_id(value) if value is not None and proxies.is_near(scope) else None


def _header(scope: Scope, name: bytes) -> bytes | None:
    """A header, the last if it is repeated: proxies add theirs after what they were given."""
    return next((value for key, value in reversed(list(scope["headers"])) if key == name), None)
