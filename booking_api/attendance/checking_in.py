"""Check-in at the door. Imports SQLAlchemy and the kernel's tables."""

import hmac
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.attendance.errors import AnotherSite, CardDiffers, CheckInClosed, UnknownCode
from booking_api.clock import SHANGHAI
from booking_api.identity.accounts import masked_number
from booking_api.identity.tables import account
from booking_api.outbox.events import EventKind, note_event
from booking_api.plans import tables
from booking_api.plans.authorities import read_lineage, read_settings
from booking_api.tickets.check_in import parse_code
from reservation import BookingState
from reservation import tables as kernel_tables
from reservation.errors import NotActive

CARD_END = 6


class CheckedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands at the door, to be compared with the card they show; `repeated` when they were checked in before."""

    booking: str
    unit: int
    title: dict[str, str]
    starts_at: datetime
    subject: int | None
    vehicle_class: str | None
    vehicle: str | None
    name: str | None
    identity_number: str | None
    at: datetime
    repeated: bool


async def check_in(
    connection: AsyncConnection,
    *,
    booking_id: str,
    sites: AbstractSet[str],
    station: str | None,
    by: str,
    now: datetime,
    card_end: str | None = None,
) -> CheckedIn:
    """Notes that the person of this booking is there. Done again, it says when it was done first.

    `sites`: where the reader works; `station`: whose webhooks are told, as events name it. `card_end`: for somebody who has
    no code with them, the last CARD_END characters of the number on their card: a list alone checks nobody in.

    Raises:
        UnknownCode: there is no booking of a planned session with this id.
        AnotherSite, CheckInClosed: not here, or not now.
        NotActive: it was cancelled or moved.
        CardDiffers: the card is another person's.
    """
    found = await _find(connection, booking_id)
    if found.site not in sites:
        raise AnotherSite(site=found.site)
    if found.state != BookingState.BOOKED:
        raise NotActive(booking=booking_id)
    if card_end is not None and not _is_end_of(card_end, found.identity_number or ""):
        raise CardDiffers
    await _check_open(connection, found, now=now)
    if not await _note(connection, found, by=by, now=now):
        table = tables.attendance.c
        before = await connection.execute(select(table.at).where(table.booking_id == booking_id))
        return _checked_in(found, at=before.scalar_one(), repeated=True)
    await note_event(
        connection,
        kind=EventKind.BOOKING_CHECKED_IN,
        at=now,
        organisation=station,
        account=found.owner,
        facts={"booking": booking_id, "unit": found.unit_id},
    )
    return _checked_in(found, at=now, repeated=False)


def booking_of_code(code: str, *, key: bytes) -> str:
    """The booking of a code as it is typed or scanned.

    Raises:
        UnknownCode: it was not made here.
    """
    booking = parse_code(code, key=key)
    if booking is None:
        raise UnknownCode
    return booking


async def _note(connection: AsyncConnection, found: Row[*tuple[Any, ...]], *, by: str, now: datetime) -> bool:
    """Writes down that they came; False when it was written before."""
    table = tables.attendance
    new = upsert(table).values(
        booking_id=found.id,
        unit_id=found.unit_id,
        owner=found.owner,
        claimant=found.claimant,
        state="checked_in",
        day=found.starts_at.astimezone(SHANGHAI).date(),
        at=now,
        by=by,
    )
    done = await connection.execute(new.on_conflict_do_nothing().returning(table.c.at))
    return done.one_or_none() is not None


async def _check_open(connection: AsyncConnection, found: Row[*tuple[Any, ...]], *, now: datetime) -> None:
    lineage = (await read_lineage(connection)).up(found.authority)
    settings = await read_settings(connection, lineage=lineage, service=found.service)
    opens_at = found.starts_at - timedelta(minutes=settings.plans.check_in_opens_min)
    if not opens_at <= now <= found.ends_at:
        raise CheckInClosed(opens_at=opens_at, closes_at=found.ends_at)


async def _find(connection: AsyncConnection, booking_id: str) -> Row[*tuple[Any, ...]]:
    booking, session, plan = kernel_tables.booking, tables.plan_session, tables.plan
    query = (
        select(
            booking.c.id,
            booking.c.unit_id,
            booking.c.owner,
            booking.c.claimant,
            booking.c.state,
            session.c.site,
            session.c.title,
            session.c.subject,
            session.c.vehicle_class,
            session.c.starts_at,
            session.c.ends_at,
            plan.c.authority,
            plan.c.service,
            account.c.name,
            account.c.identity_number,
        )
        .join(session, session.c.unit_id == booking.c.unit_id)
        .join(plan, plan.c.id == session.c.plan_id)
        .outerjoin(account, account.c.id == booking.c.owner)
        .where(booking.c.id == booking_id)
        # Whoever cancels this booking now waits, or we see that it is cancelled.
        .with_for_update(of=booking)
    )
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise UnknownCode
    return found


def _is_end_of(typed: str, number: str) -> bool:
    told = "".join(typed.split()).upper()
    return len(told) == CARD_END and hmac.compare_digest(told.encode(), number[-CARD_END:].encode())


def _checked_in(found: Row[*tuple[Any, ...]], *, at: datetime, repeated: bool) -> CheckedIn:
    kind, _, name = found.claimant.partition(":")
    return CheckedIn(
        booking=found.id,
        unit=found.unit_id,
        title=found.title,
        starts_at=found.starts_at,
        subject=found.subject,
        vehicle_class=found.vehicle_class,
        vehicle=name if kind == "vehicle" else None,
        name=found.name,
        identity_number=masked_number(found.identity_number) if found.identity_number else None,
        at=at,
        repeated=repeated,
    )
