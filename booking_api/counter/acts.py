"""Who did what for whom at a counter: noted before it is done. Imports SQLAlchemy and this room's tables.

What a crash leaves: before the act, a row without an outcome and nothing done; between the act and its outcome, the act and
a row that says who began it. There is no act without its row.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.clock import SHANGHAI
from booking_api.counter import tables
from booking_api.errors import ApiError
from booking_api.identity.accounts import masked_number
from booking_api.identity.tables import account as account_table
from reservation.errors import ReservationError

DONE = "done"
SHOWN = 500
_visit, _act, _account = tables.counter_visit.c, tables.counter_act.c, account_table.c


class ActKind(StrEnum):
    """What can be done for somebody."""

    ACCOUNT_OPENED = "account_opened"
    VERIFIED = "verified"
    FACTORS_RESET = "factors_reset"
    PASSWORD_SET = "password_set"  # noqa: S105 - an act's name
    HELD = "held"
    RELEASED = "released"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    MOVED = "moved"
    PAID = "paid"
    REFUNDED = "refunded"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act as its clerk reads it later: the person by the ends of their number, whose account may be gone since.

    `outcome`: `done`, the code of a refusal, or null where it was interrupted.
    """

    id: int
    visit: str
    kind: ActKind
    at: datetime
    subject: str | None
    outcome: str | None
    identity_number: str | None


class Noted(msgspec.Struct):
    """An act on its way. Whoever does it says what it was about, where that is known only afterwards."""

    subject: str | None


@asynccontextmanager
async def noted(
    engine: AsyncEngine, visit: str, kind: ActKind, *, subject: str | None = None
) -> AsyncGenerator[Noted, None]:
    """Notes an act, lets it be done, and notes what became of it.

    A refusal is an outcome; any other failure leaves the outcome open. When the last write fails the act was done all the
    same: the acts are safe to repeat.
    """
    async with engine.begin() as connection:
        number = await _begin(connection, visit, kind, subject=subject)
    about = Noted(subject)
    try:
        yield about
    except (ApiError, ReservationError) as refused:
        await _end(engine, number, outcome=refused.code, subject=about.subject)
        raise
    await _end(engine, number, outcome=DONE, subject=about.subject)


async def note_done(connection: AsyncConnection, visit: str, kind: ActKind) -> None:
    """Notes an act that is done in the same transaction."""
    await connection.execute(insert(tables.counter_act).values(visit=visit, kind=kind, outcome=DONE))


async def acts_of(connection: AsyncConnection, *, clerk: str, authority: str, day: date) -> list[Act]:
    """What this clerk did at the authority's counters on a day in China, the newest first; the last SHOWN of it."""
    begins = datetime.combine(day, datetime.min.time(), SHANGHAI)
    query = (
        select(tables.counter_act, _account.identity_number)
        .join(tables.counter_visit, _visit.id == _act.visit)
        .outerjoin(account_table, _account.id == _visit.account)
        # No visit lasts longer than a day.
        .where(_visit.clerk == clerk, _visit.authority == authority, _visit.opened_at > begins - timedelta(1))
        .where(_act.at >= begins, _act.at < begins + timedelta(1))
        .order_by(_act.id.desc())
        .limit(SHOWN)
    )
    return [
        Act(
            id=row.id,
            visit=row.visit,
            kind=ActKind(row.kind),
            at=row.at,
            subject=row.subject,
            outcome=row.outcome,
            identity_number=masked_number(row.identity_number) if row.identity_number else None,
        )
        for row in await connection.execute(query)
    ]


async def _begin(connection: AsyncConnection, visit: str, kind: ActKind, *, subject: str | None) -> int:
    new = insert(tables.counter_act).values(visit=visit, kind=kind, subject=subject)
    return (await connection.execute(new.returning(_act.id))).scalar_one()


async def _end(engine: AsyncEngine, number: int, *, outcome: str, subject: str | None) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            update(tables.counter_act).where(_act.id == number).values(outcome=outcome, subject=subject)
        )
