"""What a counter can do for somebody who has lost every second factor. Imports SQLAlchemy."""

from datetime import date

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import OwnAccount
from booking_api.identity.accounts import Person, find_at_counter
from booking_api.identity.factors import tables
from booking_api.identity.factors.active import active_kinds, lock_account
from booking_api.identity.factors.errors import NoSecondFactor
from booking_api.identity.factors.events import EventKind, record
from booking_api.identity.sessions.rows import end_everywhere

# A ticket takes its challenges along.
_FACTORS = (
    tables.totp,
    tables.security_key,
    tables.recovery_code,
    tables.sign_in_ticket,
    tables.key_challenge,
)


async def reset_factors(
    engine: AsyncEngine, *, login: str, identity_number: str, clerk: str, today: date
) -> Person:
    """A clerk has seen the card: the account has no second factor any more and is signed out everywhere.

    The password is still needed; this gives nobody a way in. Who did it stays in the account's record.

    Raises:
        InvalidRequest: the number cannot be one.
        UnknownAccount: no account has this login and this number.
        OwnAccount: it is the clerk's own.
        NoSecondFactor: there is nothing to reset.
    """
    person = await find_at_counter(engine, login=login, identity_number=identity_number, today=today)
    if person.id == clerk:
        raise OwnAccount
    async with engine.begin() as connection:
        await lock_account(connection, person.id)
        if not await active_kinds(connection, person.id):
            raise NoSecondFactor
        for table in _FACTORS:
            await connection.execute(delete(table).where(table.c.account == person.id))
        await end_everywhere(connection, person.id)
        await record(connection, EventKind.FACTORS_RESET, account=person.id, by=f"counter:{clerk}")
    return person
