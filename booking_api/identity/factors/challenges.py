"""Challenges for security keys: random, kept here, good once and for a short time. Imports SQLAlchemy."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.identity.factors import tables
from booking_api.identity.factors.tickets import ticket_digest

LIFE = timedelta(minutes=5)
CHALLENGE_BYTES = 32
EXPIRED_AT_ONCE = 100

_challenge = tables.key_challenge.c


async def give_challenge(engine: AsyncEngine, *, account: str, ticket: str | None) -> bytes:
    """A challenge for signing in with this ticket, or, without one, for adding a key. An earlier one is void."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    async with engine.begin() as connection:
        expired = (
            select(_challenge.challenge).where(_challenge.expires_at < func.now()).limit(EXPIRED_AT_ONCE)
        )
        await connection.execute(delete(tables.key_challenge).where(_challenge.challenge.in_(expired)))
        await connection.execute(delete(tables.key_challenge).where(_of(account, ticket)))
        await connection.execute(
            insert(tables.key_challenge).values(
                challenge=challenge,
                account=account,
                ticket=ticket_digest(ticket) if ticket else None,
                expires_at=func.now() + LIFE,
            )
        )
    return challenge


async def use_challenge(engine: AsyncEngine, challenge: bytes, *, account: str, ticket: str | None) -> bool:
    """True when it was given for this and was not used; now it is, whatever else is wrong with the answer to it."""
    async with engine.begin() as connection:
        used = await connection.execute(
            delete(tables.key_challenge)
            .where(
                _challenge.challenge == challenge,
                _of(account, ticket),
                _challenge.expires_at > func.now(),
            )
            .returning(_challenge.challenge)
        )
        return used.one_or_none() is not None


def _of(account: str, ticket: str | None) -> ColumnElement[bool]:
    digest = ticket_digest(ticket) if ticket else None
    return (_challenge.account == account) & _challenge.ticket.is_not_distinct_from(digest)
