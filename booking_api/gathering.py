"""Reads by key for many askers at once. Imports asyncpg and SQLAlchemy.

While one read is on its way the next one's askers gather: a rush costs one statement for dozens of people, and one
connection however many they are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.exc import SQLAlchemyError

from reservation import Kernel
from reservation.errors import ReservationError, Unavailable
from reservation.failure import describe
from reservation.transaction import transaction

AT_ONCE = 256
KEPT = 1_024

Key = TypeVar("Key", bound=Hashable)
Facts = TypeVar("Facts")
log = logging.getLogger(__name__)


class Reader(Generic[Key, Facts]):
    """Owns the askers that wait, the read on its way, and what was read within `fresh_s`.

    `read` gives what it finds of at most AT_ONCE keys; of the others there is `nothing`. With a `fresh_s` of 0 nothing is
    remembered: whoever asks is told what was read after they asked.
    """

    def __init__(
        self,
        read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Facts]]],
        *,
        nothing: Facts,
        fresh_s: float = 0.0,
    ) -> None:
        self._read = read
        self._nothing = nothing
        self._fresh_s = fresh_s
        self._waiting: dict[Key, list[asyncio.Future[Facts]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._known: dict[Key, tuple[float, Facts]] = {}

    async def of(self, key: Key, *, fresh: bool = False) -> Facts:
        """The facts about this one, at most `fresh_s` old, or read now with `fresh`.

        Raises:
            what `read` raises: Unavailable, Busy when PostgreSQL does not answer.
        """
        loop = asyncio.get_running_loop()
        until, known = self._known.get(key, (0.0, self._nothing))
        if not fresh and loop.time() < until:
            return known
        future: asyncio.Future[Facts] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None:
            self._task = loop.create_task(self._drain(), name="gathered read")
        return await future

    async def _drain(self) -> None:
        # One turn of the loop first: the requests that arrived together are asked about together.
        await asyncio.sleep(0)
        try:
            while self._waiting:
                keys = list(self._waiting)[:AT_ONCE]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    found = await self._read(keys)
                except (ReservationError, SQLAlchemyError, OSError, TimeoutError) as error:
                    _fail(asked.values(), error)
                    continue
                except BaseException as error:
                    _fail(asked.values(), error)
                    raise
                if self._fresh_s:
                    self._remember({key: found.get(key, self._nothing) for key in keys})
                for key, futures in asked.items():
                    for future in futures:
                        if not future.done():
                            future.set_result(found.get(key, self._nothing))
        finally:
            self._task = None
            waiting, self._waiting = self._waiting, {}
            _fail(waiting.values(), asyncio.CancelledError())

    def _remember(self, found: Mapping[Key, Facts]) -> None:
        if len(self._known) + len(found) > KEPT:
            self._known = {}
        until = asyncio.get_running_loop().time() + self._fresh_s
        self._known |= {key: (until, facts) for key, facts in found.items()}


def _fail(waiting: Iterable[list[asyncio.Future[Any]]], error: BaseException) -> None:
    for futures in waiting:
        for future in futures:
            if not future.done():
                future.set_exception(error)


async def fetch(kernel: Kernel, statement: str, keys: Sequence[Any]) -> Sequence[Any]:
    """The rows of a statement whose one parameter is a list of keys, from the driver directly.

    For what is in every hold's or page's way: measured, the toolkit's own work on a statement costs four times the
    driver's.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(kernel.reads) as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        try:
            return await driver.fetch(statement, keys)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Past SQLAlchemy's back: it must be told that the connection may be no good any more.
            await connection.invalidate()
            log.warning("gathered read: %s", describe(error))
            raise Unavailable(part="postgresql") from error
