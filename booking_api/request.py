"""Requests and answers of the API without the framework's costlier conveniences. Imports Litestar and msgspec.

Measured, the framework's own reading of a body and its building of an answer cost as much as a call to Valkey each.
"""

from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ASGIApp, Empty, Receive, Scope, Send

AnyRequest = Request[Any, Any, State]
T = TypeVar("T")

BODY_LIMIT_BYTES = 64 * 1024
BODY_LIMIT = "body_limit_bytes"
"""The option of a route whose bodies may be longer than that."""


class LeanRequest(Request[Any, Any, State]):
    """A request whose body is read straight from the server, within BODY_LIMIT_BYTES, or what its route's options say."""

    async def body(self) -> bytes:
        """The whole body; read once.

        Raises:
            RequestEntityTooLarge: it is, or is announced to be, longer than the limit.
            ClientException: the client went away in the middle of it.
        """
        known = self._connection_state.body
        if known is not Empty:
            return known
        limit = self.scope["route_handler"].opt.get(BODY_LIMIT, BODY_LIMIT_BYTES)
        announced = header(self, b"content-length")
        if announced is not None and announced.isdecimal() and int(announced) > limit:
            raise RequestEntityTooLarge
        body, more = b"", True
        while more:
            event = await self.receive()
            if event["type"] != "http.request":
                raise ClientException("the client went away")
            body += event["body"]
            if len(body) > limit:
                raise RequestEntityTooLarge
            more = event.get("more_body", False)
        # Shared by every request object of this connection: nobody waits for a body that was read before.
        self._connection_state.body = body
        return body


class Answer(Response[T]):
    """An answer in JSON with the gate's headers; no cookies, no background work, no hooks."""

    def __init__(self, content: T, *, status_code: int, headers: dict[str, str]) -> None:
        self.content = content
        self.status_code = status_code
        self.headers = headers

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the server is to send."""
        body = b"" if self.status_code == 204 else msgspec.json.encode(self.content)
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        if self.status_code != 204:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", b"%d" % len(body)))
        return _Sent(self.status_code, headers, body)


class _Sent:
    """One prepared answer as an ASGI application."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


def header(request: AnyRequest, name: bytes) -> str | None:
    """One header by its lower-case name, the last if it is repeated; no mapping of all headers is built for it."""
    found = None
    for key, value in request.scope["headers"]:
        if key == name:
            found = value
    return found.decode("latin-1") if found is not None else None
