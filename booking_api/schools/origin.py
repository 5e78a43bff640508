"""Which school has booked for a learner, or put them in another's place. Imports SQLAlchemy and the rooms' tables."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.organisations.tables import organisation
from booking_api.schools.tables import school_seat, substitution


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The school behind a booking. `gave`: it took the learner's place for somebody else; `took`: it gave them one."""

    school: Mapping[str, str]
    gave: bool = False
    took: bool = False
    reason: str | None = None


async def origin_of(engine: AsyncEngine, booking_id: str) -> Origin | None:
    """The school of a booking; None when its owner has booked it."""
    changed = (
        select(
            organisation.c.name, substitution.c.reason, substitution.c.from_booking, substitution.c.to_booking
        )
        .join(organisation, organisation.c.id == substitution.c.school)
        .where(or_(substitution.c.from_booking == booking_id, substitution.c.to_booking == booking_id))
        .order_by(substitution.c.id.desc())
        .limit(1)
    )
    seated = (
        select(organisation.c.name)
        .join(school_seat, school_seat.c.school == organisation.c.id)
        .where(school_seat.c.claim_id == booking_id)
        .limit(1)
    )
    async with engine.connect() as connection:
        row = (await connection.execute(changed)).one_or_none()
        if row is not None:
            gave = row.from_booking == booking_id
            return Origin(school=row.name, gave=gave, took=not gave, reason=row.reason)
        name = (await connection.execute(seated)).scalar_one_or_none()
    return Origin(school=name) if name is not None else None
