"""One connection to one Valkey process, with every call of an event-loop tick sent in one write.

Imports redis-py (connecting, TLS, AUTH, reading) and hiredis (packing).

A lane lives exactly as long as its connection, and a connection as long as the server process at its other end. So
`run_id`, read once after connecting, is always the process that answers: a call fenced with it can never be served
by a restarted or promoted server that has older data.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from reservation.errors import Busy, Unavailable
from reservation.functions import Library

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 1.5
WAITING_LIMIT = 50_000
WATCH_EVERY_S = 0.25

_NOT_NOW = (TryAgainError, ClusterDownError, MasterDownError, OutOfMemoryError)
_NOT_NOW_CODES = ("LOADING", "BUSY", "MISCONF", "NOREPLICAS", "OOM", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN")


_OURS = ConnectionError("closed by us")

# hiredis declares a tuple of one for what takes any tuple.
_pack = cast("Callable[[tuple[bytes | str | float, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]


def reader_of(connection: AbstractConnection) -> Callable[..., Awaitable[Any]]:
    """The connection's `read_response`, whose answers redis-py leaves untyped."""
    return cast("Callable[..., Awaitable[Any]]", connection.read_response)


class Lane:
    """Owns one connected redis-py connection and the futures that wait for its answers, in order."""

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        run_id: str,
        clustered: bool,
        libraries: Sequence[Library],
        on_moved: Callable[[], None],
    ) -> None:
        self.run_id = run_id
        self.clustered = clustered
        self.closed = False
        self._on_moved = on_moved
        self._connection = connection
        self._names = {plain: called for library in libraries for plain, called in library.names.items()}
        self._out: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._wake = asyncio.Event()
        self._answered_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            self._loop.create_task(work(), name=f"valkey-{work.__name__}")
            for work in (self._write, self._read, self._watch)
        ]
        self.done: asyncio.Future[None] = self._loop.create_future()

    def function(self, name: str, key: str, *args: bytes | str | float) -> asyncio.Future[Any]:
        """FCALL with one key. See `command` for the errors."""
        return self.command(b"FCALL", self._names[name], 1, key, *args)

    def command(self, *command: bytes | str | float) -> asyncio.Future[Any]:
        """Queues one command for this tick's write.

        The future fails with `Unavailable` when the connection is lost or the answer takes longer than
        CALL_TIMEOUT_S (the server may still have done it: every function is safe to repeat), and with redis-py's
        `ResponseError` when the server refused the command.

        Raises:
            Unavailable: the lane is closed.
            Busy: WAITING_LIMIT answers are outstanding.
        """
        if self.closed:
            raise Unavailable(part="valkey")
        if len(self._waiting) >= WAITING_LIMIT:
            raise Busy(part="valkey")
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._waiting:
            self._answered_at = self._loop.time()
        self._waiting.append(future)
        self._out.append(_pack(command))
        self._wake.set()
        return future

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._out = self._out, []
            try:
                await self._connection.send_packed_command(b"".join(batch), check_health=False)
            except (RedisError, OSError) as error:
                self._lose(error)
                return

    async def _read(self) -> None:
        waiting = self._waiting
        read = reader_of(self._connection)
        while True:
            try:
                answer = await read(timeout=math.inf, disconnect_on_error=False)
            except ResponseError as error:
                answer = error
            except (RedisError, OSError) as error:
                self._lose(error)
                return
            self._answered_at = self._loop.time()
            future = waiting.popleft()
            if isinstance(answer, ResponseError):
                if not future.done():
                    future.set_exception(self._refusal(answer))
                if self.closed:
                    return
            elif not future.done():
                future.set_result(answer)

    def _refusal(self, error: ResponseError) -> Exception:
        """What a caller is told of an error answer; an answer that says "not me, not now" is `Unavailable`."""
        text = str(error)
        if isinstance(error, MovedError | AskError):
            self._on_moved()
        elif isinstance(error, ReadOnlyError) or "unction not found" in text:
            # Demoted to a replica, or somebody flushed the functions: a new lane finds the primary and loads them.
            self._lose(error)
        elif not isinstance(error, _NOT_NOW) and not text.startswith(_NOT_NOW_CODES):
            return error
        log.warning("valkey answered %s", text)
        return Unavailable(part="valkey")

    async def _watch(self) -> None:
        """A silent server is as good as a dead one: nothing waits longer than CALL_TIMEOUT_S."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if self._waiting and self._loop.time() - self._answered_at > CALL_TIMEOUT_S:
                self._lose(TimeoutError(f"no answer for {CALL_TIMEOUT_S} s"))
                return

    def _lose(self, reason: BaseException) -> None:
        if self.closed:
            return
        self.closed = True
        if reason is not _OURS:
            log.warning("valkey connection lost: %s", reason)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Unavailable(part="valkey"))
        if not self.done.done():
            self.done.set_result(None)

    async def close(self) -> None:
        """Closes the connection; what still waits fails with `Unavailable`."""
        self._lose(_OURS)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.disconnect(nowait=True)
