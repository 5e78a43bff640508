"""One client's HTTP connection, bound to its own loopback address. Imports gevent and geventhttpclient.

Lighter than Locust's own client: no cookies, redirects or formatted errors, which a load generator on the server's
own cores would pay for with the server's time.
"""

from typing import Any, NamedTuple

import gevent
import gevent.socket
import msgspec
from geventhttpclient.client import HTTPClient
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError
from geventhttpclient.url import URL

from loadtest.journal import NO_ANSWER

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0


class Answer(NamedTuple):
    """What the server said. `code` is a problem's code, empty for a success.

    Status 0 means that no answer came, and `why` tells what the connection said instead.
    """

    status: int
    code: str
    body: dict[str, Any]
    retry_after_s: float
    why: str = ""

    @property
    def succeeded(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300


class Fetched(NamedTuple):
    """An answer as it came. `location` is where a page sends its browser, empty when it does not."""

    status: int
    content: bytes
    location: str
    retry_after_s: float


class _BoundPool(ConnectionPool):
    """Connections that leave from one source address."""

    def __init__(self, source: str, **options: Any) -> None:
        super().__init__(**options)
        self._source = source

    def _connect_socket(self, sock: gevent.socket.socket, address: Any) -> gevent.socket.socket:
        sock.bind((self._source, 0))
        return super()._connect_socket(sock, address)


class Connection(HTTPClient):
    """Owns one client's connections: one, and another for what it does twice at once."""

    def __init__(self, url: str, *, source: str, at_once: int) -> None:
        server = URL(url)
        super().__init__(server.host, server.port)
        self._connection_pool = _BoundPool(
            source,
            connection_host=server.host,
            connection_port=server.port,
            request_host=server.host,
            request_port=server.port,
            size=at_once,
            connection_timeout=CONNECT_TIMEOUT_S,
            network_timeout=ANSWER_TIMEOUT_S,
        )

    def fetch(self, method: str, path: str, *, body: bytes, headers: dict[str, str]) -> Fetched | Answer:
        """One request. A failure of the connection is an answer too: the client has learnt nothing."""
        try:
            response = self.request(method, path, body=body, headers=headers)
            content = bytes(response.read())
        except (OSError, HTTPParseError, gevent.Timeout) as error:
            return Answer(0, NO_ANSWER, {}, 0.0, repr(error))
        retry_after_s = float(str(response.get("retry-after", "0")))
        return Fetched(int(response.status_code), content, str(response.get("location", "")), retry_after_s)

    def ask(self, method: str, path: str, *, body: bytes, headers: dict[str, str]) -> Answer:
        """One request of the API."""
        fetched = self.fetch(method, path, body=body, headers=headers)
        if isinstance(fetched, Answer):
            return fetched
        try:
            told = msgspec.json.decode(fetched.content) if fetched.content else {}
        except msgspec.DecodeError:
            told = {"code": "unreadable"}
        status = fetched.status
        code = "" if 200 <= status < 300 else str(told.get("code", f"http_{status}"))
        return Answer(status, code, told, fetched.retry_after_s)
