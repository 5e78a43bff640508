"""A unix-socket proxy between a kernel and a server, that can cut, delay or drop. Imports the standard library only.

A rule is told of everything the client sends, piece by piece: whole messages for PostgreSQL (`frames=True`), whatever
was read at once for Valkey. It passes a piece on, or does something worse.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

CHUNK_BYTES = 65536
LENGTH_BYTES = 4


class Link:
    """Owns one client's connection and ours to the server for it.

    `hold_back_s` delays the next answer; with `deaf` the client hears nothing any more; `answered` is set whenever
    the server has said something.
    """

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.hold_back_s = 0.0
        self.deaf = False
        self.answered = asyncio.Event()
        self._client = client
        self._server = server

    async def pass_on(self, data: bytes) -> None:
        """Sends a piece to the server."""
        self._server[1].write(data)
        await self._server[1].drain()

    def cut_client(self) -> None:
        """The client's connection is lost; the server knows nothing of it yet."""
        self.deaf = True
        self._client[1].transport.abort()

    def cut(self) -> None:
        """Both connections are lost."""
        self.cut_client()
        self._server[1].transport.abort()

    async def answers(self) -> None:
        """Carries what the server says to the client, until either is gone."""
        with suppress(OSError):  # cut, by us or by either end
            while data := await self._server[0].read(CHUNK_BYTES):
                self.answered.set()
                if self.hold_back_s:
                    delay_s, self.hold_back_s = self.hold_back_s, 0.0
                    await asyncio.sleep(delay_s)
                if not self.deaf:
                    self._client[1].write(data)
                    await self._client[1].drain()
        self._client[1].transport.abort()

    async def requests(self, rule: "Rule", *, frames: bool) -> None:
        """Hands what the client says to the rule, until the client is gone."""
        with suppress(OSError, asyncio.IncompleteReadError):
            if frames:
                await self._frames(rule)
            while data := await self._client[0].read(CHUNK_BYTES):
                await rule(self, data)
        if not self.deaf:
            self._server[1].transport.abort()

    async def _frames(self, rule: "Rule") -> None:
        """PostgreSQL's messages: a length and a body first, then always a type, a length and a body."""
        reader = self._client[0]
        kind = b""
        while True:
            length = await reader.readexactly(LENGTH_BYTES)
            body = await reader.readexactly(int.from_bytes(length) - LENGTH_BYTES)
            if kind:
                await rule(self, kind + length + body)
            else:
                await self.pass_on(length + body)
            kind = await reader.readexactly(1)


Rule = Callable[[Link, bytes], Awaitable[None]]


class Proxy:
    """Owns a listening socket of its own, in front of the server at `upstream`."""

    def __init__(self, upstream: Path, *, name: str, rule: Rule, frames: bool = False) -> None:
        self._upstream = upstream
        self._rule = rule
        self._frames = frames
        # A socket's path may have 107 bytes: a test's own folder is too deep.
        self._folder = tempfile.TemporaryDirectory(prefix="gongdao-proxy-")
        self.path = Path(self._folder.name, name)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        try:
            upstream = await asyncio.open_unix_connection(self._upstream)
        except OSError:
            # The server is down: so are we, as far as the client can tell.
            writer.transport.abort()
            return
        link = Link((reader, writer), upstream)
        try:
            await asyncio.gather(link.answers(), link.requests(self._rule, frames=self._frames))
        finally:
            link.cut()
