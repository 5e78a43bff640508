"""A lean HTTP/1.1 client for thousands of persistent connections in one process. Imports the standard library only.

A full client library costs more per request than the server under it, and the two share a machine in a demo. This one
speaks what a rush needs: small JSON bodies, Content-Length answers, one event stream; each connection may be bound to
a source address of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 20.0
HEAD_LIMIT_BYTES = 64 * 1024


class Origin(NamedTuple):
    """The server."""

    host: str
    port: int


class Answer(NamedTuple):
    """What came back; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswerError(ConnectionError):
    """The connection was refused, lost, or silent for too long. The request may have been done."""


class Connection:
    """Owns one persistent connection, opened when it is needed and again after it was lost."""

    def __init__(self, origin: Origin, *, source: str | None) -> None:
        self._origin = origin
        self._source = source
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.opened = 0

    async def open(self) -> None:
        """Connects, if it is not connected.

        Raises:
            NoAnswerError: the server does not accept.
        """
        if self._streams is not None:
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                self._streams = await asyncio.open_connection(
                    self._origin.host,
                    self._origin.port,
                    limit=HEAD_LIMIT_BYTES,
                    local_addr=(self._source, 0) if self._source else None,
                )
        except (OSError, TimeoutError) as error:
            raise NoAnswerError(f"no connection to {self._origin.host}:{self._origin.port}") from error
        self.opened += 1

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Sends one request and reads its answer whole.

        Raises:
            NoAnswerError: the outcome is not known; the next request connects anew.
        """
        await self.open()
        assert self._streams is not None  # noqa: S101 - `open` raises otherwise
        reader, writer = self._streams
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                writer.write(_head(self._origin, method, path, headers, len(body)) + body)
                status, answered = await _read_head(reader)
                content = await reader.readexactly(int(answered.get("content-length", "0")))
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.close()
            raise NoAnswerError(f"{method} {path}: {type(error).__name__}") from error
        except BaseException:
            # A cancelled request leaves an answer on its way that the next request must not take for its own.
            self.close()
            raise
        if answered.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, answered, content)

    async def events(self, path: str) -> AsyncGenerator[tuple[str, str]]:
        """(event, data) of a server-sent stream, until it ends.

        Raises:
            NoAnswerError: the stream was refused or lost.
        """
        await self.open()
        assert self._streams is not None  # noqa: S101 - `open` raises otherwise
        reader, writer = self._streams
        try:
            writer.write(_head(self._origin, "GET", path, {"Accept": "text/event-stream"}, 0))
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                status, _ = await _read_head(reader)
            if status != 200:
                raise NoAnswerError(f"GET {path}: {status}")
            event = ""
            async for line in _lines(reader):
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield event, line.removeprefix("data: ")
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise NoAnswerError(f"GET {path}: {type(error).__name__}") from error
        finally:
            self.close()

    def close(self) -> None:
        """Drops the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _head(origin: Origin, method: str, path: str, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {origin.host}:{origin.port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    elif method == "POST":
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(first.split(" ", 2)[1]), headers


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[str]:
    """The text lines of a chunked body."""
    kept = ""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        if size == 0:
            return
        kept += (await reader.readexactly(size)).decode()
        await reader.readexactly(2)
        *whole, kept = kept.replace("\r\n", "\n").split("\n")
        for line in whole:
            yield line
