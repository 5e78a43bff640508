"""Tickets: the password was right, the second factor is owed. Random, stored hashed, used once. Imports SQLAlchemy."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.identity.factors import tables
from booking_api.identity.factors.errors import TicketRefused
from booking_api.identity.tables import account as account_table

LIFE = timedelta(minutes=5)
TRIES = 5
TICKET_BYTES = 32
EXPIRED_AT_ONCE = 100

_ticket = tables.sign_in_ticket.c
_good = (_ticket.expires_at > func.now()) & (_ticket.tries < TRIES)


async def give_ticket(engine: AsyncEngine, account: str) -> str:
    """A ticket for this account. Clears some expired ones of anybody on the way."""
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    async with engine.begin() as connection:
        expired = select(_ticket.digest).where(_ticket.expires_at < func.now()).limit(EXPIRED_AT_ONCE)
        await connection.execute(delete(tables.sign_in_ticket).where(_ticket.digest.in_(expired)))
        await connection.execute(
            insert(tables.sign_in_ticket).values(
                digest=ticket_digest(ticket), account=account, expires_at=func.now() + LIFE
            )
        )
    return ticket


async def ticket_owner(engine: AsyncEngine, ticket: str) -> tuple[str, str]:
    """(account id, login) of a good ticket.

    Raises:
        TicketRefused: unknown, expired, used, or TRIES were made.
    """
    query = (
        select(_ticket.account, account_table.c.login)
        .join(account_table, account_table.c.id == _ticket.account)
        .where(_ticket.digest == ticket_digest(ticket), _good)
    )
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise TicketRefused
    return row.account, row.login


async def take_try(engine: AsyncEngine, ticket: str) -> tuple[str, int]:
    """(account id, tries left after this one); counted for good, whatever becomes of the try.

    Raises:
        TicketRefused: unknown, expired, used, or TRIES were made.
    """
    async with engine.begin() as connection:
        counted = await connection.execute(
            update(tables.sign_in_ticket)
            .where(_ticket.digest == ticket_digest(ticket), _good)
            .values(tries=_ticket.tries + 1)
            .returning(_ticket.account, _ticket.tries)
        )
        row = counted.one_or_none()
    if row is None:
        raise TicketRefused
    return row.account, TRIES - row.tries


async def use_ticket(engine: AsyncEngine, ticket: str) -> None:
    """The ticket is used up; of many who use it at once one does.

    Raises:
        TicketRefused: it was used.
    """
    async with engine.begin() as connection:
        used = await connection.execute(
            delete(tables.sign_in_ticket).where(_ticket.digest == ticket_digest(ticket))
        )
    if used.rowcount != 1:
        raise TicketRefused


def ticket_digest(ticket: str) -> bytes:
    """What is stored of a ticket."""
    return hashlib.sha256(ticket.encode()).digest()
