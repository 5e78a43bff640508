"""What the rest of the application asks the registers. Imports SQLAlchemy, `identity.tables` and this room's tables."""

import json
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.identity.tables import account
from booking_api.registers.tables import person, vehicle

VEHICLES_LIMIT = 50
VEHICLES_BYTES = 1_600
"""What plates may take of an access token: fifty usual ones, and the token stays well below its own limit."""


class PersonOfRecord(NamedTuple):
    """A person as the register has them."""

    name: str
    phone: str


async def person_of_record(engine: AsyncEngine, identity_number: str) -> PersonOfRecord | None:
    """Who has this identity number, if the register of persons knows it."""
    query = select(person.c.name, person.c.phone).where(person.c.identity_number == identity_number)
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    return PersonOfRecord(row.name, row.phone) if row else None


async def vehicles_of(connection: AsyncConnection, account_id: str) -> list[str]:
    """Plates of the vehicles the person behind a verified account owns, in order; none for an unverified account.

    At most VEHICLES_LIMIT, and as many as VEHICLES_BYTES of JSON have room for: what a token vouches for and what a
    session knows is the same.
    """
    query = (
        select(vehicle.c.plate)
        .join(account, account.c.identity_number == vehicle.c.identity_number)
        .where(account.c.id == account_id, account.c.verified_at.is_not(None))
        .group_by(vehicle.c.plate)
        .order_by(vehicle.c.plate)
        .limit(VEHICLES_LIMIT)
    )
    found = (await connection.execute(query)).scalars().all()
    plates, size = list[str](), 0
    for plate in found:
        size += len(json.dumps(plate)) + len(", ")
        if size > VEHICLES_BYTES:
            break
        plates.append(plate)
    return plates
