"""One connection to one Valkey process, with one batch of calls on its way at a time.

A call goes out at the end of its event-loop tick if nothing is on its way, else with everything that gathers until the
answers are back: alone it does not wait, and in a rush one write and one read serve many calls.

Imports redis-py (connecting, TLS, AUTH) and hiredis (packing, parsing). redis-py makes the connection and signs in;
then the lane takes over its transport, because a task switch per answer would cost more than the answer.

A lane lives exactly as long as its connection, and a connection as long as the server process at its other end. So
`run_id`, read once after connecting, is always the process that answers: a call fenced with it can never be served
by a restarted or promoted server that has older data.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from reservation.errors import Busy, Unavailable
from reservation.functions import Library

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 1.5
WAITING_LIMIT = 50_000
WATCH_EVERY_S = 0.25

# Answers that say "not me" or "not now": the caller may repeat, here or where the map then points.
_MOVED = ("MOVED", "ASK")
_NOT_A_PRIMARY = ("READONLY", "ERR Function not found")
_NOT_NOW = ("LOADING", "BUSY", "MISCONF", "NOREPLICAS", "OOM", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN")

_OURS = ConnectionError("closed by us")

# hiredis declares a tuple of one for what takes any tuple.
_pack = cast("Callable[[tuple[bytes | str | float, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]


class Lane(asyncio.Protocol):
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
        self._on_its_way = 0
        self._flush_due = False
        self._answered_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._parser = hiredis.Reader(replyError=ResponseError)
        self._transport = _take_over(connection, self)
        self._watch = self._loop.call_later(WATCH_EVERY_S, self._look)

    def function(self, name: str, key: str, *args: bytes | str | float) -> asyncio.Future[Any]:
        """FCALL with one key. See `command` for the errors."""
        return self.command(b"FCALL", self._names[name], b"1", key, *args)

    def function_over(
        self, name: str, keys: Sequence[str], *args: bytes | str | float
    ) -> asyncio.Future[Any]:
        """FCALL with several keys; on a cluster they must share a slot. See `command` for the errors."""
        return self.command(b"FCALL", self._names[name], len(keys), *keys, *args)

    def command(self, *command: bytes | str | float) -> asyncio.Future[Any]:
        """Queues one command for the next write.

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
        packed = _pack(command)
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._waiting:
            self._answered_at = self._loop.time()
        self._waiting.append(future)
        self._out.append(packed)
        if not self._on_its_way:
            self._flush_soon()
        return future

    async def close(self) -> None:
        """Closes the connection; what still waits fails with `Unavailable`."""
        self._lose(_OURS)
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        """Hands each whole answer to the future that waits for it."""
        self._parser.feed(data)
        self._answered_at = self._loop.time()
        while not self.closed:
            try:
                answer = self._parser.gets()
            except (hiredis.ProtocolError, UnicodeError) as error:
                self._lose(error)
                return
            if answer is False:
                break
            self._on_its_way -= 1
            future = self._waiting.popleft()
            refusal = self._refusal(answer) if isinstance(answer, ResponseError) else None
            if future.done():
                continue
            if refusal is not None:
                future.set_exception(refusal)
            else:
                future.set_result(answer)
        if self._out and not self._on_its_way:
            # After the callers just answered have run, so that their next calls travel in this batch.
            self._flush_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server is gone, or the network to it."""
        self._lose(exc or ConnectionError("the server closed the connection"))

    def eof_received(self) -> bool:
        """Half a connection is none: closes it."""
        return False

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if not self.closed:
            batch, self._out = self._out, []
            self._on_its_way += len(batch)
            self._transport.write(b"".join(batch))

    def _refusal(self, error: ResponseError) -> Exception:
        text = str(error)
        if text.startswith(_MOVED):
            self._on_moved()
        elif text.startswith(_NOT_A_PRIMARY):
            # Demoted to a replica, or somebody flushed the functions: a new lane finds the primary and loads them.
            self._lose(error)
        elif not text.startswith(_NOT_NOW):
            return error
        log.warning("valkey answered %s", text)
        return Unavailable(part="valkey")

    def _look(self) -> None:
        """A silent server is as good as a dead one: nothing waits longer than CALL_TIMEOUT_S."""
        if self._waiting and self._loop.time() - self._answered_at > CALL_TIMEOUT_S:
            self._lose(TimeoutError(f"no answer for {CALL_TIMEOUT_S} s"))
        else:
            self._watch = self._loop.call_later(WATCH_EVERY_S, self._look)

    def _lose(self, reason: BaseException) -> None:
        if self.closed:
            return
        self.closed = True
        if reason is not _OURS:
            log.warning("valkey connection lost: %s", reason)
        self._watch.cancel()
        self._transport.abort()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Unavailable(part="valkey"))
        if not self.done.done():
            self.done.set_result(None)


def _take_over(connection: AbstractConnection, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
    """Makes the connected, signed-in transport speak to us; every answer to redis-py has been read by now."""
    writer = connection._writer  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if writer is None:
        raise Unavailable(part="valkey")
    transport = writer.transport
    transport.set_protocol(protocol)
    return transport
