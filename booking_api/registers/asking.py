"""What the rest of the application asks the registers. Imports SQLAlchemy, `identity.tables` and this room's tables."""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
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


async def vehicles_of(connection: AsyncConnection, accounts: Sequence[str]) -> dict[str, list[str]]:
    """Plates of the vehicles that the people behind these accounts own, in order; an unverified account has none.

    At most VEHICLES_LIMIT of an account, and as many as VEHICLES_BYTES of JSON have room for: what a token vouches for
    and what a session knows is the same.
    """
    plates: dict[str, list[str]] = {account_id: [] for account_id in accounts}
    for row in await connection.execute(_PLATES, {"accounts": accounts}):
        plates[row.id].append(row.plate)
    return {account_id: _within_bytes(found) for account_id, found in plates.items()}


def _plates() -> Select[*tuple[Any, ...]]:
    place = func.row_number().over(partition_by=account.c.id, order_by=vehicle.c.plate)
    owned = (
        select(account.c.id, vehicle.c.plate, place.label("place"))
        .join(vehicle, account.c.identity_number == vehicle.c.identity_number)
        .where(account.c.id.in_(bindparam("accounts", expanding=True)), account.c.verified_at.is_not(None))
        .group_by(account.c.id, vehicle.c.plate)
        .subquery()
    )
    return select(owned.c.id, owned.c.plate).where(owned.c.place <= VEHICLES_LIMIT).order_by(owned.c.plate)


_PLATES = _plates()


def _within_bytes(plates: Sequence[str]) -> list[str]:
    sizes = accumulate(len(json.dumps(plate)) + len(", ") for plate in plates)
    return [plate for plate, size in zip(plates, sizes, strict=True) if size <= VEHICLES_BYTES]
