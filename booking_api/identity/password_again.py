"""The password, asked for again by somebody who is signed in: before factors change, and to change it. Imports SQLAlchemy."""

import unicodedata

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import InvalidRequest, PasswordRefused, UnknownAccount
from booking_api.identity import tables
from booking_api.identity.factors import tables as factors
from booking_api.identity.factors.events import EventKind, record
from booking_api.identity.passwords import Passwords, PasswordUnusable, checked_password
from booking_api.identity.sessions.rows import end_everywhere


class Credentials(msgspec.Struct, frozen=True):
    """An account's login and password hash, and the words that must not be its password."""

    account: str
    login: str
    password_hash: str
    told: tuple[str, ...]


async def credentials_of(engine: AsyncEngine, account: str) -> Credentials:
    """What a signed-in account signs in with.

    Raises:
        UnknownAccount: a token of the demo or of another installation speaks for it.
    """
    table = tables.account
    async with engine.connect() as connection:
        row = (await connection.execute(select(table).where(table.c.id == account))).one_or_none()
    if row is None:
        raise UnknownAccount(account=account[:64])
    told = (row.login, row.identity_number, row.phone, row.name)
    return Credentials(row.id, row.login, row.password_hash, told)


async def check_password(passwords: Passwords, known: Credentials, password: str) -> None:
    """Lets the owner pass.

    Raises:
        PasswordRefused: it is not the account's password.
    """
    if not await passwords.matches(known.password_hash, unicodedata.normalize("NFC", password)):
        raise PasswordRefused


async def change_password(
    engine: AsyncEngine, passwords: Passwords, known: Credentials, *, old: str, new: str, but: str | None
) -> None:
    """The new password counts from now on; every session but `but` and every refresh token ends.

    Raises:
        InvalidRequest: the new password cannot be taken.
        PasswordRefused: the old one is wrong, or was changed in between.
    """
    try:
        taken = checked_password(new, told=known.told)
    except PasswordUnusable as error:
        raise InvalidRequest(errors=[{"field": "new_password", "reason": str(error)}]) from None
    await check_password(passwords, known, old)
    fresh = await passwords.hash(taken)
    account = tables.account.c
    async with engine.begin() as connection:
        changed = await connection.execute(
            update(tables.account)
            .where(account.id == known.account, account.password_hash == known.password_hash)
            .values(password_hash=fresh)
            .returning(account.id)
        )
        if changed.one_or_none() is None:
            raise PasswordRefused
        await end_everywhere(connection, known.account, but=but)
        # Whoever owes a second factor has shown the password that was.
        ticket = factors.sign_in_ticket
        await connection.execute(delete(ticket).where(ticket.c.account == known.account))
        await record(connection, EventKind.PASSWORD_CHANGED, account=known.account, by=known.account)
