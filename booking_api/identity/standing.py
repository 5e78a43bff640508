"""How an account stands, without saying whose it is: for the operators who let it act for a school or station.

Imports SQLAlchemy and this room's own modules.
"""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import UnknownAccount
from booking_api.identity import tables
from booking_api.identity.accounts import spelled_login
from booking_api.identity.factors.events import EventKind
from booking_api.identity.factors.tables import account_event


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An account without its person's name and number. `verified_by` is a counter or a register, never a clerk's name."""

    login: str
    created_at: datetime
    verified_at: datetime | None
    verified_by: str | None
    roles: list[str]
    resets: list[datetime]


async def standing_of(engine: AsyncEngine, login: str) -> Standing:
    """The standing of the account with this login; `resets`: when a counter took its second factors away, newest first.

    Raises:
        UnknownAccount: nobody has this login, or had: an erased account leaves nothing.
    """
    account, event = tables.account.c, account_event.c
    spelled = spelled_login(login)
    # What PostgreSQL would refuse outright is nobody's login.
    if not spelled.isprintable():
        raise UnknownAccount(account=login[:64])
    async with engine.connect() as connection:
        row = (await connection.execute(select(tables.account).where(account.login == spelled))).one_or_none()
        if row is None:
            raise UnknownAccount(account=login[:64])
        resets = await connection.execute(
            select(event.at)
            .where(event.account == row.id, event.kind == EventKind.FACTORS_RESET.value)
            .order_by(event.id.desc())
            .limit(10)
        )
        return Standing(
            login=row.login,
            created_at=row.created_at,
            verified_at=row.verified_at,
            verified_by=row.verified_by.partition(":")[0] if row.verified_by else None,
            roles=list(row.roles),
            resets=list(resets.scalars()),
        )
