"""A lean HTTP/1.1 load generator: prebuilt requests over keep-alive connections, one epoll loop, one process.

Python's own HTTP clients cannot saturate one server core from another; writing prepared bytes and reading answers by
Content-Length can. Loopback only, bounded by the number of requests given.
"""

import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

RECEIVE_BYTES = 65_536
SILENCE_LIMIT_S = 20.0


class Answers(NamedTuple):
    """`bodies` in the order of the requests; `seconds` for all of them; `latencies_s` one by one."""

    seconds: float
    statuses: Counter[int]
    bodies: list[bytes]
    latencies_s: list[float]

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return len(self.bodies) / self.seconds


class _Connection:
    """One keep-alive connection with one request on its way."""

    def __init__(self, address: tuple[str, int], source: str) -> None:
        self.socket = socket.create_connection(address, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.number = -1
        self.sent_at = 0.0

    def send(self, number: int, request: bytes) -> None:
        self.number = number
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """The whole answer, or None while some of it is missing."""
        chunk = self.socket.recv(RECEIVE_BYTES)
        if not chunk:
            raise ConnectionError("the server closed a connection in the middle of an answer")
        self.buffer += chunk
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not gap:
            return None
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start : (head + b"\r\n").index(b"\r", start)])
        if len(body) < length:
            return None
        self.buffer = b""
        return int(head[9:12]), body


def post(path: str, *, body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    """One prepared request."""
    return _prepared("POST", path, body=body, headers=headers)


def get(path: str, *, headers: Sequence[str] = ()) -> bytes:
    """One prepared request."""
    return _prepared("GET", path, body=b"", headers=headers)


def _prepared(method: str, path: str, *, body: bytes, headers: Sequence[str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *headers]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def play(requests: Sequence[bytes], *, port: int, connections: int, source: str = "127.0.0.1") -> Answers:
    """Sends every request once, as fast as the answers come, over so many connections.

    Raises:
        TimeoutError: no answer for SILENCE_LIMIT_S.
    """
    opened = [_Connection(("127.0.0.1", port), source) for _ in range(min(connections, len(requests)))]
    bodies, latencies = [b""] * len(requests), [0.0] * len(requests)
    statuses: Counter[int] = Counter()
    waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
    with select.epoll() as poll:
        by_number = {connection.socket.fileno(): connection for connection in opened}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        started = time.perf_counter()
        for connection in opened:
            connection.send(*next(waiting))
        left = len(requests)
        while left:
            events = poll.poll(SILENCE_LIMIT_S)
            if not events:
                raise TimeoutError(f"{left} requests are not answered")
            for number, _ in events:
                connection = by_number[number]
                answer = connection.receive()
                if answer is None:
                    continue
                left -= 1
                statuses[answer[0]] += 1
                bodies[connection.number] = answer[1]
                latencies[connection.number] = time.perf_counter() - connection.sent_at
                following = next(waiting, None)
                if following is not None:
                    connection.send(*following)
        seconds = time.perf_counter() - started
    for connection in opened:
        connection.socket.close()
    return Answers(seconds, statuses, bodies, latencies)
