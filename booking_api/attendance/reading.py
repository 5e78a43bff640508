"""What became of bookings on their day, for their owners. Imports SQLAlchemy and the plans' tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.plans.tables import attendance


class Attended(msgspec.Struct, frozen=True):
    """Checked in at the door, or a no-show; when that was noted."""

    state: str
    at: datetime


async def attendance_of(engine: AsyncEngine, bookings: Sequence[str]) -> Mapping[str, Attended]:
    """Booking -> what became of it; one that nothing is noted of is left out."""
    if not bookings:
        return {}
    query = select(attendance.c.booking_id, attendance.c.state, attendance.c.at).where(
        attendance.c.booking_id.in_(bookings)
    )
    async with engine.connect() as connection:
        return {row.booking_id: Attended(row.state, row.at) for row in await connection.execute(query)}
