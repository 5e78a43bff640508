"""Erases a person, whole or not at all. Imports SQLAlchemy, the kernel's transaction, `identity` and this room.

One transaction: a crash before COMMIT leaves everything. Access tokens issued before live out their minutes and find no
account; what is claimed with them is nobody's, which is why the person's number rests for as long.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import PasswordRefused, UnknownAccount
from booking_api.identity.passwords import Passwords
from booking_api.identity.resting import let_rest
from booking_api.identity.tables import account
from booking_api.privacy.contributor import Subject
from booking_api.privacy.errors import StillActive
from booking_api.privacy.records import RECORDS
from reservation.transaction import transaction

_account = account.c


async def login_of(engine: AsyncEngine, account_id: str) -> str:
    """The login tries at this account's password are counted under.

    Raises:
        UnknownAccount: there is no such account.
    """
    async with engine.connect() as connection:
        query = select(_account.login).where(_account.id == account_id)
        login = (await connection.execute(query)).scalar_one_or_none()
    if login is None:
        raise UnknownAccount(account=account_id)
    return login


async def erase_person(
    engine: AsyncEngine, passwords: Passwords, *, account_id: str, password: str, resting_key: bytes
) -> None:
    """Takes away what is the person's; what the law keeps, counts and the log's entries, names nobody any more.

    Raises:
        UnknownAccount: there is no such account, or it was erased meanwhile.
        PasswordRefused: the password is not the account's.
        StillActive: bookings, promises or roles are not ended; nothing was changed.
        Busy, Unavailable: the database, or a sign-in that came in between; repeat.
    """
    async with engine.connect() as connection:
        query = select(_account.password_hash).where(_account.id == account_id)
        password_hash = (await connection.execute(query)).scalar_one_or_none()
    if password_hash is None:
        raise UnknownAccount(account=account_id)
    if not await passwords.matches(password_hash, password):
        raise PasswordRefused
    # What refers to an account is locked before the account, here as in a refresh or a verification on its way.
    async with transaction(engine) as connection:
        query = select(_account.identity_number, _account.verified_at).where(_account.id == account_id)
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownAccount(account=account_id)
        subject = Subject(account_id, row.identity_number if row.verified_at is not None else None)
        standing = {
            name: found
            for contributor in RECORDS
            for name, ask in contributor.standing.items()
            if (found := await ask(connection, subject))
        }
        if standing:
            raise StillActive(standing)
        for contributor in RECORDS:
            if contributor.erase is not None:
                await contributor.erase(connection, subject)
        if subject.verified_number is not None:
            await let_rest(connection, resting_key, subject.verified_number)
