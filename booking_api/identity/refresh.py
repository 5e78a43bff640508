"""Refresh tokens: each is used once and gives the next of its family (RFC 9700, section 4.14). Imports SQLAlchemy.

One that comes a second time has been stolen, by whoever came first or second: the whole family ends.
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import RefreshRefused, SignInRefused
from booking_api.identity import tables

LIFE = timedelta(days=30)
TOKEN_BYTES = 32
EXPIRED_AT_ONCE = 100

_token = tables.refresh_token.c


async def begin_family(engine: AsyncEngine, *, account: str) -> str:
    """The first refresh token after a sign-in. Clears some expired ones of anybody on the way.

    Raises:
        SignInRefused: the account was erased since its password was read.
    """
    try:
        async with engine.begin() as connection:
            expired = select(_token.digest).where(_token.expires_at < func.now()).limit(EXPIRED_AT_ONCE)
            await connection.execute(delete(tables.refresh_token).where(_token.digest.in_(expired)))
            return await _next(connection, account=account, family=str(uuid4()))
    except IntegrityError:
        raise SignInRefused from None


async def use(engine: AsyncEngine, token: str) -> tuple[str, str]:
    """(account id, next token) for one that was not used before.

    Raises:
        RefreshRefused: unknown, expired, or used before; then its family has ended.
    """
    async with engine.begin() as connection:
        used = await connection.execute(
            update(tables.refresh_token)
            .where(_token.digest == _digest(token), _token.used_at.is_(None), _token.expires_at > func.now())
            .values(used_at=func.now())
            .returning(_token.account, _token.family)
        )
        row = used.one_or_none()
        if row is not None:
            return row.account, await _next(connection, account=row.account, family=row.family)
    await end_family(engine, token)
    raise RefreshRefused


async def end_family(engine: AsyncEngine, token: str) -> None:
    """Signs out: no token of this one's family is good any more. An unknown token ends nothing."""
    family = select(_token.family).where(_token.digest == _digest(token)).scalar_subquery()
    async with engine.begin() as connection:
        await connection.execute(delete(tables.refresh_token).where(_token.family == family))


async def _next(connection: AsyncConnection, *, account: str, family: str) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    await connection.execute(
        insert(tables.refresh_token).values(
            digest=_digest(token), family=family, account=account, expires_at=func.now() + LIFE
        )
    )
    return token


def _digest(token: str) -> bytes:
    """What is stored: a stolen database signs nobody in. The token is random, so a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()
