"""How pools stand, for operators who watch: one question a second to each store, however many watch in this worker.

Imports the kernel. The figures are over all workers: live counts and the pace from Valkey, bookings from PostgreSQL.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select

from booking_api import clock
from reservation import Kernel, Pulse, read_pulse, tables
from reservation.errors import Busy
from reservation.fresh import Fresh
from reservation.pulse import MINUTES_LIMIT
from reservation.transaction import transaction

FRESH_S = 0.9
WATCHERS_LIMIT = 100
"""Streams of one worker."""
UNITS_LIMIT = 2_000
"""Sessions of a pool that are counted, the first ones to come."""


class UnitNow(NamedTuple):
    """A session to come, with PostgreSQL's counts."""

    id: int
    title: dict[str, str]
    site: str | None
    starts_at: datetime | None
    capacity: int
    booked: int
    promised: int


class Now(NamedTuple):
    """A pool's sessions to come, and its pulse."""

    units: Sequence[UnitNow]
    pulse: Pulse


class Pulses:
    """Owns what one worker has just read of pools, and how many streams show it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._read: Fresh[Now] = Fresh(FRESH_S)
        self._watching = 0

    async def now(self, pool_id: int) -> Now:
        """How the pool stands, as of the last second.

        Raises:
            UnknownPool: there is none.
            Rebuilding, Unavailable, Busy: try again later.
        """

        async def read() -> Now:
            units = await self._units(pool_id)
            pulse = await read_pulse(
                self._kernel, pool_id=pool_id, units=[unit.id for unit in units], minutes=MINUTES_LIMIT
            )
            return Now(units, pulse)

        return await self._read.get(pool_id, read)

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Around each stream.

        Raises:
            Busy: WATCHERS_LIMIT are open in this worker.
        """
        if self._watching >= WATCHERS_LIMIT:
            raise Busy(part="pulses")
        self._watching += 1
        try:
            yield
        finally:
            self._watching -= 1

    async def _units(self, pool_id: int) -> list[UnitNow]:
        unit = tables.unit.c
        query = (
            select(unit.id, unit.title, unit.site, unit.starts_at, unit.capacity, unit.booked, unit.promised)
            .where(unit.pool_id == pool_id, or_(unit.ends_at.is_(None), unit.ends_at > clock.now()))
            .order_by(unit.starts_at, unit.id)
            .limit(UNITS_LIMIT)
        )
        async with transaction(self._kernel.reads) as connection:
            rows = (await connection.execute(query)).all()
        return [UnitNow(*row) for row in rows]
