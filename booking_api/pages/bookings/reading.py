"""Everything a booking's page tells, read from the rooms that know it. Imports the rooms; writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from booking_api.attendance.reading import Attended, attendance_of
from booking_api.desk import Desk
from booking_api.eligibility import Leaving
from booking_api.payments.fees import Payment, fees_of
from booking_api.payments.standing import FeeState
from booking_api.plans.authorities import authority_names, read_fee_fen
from booking_api.schools.origin import Origin, origin_of
from booking_api.tickets.check_in import CodePath, check_in_key, code_groups, code_path
from booking_api.tickets.owned import OwnedBooking, coming_bookings, find_owned_booking
from reservation import BookingState
from reservation.transaction import transaction

COMING_SHOWN = 100


class Arrival(NamedTuple):
    """Between which moments one is checked in at the door."""

    opens_at: datetime
    closes_at: datetime


class Fee(NamedTuple):
    """What the sitting costs, and the owner's fee for it when there is one."""

    amount_fen: int
    payment: Payment | None


class Ticket(NamedTuple):
    """A booking with everything around it. `code` is empty once it has ended, or is over."""

    owned: OwnedBooking
    state: str
    authority: Mapping[str, str]
    coming: bool
    code: list[str]
    symbol: CodePath | None
    arrival: Arrival | None
    fee: Fee | None
    origin: Origin | None
    leaving: Leaving | None


async def read_coming(desk: Desk, *, owner: str, now: datetime) -> list[OwnedBooking]:
    """What the owner is still to come to, the earliest first."""
    return await coming_bookings(
        desk.kernel.reads, owner=owner, key=check_in_key(desk.key), now=now, limit=COMING_SHOWN
    )


async def read_states(desk: Desk, found: Sequence[OwnedBooking], *, now: datetime) -> Mapping[str, str]:
    """Booking -> the word on how it stands, as the catalogue's `booking.<state>` has it."""
    attended = await attendance_of(desk.kernel.reads, [owned.booked.id for owned in found])
    return {owned.booked.id: _state(owned, attended.get(owned.booked.id), now=now) for owned in found}


async def read_ticket(desk: Desk, booking_id: str, *, owner: str, now: datetime) -> Ticket:
    """The owner's booking of this id.

    Raises:
        UnknownBooking: the owner has none with this id.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    owned = await find_owned_booking(desk.kernel.reads, booking_id, owner=owner, key=check_in_key(desk.key))
    booked, coming = owned.booked, owned.coming(now)
    names = await authority_names(desk.kernel.reads, [booked.authority])
    code = booked.check_in_code if coming else None
    return Ticket(
        owned=owned,
        state=(await read_states(desk, [owned], now=now))[booked.id],
        authority=names.get(booked.authority, {"en": booked.authority}),
        coming=coming,
        code=code_groups(code) if code else [],
        symbol=code_path(code) if code else None,
        arrival=await _arrival(desk, owned) if coming else None,
        fee=await _fee(desk, owned, owner=owner),
        origin=await origin_of(desk.kernel.reads, booked.id),
        leaving=await desk.eligibility.leaving_of(owner=owner, booking_id=booked.id, now=now),
    )


def subject_of(owned: OwnedBooking) -> int | None:
    """Of a driving test, which subject."""
    told = owned.booked.attributes.get("subject", "")
    return int(told) if told.isdecimal() else None


def _state(owned: OwnedBooking, attended: Attended | None, *, now: datetime) -> str:
    if owned.booked.state is BookingState.CANCELLED:
        return "withdrawn" if owned.ended_by == "authority" else "cancelled"
    if owned.booked.state is BookingState.MOVED:
        return "moved"
    if attended is not None:
        return attended.state
    return "booked" if owned.coming(now) else "over"


async def _arrival(desk: Desk, owned: OwnedBooking) -> Arrival | None:
    planned = await desk.eligibility.sessions.planned([owned.booked.unit])
    if not planned:
        return None
    terms = await desk.eligibility.sessions.terms(planned[0])
    opens = planned[0].starts_at - timedelta(minutes=terms.settings.plans.check_in_opens_min)
    return Arrival(opens, planned[0].ends_at)


async def _fee(desk: Desk, owned: OwnedBooking, *, owner: str) -> Fee | None:
    booked, subject = owned.booked, subject_of(owned)
    if booked.service != "driving_test" or subject is None:
        return None
    mine = [
        payment
        for payment in await fees_of(desk.kernel.reads, account=owner)
        if (payment.authority, payment.subject) == (booked.authority, subject)
        and (payment.used_by == booked.id or (payment.used_by is None and payment.state != FeeState.FAILED))
    ]
    used = next((payment for payment in mine if payment.used_by == booked.id), None)
    payment = used or next(iter(mine), None)
    if payment is not None:
        return Fee(payment.amount_fen, payment)
    async with transaction(desk.kernel.reads) as connection:
        amount_fen = await read_fee_fen(connection, authority=booked.authority, subject=subject)
    return Fee(amount_fen, None) if amount_fen else None
