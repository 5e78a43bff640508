"""What is somebody's own while they look: what they hold now, and what they have booked. Imports the kernel's tables."""

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import select

from booking_api.desk import Desk
from booking_api.eligibility.claimants import current_holds
from booking_api.identity.tokens import Account
from booking_api.pages.catalogue import Words
from reservation import PresentHold, tables
from reservation.errors import ReservationError
from reservation.transaction import transaction

log = logging.getLogger(__name__)


class HeldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that has not ended. `until` is the time of day on the server's clock."""

    id: str
    unit: int
    title: str
    what: str
    when: str
    vehicle: str
    until: str
    expires_at_ms: int
    confirming: bool


class BookedView(msgspec.Struct, frozen=True, kw_only=True):
    """A booking whose session is to come."""

    id: str
    unit: int
    service: str
    rule: str
    claimant: str
    title: str
    what: str
    when: str


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has. `holds_known` False: Valkey does not answer just now."""

    holds: list[HeldView]
    holds_known: bool
    bookings: list[BookedView]


async def mine_of(desk: Desk, account: Account, words: Words) -> Mine:
    """What the account holds and has booked.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    bookings = await coming_bookings(desk, account, words)
    try:
        holds = await held_views(desk, await current_holds(desk.kernel, account), words)
    except ReservationError as error:
        # Looking goes on without Valkey; the page says that it cannot tell.
        log.warning("present holds are not known: %s", error.code)
        return Mine(holds=[], holds_known=False, bookings=bookings)
    return Mine(holds=holds, holds_known=True, bookings=bookings)


async def held_views(desk: Desk, holds: list[PresentHold], words: Words) -> list[HeldView]:
    """Holds with what they are of."""
    if not holds:
        return []
    unit, pool = tables.unit, tables.pool
    query = (
        select(unit.c.id, unit.c.title.label("unit_title"), unit.c.starts_at, pool.c.title)
        .join(pool, pool.c.id == unit.c.pool_id)
        .where(unit.c.id.in_([held.units[0] for held in holds]))
    )
    async with transaction(desk.kernel.reads) as connection:
        rows = {row.id: row for row in await connection.execute(query)}
    return [_held(held, rows[held.units[0]], words) for held in holds if held.units[0] in rows]


async def coming_bookings(desk: Desk, account: Account, words: Words) -> list[BookedView]:
    """The account's active bookings of sessions to come, the soonest first.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    return [_booked(row, words) for row in await desk.belongings.bookings(account.id)]


def vehicle_of(claimant: str) -> str:
    """The plate of a claimant that is a vehicle, else nothing.

    >>> vehicle_of("vehicle:浙A12345"), vehicle_of("person:a")
    ('浙A12345', '')
    """
    kind, _, name = claimant.partition(":")
    return name if kind == "vehicle" else ""


def _held(held: PresentHold, row: Any, words: Words) -> HeldView:
    return HeldView(
        id=held.id,
        unit=held.units[0],
        title=words.named(row.unit_title),
        what=words.named(row.title).partition(" · ")[0],
        when=words.moment(row.starts_at) if row.starts_at else "",
        vehicle=vehicle_of(held.claimant),
        until=until(held.expires_at_ms, words),
        expires_at_ms=held.expires_at_ms,
        confirming=held.confirming,
    )


def until(expires_at_ms: int, words: Words) -> str:
    """A hold's end as a time of day, with its seconds."""
    moment = datetime.fromtimestamp(expires_at_ms / 1000, UTC)
    return words.time_to_the_second(moment)


def _booked(row: Any, words: Words) -> BookedView:
    return BookedView(
        id=row.id,
        unit=row.unit_id,
        service=row.service,
        rule=row.rule,
        claimant=row.claimant,
        title=words.named(row.unit_title),
        what=words.named(row.title).partition(" · ")[0],
        when=words.moment(row.starts_at),
    )
