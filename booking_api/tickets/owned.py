"""A person's own bookings with what each is for, for the pages. Imports SQLAlchemy, the kernel's tables and `reading`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.tickets.reading import BookedUnit, booked_unit_of, booked_units
from reservation import BookingState, tables
from reservation.claim_id import pool_of
from reservation.errors import UnknownBooking

_booking, _unit = tables.booking.c, tables.unit.c


class OwnedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as its owner's pages show it.

    `vehicle`: whose appointment it is, where vehicles count. `ended_by`: owner or authority. `moved_from`: the booking
    that was moved to this one.
    """

    booked: BookedUnit
    vehicle: str | None
    ended_by: str | None
    concluded_at: datetime | None
    moved_from: str | None

    def coming(self, now: datetime) -> bool:
        """Whether it stands and its session is not over."""
        ends_at = self.booked.ends_at or self.booked.starts_at
        stands = self.booked.state is BookingState.BOOKED and self.concluded_at is None
        return stands and (ends_at is None or ends_at > now)


async def coming_bookings(
    engine: AsyncEngine, *, owner: str, key: bytes, now: datetime, limit: int
) -> list[OwnedBooking]:
    """What the owner is still to come to, the earliest first; `key` is that of check-in codes."""
    query = _owned(owner).where(*_coming(now)).order_by(_unit.starts_at, _booking.id).limit(limit)
    return await _read(engine, query, key)


async def past_bookings(
    engine: AsyncEngine, *, owner: str, key: bytes, now: datetime, before: str | None, limit: int
) -> list[OwnedBooking]:
    """Everything else, the newest first, from the one before the booking `before`."""
    over = or_(*(~condition for condition in _coming(now)))
    query = _owned(owner).where(over).order_by(_booking.id.desc()).limit(limit)
    return await _read(engine, query if before is None else query.where(_booking.id < before), key)


async def find_owned_booking(engine: AsyncEngine, booking_id: str, *, owner: str, key: bytes) -> OwnedBooking:
    """The owner's booking of this id.

    Raises:
        UnknownBooking: the owner has none with this id.
    """
    if pool_of(booking_id) is None:
        raise UnknownBooking(booking=booking_id[:64])
    found = await _read(engine, _owned(owner).where(_booking.id == booking_id), key)
    if not found:
        raise UnknownBooking(booking=booking_id)
    return found[0]


def _owned(owner: str) -> Select[*tuple[Any, ...]]:
    earlier = tables.booking.alias()
    # Of one owner's bookings only: no index leads from a booking to the one it came from.
    moved_from = (
        select(earlier.c.id).where(earlier.c.owner == owner, earlier.c.moved_to == _booking.id).limit(1)
    )
    return (
        booked_units()
        .add_columns(moved_from.scalar_subquery().label("moved_from"))
        .where(_booking.owner == owner)
    )


def _coming(now: datetime) -> Sequence[Any]:
    return (
        _booking.state == BookingState.BOOKED,
        _booking.concluded_at.is_(None),
        func.coalesce(_unit.ends_at, _unit.starts_at, func.date("infinity")) > now,
    )


async def _read(engine: AsyncEngine, query: Select[*tuple[Any, ...]], key: bytes) -> list[OwnedBooking]:
    async with engine.connect() as connection:
        return [_owned_booking(row, key) for row in (await connection.execute(query)).all()]


def _owned_booking(row: Row[Any], key: bytes) -> OwnedBooking:
    kind, _, name = row.claimant.partition(":")
    return OwnedBooking(
        booked=booked_unit_of(row, key),
        vehicle=name if kind == "vehicle" else None,
        ended_by=row.ended_by,
        concluded_at=row.concluded_at,
        moved_from=row.moved_from,
    )
