"""What there is, in pages: pools, a pool's units, an owner's bookings. Imports the kernel; changes nothing.

A page goes on from the id after which it is asked for (keyset paging): it costs the same wherever it begins, and what is
added meanwhile shifts nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, select

from reservation import tables
from reservation.change import booking_of_row
from reservation.errors import ReservationError, UnknownUnit
from reservation.hold import free_places
from reservation.kernel import Kernel, pool_of_row
from reservation.model import Booking, Pool, Unit, UnitKind
from reservation.transaction import transaction


class PoolFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which pools; None is any."""

    authority: str | None = None
    service: str | None = None
    rule: str | None = None
    state: str | None = None


class UnitFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a pool's units; None is any. `stocked`: only those PostgreSQL has places of, held or not."""

    site: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    attributes: Mapping[str, str] = {}
    stocked: bool = False


class BookingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an owner's bookings; None is any. Times are those of the booked units."""

    state: str | None = None
    service: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None


EVERY_POOL, EVERY_UNIT, EVERY_BOOKING = PoolFilter(), UnitFilter(), BookingFilter()


async def pools_of(
    kernel: Kernel, *, wanted: PoolFilter = EVERY_POOL, after: int = 0, limit: int
) -> list[Pool]:
    """Pools in id order from the one after `after`.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    pool = tables.pool
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    query = select(pool).filter_by(**given).where(pool.c.id > after).order_by(pool.c.id).limit(limit)
    async with transaction(kernel.reads) as connection:
        return [pool_of_row(dict(row)) for row in (await connection.execute(query)).mappings()]


async def units_of(
    kernel: Kernel, *, pool_id: int, wanted: UnitFilter = EVERY_UNIT, after: int = 0, limit: int
) -> list[Unit]:
    """The pool's units in id order from the one after `after`, with live counts where Valkey answers.

    PostgreSQL's counts of unfiltered pages may be a moment old (`kernel.pages`): a crowd looking costs one read.

    Raises:
        UnknownPool: there is none.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    await kernel.pool(pool_id)
    unit = tables.unit
    query = select(unit).where(unit.c.pool_id == pool_id, unit.c.id > after, *_of_units(wanted))
    query = query.order_by(unit.c.id).limit(limit)

    async def read() -> Sequence[Row[Any]]:
        async with transaction(kernel.reads) as connection:
            return (await connection.execute(query)).all()

    # Filters are many and each is asked for by few: remembered, they would only push the crowd's page out.
    rows = await (kernel.pages.get((pool_id, after, limit), read) if wanted == EVERY_UNIT else read())
    free = await _free_or_unknown(kernel, pool_id, [row.id for row in rows])
    return [_unit(row, count) for row, count in zip(rows, free, strict=True)]


async def find_unit(kernel: Kernel, *, unit_id: int) -> Unit:
    """One unit, with its live count if Valkey answers.

    Raises:
        UnknownUnit: there is none.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    found = await find_units(kernel, unit_ids=[unit_id])
    if unit_id not in found:
        raise UnknownUnit(unit=unit_id)
    return found[unit_id]


async def find_units(kernel: Kernel, *, unit_ids: Sequence[int]) -> dict[int, Unit]:
    """Those of these units that there are, with their live counts where Valkey answers.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    query = select(tables.unit).where(tables.unit.c.id.in_(unit_ids)).order_by(tables.unit.c.pool_id)
    async with transaction(kernel.reads) as connection:
        rows = (await connection.execute(query)).all()
    found: dict[int, Unit] = {}
    for pool_id, group in groupby(rows, key=lambda row: row.pool_id):
        units = list(group)
        free = await _free_or_unknown(kernel, pool_id, [row.id for row in units])
        found |= {row.id: _unit(row, count) for row, count in zip(units, free, strict=True)}
    return found


async def bookings_of(
    kernel: Kernel,
    *,
    owner: str,
    wanted: BookingFilter = EVERY_BOOKING,
    before: str | None = None,
    limit: int,
) -> list[Booking]:
    """The owner's bookings, newest first, from the one before the booking `before`.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    booking, unit = tables.booking, tables.unit
    query = select(booking).where(booking.c.owner == owner).order_by(booking.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(booking.c.id < before)
    if wanted.state is not None:
        query = query.where(booking.c.state == wanted.state)
    if wanted.service is not None:
        query = query.where(booking.c.service == wanted.service)
    if times := _of_times(wanted.starts_from, wanted.starts_before):
        query = query.join(unit, unit.c.id == booking.c.unit_id).where(*times)
    async with transaction(kernel.reads) as connection:
        return [booking_of_row(row) for row in (await connection.execute(query)).all()]


def _of_units(wanted: UnitFilter) -> list[ColumnElement[bool]]:
    unit = tables.unit.c
    conditions = _of_times(wanted.starts_from, wanted.starts_before)
    if wanted.site is not None:
        conditions.append(unit.site == wanted.site)
    if wanted.attributes:
        conditions.append(unit.attributes.contains(dict(wanted.attributes)))
    if wanted.stocked:
        conditions.append(unit.booked + unit.promised < unit.capacity)
    return conditions


def _of_times(starts_from: datetime | None, starts_before: datetime | None) -> list[ColumnElement[bool]]:
    starts_at = tables.unit.c.starts_at
    conditions: list[ColumnElement[bool]] = []
    if starts_from is not None:
        conditions.append(starts_at >= starts_from)
    if starts_before is not None:
        conditions.append(starts_at < starts_before)
    return conditions


async def _free_or_unknown(kernel: Kernel, pool_id: int, units: list[int]) -> list[int | None]:
    """Reads stay open when Valkey is down: the counts are then not known, PostgreSQL's are still shown."""
    if not units:
        return []
    try:
        return await free_places(kernel, pool_id=pool_id, units=units)
    except ReservationError:
        return [None] * len(units)


def _unit(row: Row[Any], free: int | None) -> Unit:
    return Unit(
        id=row.id,
        pool=row.pool_id,
        kind=UnitKind(row.kind),
        title=row.title,
        site=row.site,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        attributes=row.attributes,
        capacity=row.capacity,
        booked=row.booked,
        promised=row.promised,
        free=free,
    )
