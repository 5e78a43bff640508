"""One booking with what it is for, read for its owner. Imports SQLAlchemy and the kernel's tables."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.tickets.appointment import Appointment
from booking_api.tickets.check_in import make_code
from booking_api.tickets.errors import NoAppointment
from reservation import BookingState, tables
from reservation.claim_id import pool_of
from reservation.errors import UnknownBooking


class BookedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A booking with its session or item. `check_in_code` is null once the booking has ended."""

    id: str
    state: BookingState
    pool: int
    unit: int
    authority: str
    service: str
    rule: str
    title: dict[str, str]
    unit_title: dict[str, str]
    site: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    attributes: dict[str, str]
    created_at: datetime
    ended_at: datetime | None
    moved_to: str | None
    check_in_code: str | None


async def find_booked_unit(engine: AsyncEngine, booking_id: str, *, owner: str, key: bytes) -> BookedUnit:
    """The owner's booking of this id; `key` is that of check-in codes.

    Raises:
        UnknownBooking: the owner has none with this id.
    """
    if pool_of(booking_id) is None:
        raise UnknownBooking(booking=booking_id[:64])
    query = booked_units().where(tables.booking.c.id == booking_id, tables.booking.c.owner == owner)
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownBooking(booking=booking_id)
    return booked_unit_of(row, key)


def booked_units() -> Select[*tuple[Any, ...]]:
    """Every booking with its unit and pool, for whoever says whose."""
    booking, unit, pool = tables.booking, tables.unit, tables.pool
    return (
        select(
            booking,
            unit.c.title.label("unit_title"),
            *(unit.c.site, unit.c.starts_at, unit.c.ends_at, unit.c.attributes),
            *(pool.c.authority, pool.c.title),
        )
        .join(unit, unit.c.id == booking.c.unit_id)
        .join(pool, pool.c.id == booking.c.pool_id)
    )


def appointment_of(booked: BookedUnit) -> Appointment:
    """The booking as a calendar knows it.

    Raises:
        NoAppointment: it is for an item, which has no time.
    """
    if booked.starts_at is None:
        raise NoAppointment(booking=booked.id)
    return Appointment(
        booking=booked.id,
        authority=booked.authority,
        state=booked.state,
        title=booked.title,
        place=booked.unit_title,
        starts_at=booked.starts_at,
        ends_at=booked.ends_at,
        changed_at=booked.ended_at or booked.created_at,
    )


def booked_unit_of(row: Row[Any], key: bytes) -> BookedUnit:
    """The owner's view of a row of `booked_units`; `key` is that of check-in codes."""
    stands = row.state == BookingState.BOOKED
    return BookedUnit(
        id=row.id,
        state=BookingState(row.state),
        pool=row.pool_id,
        unit=row.unit_id,
        authority=row.authority,
        service=row.service,
        rule=row.rule,
        title=row.title,
        unit_title=row.unit_title,
        site=row.site,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        attributes=row.attributes,
        created_at=row.created_at,
        ended_at=row.ended_at,
        moved_to=row.moved_to,
        check_in_code=make_code(row.id, key=key) if stands else None,
    )
