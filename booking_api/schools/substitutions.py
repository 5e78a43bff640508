"""Substitutions: a school puts one learner in another's place, where the authority allows it. Imports SQLAlchemy.

Only a seat that the school booked itself: what a learner booked is theirs alone.
"""

from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.organisations.register import Organisation
from booking_api.outbox.events import Event, EventKind, note_events
from booking_api.registers.rows import Reason
from booking_api.schools import tables
from booking_api.schools.batches import learner_word
from booking_api.schools.checking import find_session
from booking_api.schools.consents import consenting, pin_consent
from booking_api.schools.errors import NoConsent, SubstitutionsOff
from booking_api.schools.parts import Parts
from reservation import substitute
from reservation import tables as kernel_tables
from reservation.claim_id import pool_of
from reservation.errors import UnknownBooking
from reservation.model import Effect
from reservation.transaction import transaction


class NewSubstitution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose booking, who takes its place (account id or identity number), and why."""

    booking: Annotated[str, msgspec.Meta(max_length=64)]
    learner: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    reason: Reason


class Substitution(msgspec.Struct, frozen=True, kw_only=True):
    """One learner in another's place: all that either of them is to be told."""

    id: int
    school: str
    unit: int
    from_booking: str
    from_account: str
    to_booking: str
    to_account: str
    reason: str
    by: str
    at: datetime


class Done(NamedTuple):
    """A substitution, and what Valkey is to be told; nothing when it was made before."""

    substitution: Substitution
    effect: Effect | None


async def substitute_learner(
    parts: Parts, school: Organisation, new: NewSubstitution, *, by: str, now: datetime
) -> Done:
    """Ends one learner's booking and books its place for the other, in one transaction. Repeated it is the same.

    Raises:
        UnknownBooking: it is no active booking that this school made.
        SubstitutionsOff, SchoolElsewhere: the authority does not allow it.
        NoConsent: one of the two does not let the school book this.
        NotOpenYet, BookingClosed, NotEligible: the rules stand against the other learner.
        AlreadyBooked: the other learner has a booking of this kind.
        Unavailable, Busy: repeat.
    """
    if pool_of(new.booking) is None:
        raise UnknownBooking(booking=new.booking)
    today = now.astimezone(SHANGHAI).date()
    word = learner_word(new.learner, now=now)
    async with transaction(parts.kernel.reads) as connection:
        named = {word} if word.isprintable() else set[str]()
        known = await consenting(connection, school.id, named=named, today=today)
        before = await _made_before(connection, school.id, new.booking)
        seat = await _school_booking(connection, school.id, new.booking)
    if word not in known:
        raise NoConsent
    to_account = known[word].account
    if before is not None and before.to_account == to_account:
        return Done(before, None)
    if seat is None:
        raise UnknownBooking(booking=new.booking)
    found = await find_session(parts, school, seat.unit_id)
    if not found.rules.substitutions:
        raise SubstitutionsOff(unit=seat.unit_id)
    await parts.eligibility.check_test_of(account=to_account, session=found.session, now=now)
    about = _Change(school.id, new.booking, seat.unit_id, seat.owner, to_account, found.subject)
    return await _substitute(parts, about, reason=new.reason, by=by, today=today)


class _Change(NamedTuple):
    """Who is put in whose place, and what both must consent to."""

    school: str
    booking: str
    unit: int
    from_account: str
    to_account: str
    subject: int


async def _substitute(parts: Parts, about: _Change, *, reason: str, by: str, today: date) -> Done:
    """One transaction: both consents pinned, the two bookings, the school's seat, the record."""
    pool = await parts.kernel.pool(pool_of(about.booking) or 0)
    async with transaction(parts.kernel.engine) as connection:
        for account in sorted([about.from_account, about.to_account]):
            if not await pin_consent(
                connection, account=account, school=about.school, subject=about.subject, today=today
            ):
                raise NoConsent(subject=about.subject)
        done = await substitute(
            connection,
            pool,
            booking_id=about.booking,
            owner=about.from_account,
            new_claimant=f"person:{about.to_account}",
            new_owner=about.to_account,
            now_ms=parts.kernel.clock(),
        )
        await _hand_seat_over(connection, about.booking, done.booking.id)
        kept = await _keep(
            connection,
            school=about.school,
            unit_id=about.unit,
            from_booking=about.booking,
            from_account=about.from_account,
            to_booking=done.booking.id,
            to_account=about.to_account,
            reason=reason,
            by=by,
        )
        await note_events(connection, _told(about, kept))
    return Done(kept, done.effect)


def _told(about: _Change, kept: Substitution) -> list[Event]:
    """Both learners are told, and the school's own systems."""
    school = f"school:{about.school}"
    facts = {"unit": about.unit, "school": about.school, "reason": kept.reason}
    return [
        Event(
            kind=EventKind.SUBSTITUTION_MADE,
            at=kept.at,
            account=about.from_account,
            organisation=school,
            facts=facts | {"from_booking": kept.from_booking, "to_booking": kept.to_booking},
        ),
        Event(
            kind=EventKind.SUBSTITUTION_MADE,
            at=kept.at,
            account=about.to_account,
            facts=facts | {"booking": kept.to_booking},
        ),
    ]


async def substitutions_of(
    connection: AsyncConnection, school: str, *, before: int | None, limit: int
) -> list[Substitution]:
    """The school's substitutions, the newest first, older than the one with the id `before`."""
    table = tables.substitution
    query = select(table).where(table.c.school == school)
    if before is not None:
        query = query.where(table.c.id < before)
    rows = (await connection.execute(query.order_by(table.c.id.desc()).limit(limit))).all()
    return [_substitution(row) for row in rows]


async def _made_before(connection: AsyncConnection, school: str, booking: str) -> Substitution | None:
    table = tables.substitution
    query = select(table).where(table.c.from_booking == booking, table.c.school == school)
    row = (await connection.execute(query)).one_or_none()
    return _substitution(row) if row is not None else None


async def _school_booking(
    connection: AsyncConnection, school: str, booking_id: str
) -> Row[*tuple[Any, ...]] | None:
    """Unit and owner of a booking that this school has made, in a batch that is over."""
    seat, batch, booking = tables.school_seat.c, tables.school_batch, kernel_tables.booking
    query = (
        select(seat.unit_id, booking.c.owner)
        .join(booking, booking.c.id == seat.claim_id)
        .join(batch, batch.c.id == seat.batch_id)
        .where(seat.claim_id == booking_id, seat.school == school, batch.c.ended_at.is_not(None))
    )
    return (await connection.execute(query)).one_or_none()


async def _hand_seat_over(connection: AsyncConnection, old_booking: str, new_booking: str) -> None:
    """The school's share has the same place as before."""
    seat = tables.school_seat
    await connection.execute(update(seat).where(seat.c.claim_id == old_booking).values(claim_id=new_booking))


async def _keep(connection: AsyncConnection, **values: Any) -> Substitution:
    made = await connection.execute(
        insert(tables.substitution).values(**values).returning(tables.substitution)
    )
    return _substitution(made.one())


def _substitution(row: Row[Any]) -> Substitution:
    return Substitution(
        id=row.id,
        school=row.school,
        unit=row.unit_id,
        from_booking=row.from_booking,
        from_account=row.from_account,
        to_booking=row.to_booking,
        to_account=row.to_account,
        reason=row.reason,
        by=row.by,
        at=row.at,
    )
