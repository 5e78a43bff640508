"""Which factors an account has; what the first one brings and the last one takes. Imports SQLAlchemy."""

import base64
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import UnknownAccount
from booking_api.identity.factors import tables
from booking_api.identity.factors.recovery import make_codes, void_codes
from booking_api.identity.tables import account as account_table


class SecurityKey(msgspec.Struct, frozen=True):
    """One security key as its owner sees it; `id` is the credential's id in base64url."""

    id: str
    name: str
    added_at: datetime
    used_at: datetime | None


class Factors(msgspec.Struct, frozen=True):
    """An account's second factors."""

    totp: bool
    security_keys: list[SecurityKey]
    recovery_codes_left: int

    @property
    def kinds(self) -> list[str]:
        """What can be given at sign-in; empty when the password is enough."""
        kinds = ["totp"] * self.totp + ["security_key"] * bool(self.security_keys)
        return kinds + ["recovery_code"] * bool(kinds and self.recovery_codes_left)


async def factors_of(engine: AsyncEngine, account: str) -> Factors:
    """The account's active factors; none for an account nobody has."""
    async with engine.connect() as connection:
        return await _factors(connection, account)


async def lock_account(connection: AsyncConnection, account: str) -> None:
    """Changes of one account's factors come one after the other, to the end of the caller's transaction.

    Raises:
        UnknownAccount: there is no such account.
    """
    query = select(account_table.c.id).where(account_table.c.id == account).with_for_update(key_share=True)
    if (await connection.execute(query)).one_or_none() is None:
        raise UnknownAccount(account=account[:64])


async def recovery_codes_if_first(connection: AsyncConnection, account: str) -> list[str]:
    """Ten recovery codes when the account, which is locked, has no active factor yet; else none."""
    if await active_kinds(connection, account):
        return []
    return await make_codes(connection, account)


async def void_codes_if_last(connection: AsyncConnection, account: str) -> None:
    """Without a factor there is nothing to recover: the codes of the account, which is locked, are void."""
    if not await active_kinds(connection, account):
        await void_codes(connection, account)


async def active_kinds(connection: AsyncConnection, account: str) -> list[str]:
    """`Factors.kinds` of the account, in the caller's transaction."""
    return (await _factors(connection, account)).kinds


async def _factors(connection: AsyncConnection, account: str) -> Factors:
    app, key, code = tables.totp.c, tables.security_key.c, tables.recovery_code.c
    query = select(
        select(app.account)
        .where(app.account == account, app.activated_at.is_not(None))
        .exists()
        .label("totp"),
        select(func.count())
        .where(code.account == account, code.used_at.is_(None))
        .scalar_subquery()
        .label("codes"),
    )
    row = (await connection.execute(query)).one()
    keys = await connection.execute(
        select(key.credential, key.name, key.created_at, key.used_at)
        .where(key.account == account)
        .order_by(key.created_at)
    )
    return Factors(
        totp=row.totp,
        security_keys=[
            SecurityKey(key_name(each.credential), each.name, each.created_at, each.used_at) for each in keys
        ],
        recovery_codes_left=row.codes,
    )


def key_name(credential: bytes) -> str:
    """A credential's id as WebAuthn writes it: base64url without padding."""
    return base64.urlsafe_b64encode(credential).rstrip(b"=").decode()
