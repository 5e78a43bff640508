"""May this person hold this unit now, and may they leave their booking? Facts, figures and pure rules put together.

`sessions` knows what a unit is, `facts` what a person or vehicle is, `rules` decides. Units that no plan has made have no
rule here. Imports SQLAlchemy and `reservation`.
"""

import secrets
from collections.abc import Hashable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from booking_api.clock import SHANGHAI
from booking_api.eligibility.errors import BookingClosed, NotEligible, NotOpenYet
from booking_api.eligibility.facts import Dossier, dossiers, vehicles
from booking_api.eligibility.sessions import PlannedUnit, Sessions, Terms, closing_moment
from booking_api.rules import (
    InspectionSettings,
    Quota,
    Reach,
    Refusal,
    TestSettings,
    TestWish,
    Vehicle,
    check_inspection,
    check_leaving,
    check_test,
    first_inspection_day,
    first_test_day,
)
from reservation import Kernel, tables
from reservation.transaction import transaction

MS = 1_000


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """What leaving a booking costs its owner now. `refusals`: the rules against it; empty when it is allowed.

    `left_before` of `limit` are used; it must be done by `last_moment`. The place comes back at a moment within
    `return_window_s` that nobody can predict; 0 is at once.
    """

    left_before: int
    limit: int
    notice_hours: int
    last_moment: datetime
    return_window_s: int
    refusals: list[Refusal]
    session: PlannedUnit
    terms: Terms


class Eligibility:
    """Owns one worker's memory of sessions and facts."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.sessions = Sessions(kernel)
        self._dossiers = dossiers(kernel)
        self._vehicles = vehicles(kernel)

    async def check_hold(
        self, *, account: str, units: Sequence[int], vehicle: str | None, now: datetime
    ) -> None:
        """Passes when booking is open for every planned unit and no rule stands against it.

        Raises:
            NotOpenYet, BookingClosed: not now.
            NotEligible: rules stand against one of the units.
            Unavailable, Busy: PostgreSQL does not answer.
        """
        for session in await self.sessions.planned(units):
            terms = await self.sessions.terms(session)
            check_open(session, terms, now=now)
            if session.service == "driving_test":
                dossier = await self._dossiers.of(account)
                check_person(session, terms, dossier, today=now.astimezone(SHANGHAI).date())
            elif vehicle is not None:
                known = await self._vehicles.of(vehicle)
                refused = _vehicle_refusal(session, terms, known, today=now.astimezone(SHANGHAI).date())
                if refused is not None:
                    raise refused

    async def dossier(self, account: str) -> Dossier:
        """What is known of an account's person, at most some seconds old.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return await self._dossiers.of(account)

    async def stands_against(
        self, *, account: str, vehicles: Sequence[str], sessions: Sequence[PlannedUnit], now: datetime
    ) -> dict[int, NotEligible]:
        """The rules against each of these sessions, for who only looks; a session without any is left out.

        Rules ask for a plan, class, quota and day: sessions that are alike in these are judged once. Where vehicles
        count, a session is left out when any of them may go; else the one that may go first is told.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        today = now.astimezone(SHANGHAI).date()
        dossier = await self._dossiers.of(account)
        known = [await self._vehicles.of(plate) for plate in vehicles]
        judged: dict[Hashable, NotEligible | None] = {}
        found: dict[int, NotEligible] = {}
        for session in sessions:
            alike = session.plan, session.subject, session.vehicle_class, session.quota, session.day
            if alike not in judged:
                terms = await self.sessions.terms(session)
                if session.service == "driving_test":
                    judged[alike] = person_refusal(session, terms, dossier, today=today)
                else:
                    refused = [_vehicle_refusal(session, terms, one, today=today) for one in known]
                    judged[alike] = _mildest(refused)
            against = judged[alike]
            if against is not None:
                found[session.unit] = against
        return found

    async def check_test_of(self, *, account: str, session: PlannedUnit, now: datetime) -> None:
        """Passes when this account's person may book this test now, by facts read now: for whoever books for others.

        Raises:
            NotOpenYet, BookingClosed: not now.
            NotEligible: rules stand against it.
            Unavailable, Busy: PostgreSQL does not answer.
        """
        terms = await self.sessions.terms(session)
        check_open(session, terms, now=now)
        dossier = await self._dossiers.of(account, fresh=True)
        check_person(session, terms, dossier, today=now.astimezone(SHANGHAI).date())

    async def return_moment(self, unit: int, *, now: datetime) -> datetime | None:
        """When a place of this unit that is left now is to come back; None: at once.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        planned = await self.sessions.planned([unit])
        return _return_moment(planned[0], await self.sessions.terms(planned[0]), now=now) if planned else None

    async def check_leaving(self, *, owner: str, booking_id: str, now: datetime) -> datetime | None:
        """Passes when the owner may still cancel or move this booking; gives when its place is to come back.

        None: at once. A booking that is not active, or not theirs, is for the kernel to refuse.

        Raises:
            NotEligible: too late, or too often.
            Unavailable, Busy: PostgreSQL does not answer.
        """
        leaving = await self.leaving_of(owner=owner, booking_id=booking_id, now=now)
        if leaving is None:
            return None
        if leaving.refusals:
            raise NotEligible(leaving.refusals, first_day=None, unit=leaving.session.unit)
        return _return_moment(leaving.session, leaving.terms, now=now)

    async def leaving_of(self, *, owner: str, booking_id: str, now: datetime) -> Leaving | None:
        """What cancelling or moving this booking would cost now, and whether it may be.

        None: nothing counts, for the booking is not active or not theirs, or no plan has made its session.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        found = await self._active_booking(owner=owner, booking_id=booking_id)
        planned = await self.sessions.planned([found.unit_id]) if found is not None else []
        if found is None or not planned:
            return None
        left_before = await self._left_before(found, owner=owner, now=now)
        [session] = planned
        terms = await self.sessions.terms(session)
        rules = terms.settings.leaving
        return Leaving(
            left_before=left_before,
            limit=rules.limit,
            notice_hours=rules.notice_hours,
            last_moment=session.starts_at - timedelta(hours=rules.notice_hours),
            return_window_s=terms.settings.plans.return_window_s,
            refusals=check_leaving(
                starts_at=session.starts_at, now=now, left_before=left_before, rules=rules
            ),
            session=session,
            terms=terms,
        )

    async def _active_booking(self, *, owner: str, booking_id: str) -> Row[*tuple[Any, ...]] | None:
        booking = tables.booking.c
        query = select(booking.unit_id, booking.claimant, booking.service, booking.rule).where(
            booking.id == booking_id, booking.owner == owner, booking.state == "booked"
        )
        async with transaction(self._kernel.reads) as connection:
            return (await connection.execute(query)).one_or_none()

    async def _left_before(self, found: Row[*tuple[Any, ...]], *, owner: str, now: datetime) -> int:
        booking = tables.booking.c
        query = (
            select(func.count())
            .where(booking.claimant == found.claimant, booking.owner == owner)
            .where(booking.service == found.service, booking.rule == found.rule)
            .where(booking.ended_by == "owner", booking.ended_at > now - LEAVING_COUNTED)
        )
        async with transaction(self._kernel.reads) as connection:
            return (await connection.execute(query)).scalar_one()


LEAVING_COUNTED = timedelta(days=3 * 366)
"""How far back one's own cancellations count: the life of a certificate."""


def check_open(session: PlannedUnit, terms: Terms, *, now: datetime) -> None:
    """Passes while booking for this session is open.

    Raises:
        NotOpenYet, BookingClosed: it is not.
    """
    if session.opens_at is not None and now < session.opens_at:
        raise NotOpenYet(opens_at=session.opens_at, unit=session.unit)
    closes = closing_moment(session, terms)
    if now >= closes:
        raise BookingClosed(closed_at=closes, unit=session.unit)


def check_person(session: PlannedUnit, terms: Terms, dossier: Dossier, *, today: date) -> None:
    """Passes when this person may sit this test.

    Raises:
        NotEligible: with every rule that stands against it.
    """
    refused = person_refusal(session, terms, dossier, today=today)
    if refused is not None:
        raise refused


def person_refusal(
    session: PlannedUnit, terms: Terms, dossier: Dossier, *, today: date
) -> NotEligible | None:
    """Every rule that stands against this person sitting this test; None when they may."""
    assert isinstance(terms.settings, TestSettings)  # noqa: S101 - settings are read by the session's service
    assert session.subject is not None  # noqa: S101 - the table's constraint
    assert session.vehicle_class is not None  # noqa: S101 - the same
    learner = dossier.learner(session.vehicle_class, authority=session.authority)
    home = learner.certificate.authority if learner.certificate else None
    wish = TestWish(
        session.subject,
        session.vehicle_class,
        session.day,
        today,
        Quota(session.quota),
        _reach(home, session, terms),
    )
    rules = terms.settings.eligibility
    refusals = check_test(learner, wish, rules)
    if not refusals:
        return None
    return NotEligible(refusals, first_day=first_test_day(learner, wish, rules), unit=session.unit)


def _vehicle_refusal(
    session: PlannedUnit, terms: Terms, vehicle: Vehicle | None, *, today: date
) -> NotEligible | None:
    assert isinstance(terms.settings, InspectionSettings)  # noqa: S101 - settings are read by the session's service
    if vehicle is None:
        return NotEligible([Refusal("vehicle_unknown", {}, None)], first_day=None, unit=session.unit)
    rules = terms.settings.eligibility
    refusals = check_inspection(vehicle, day=session.day, today=today, days_off=terms.days_off, rules=rules)
    if not refusals:
        return None
    first_day = first_inspection_day(vehicle, today=today, rules=rules)
    return NotEligible(refusals, first_day=first_day, unit=session.unit)


def _mildest(refused: Sequence[NotEligible | None]) -> NotEligible | None:
    """None when one of them may go, or nobody asks; else the refusal that ends first."""
    against = [one for one in refused if one is not None]
    if len(against) < len(refused) or not against:
        return None
    return min(against, key=lambda one: one.facts["first_day"] or date.max)


def _reach(home: str | None, session: PlannedUnit, terms: Terms) -> Reach:
    """Where the certificate's office is from here. One that is not known, or not registered here, limits nobody."""
    if home is None or home == session.authority or home not in terms.lineage.parents:
        return Reach.HOME
    same_province = terms.lineage.parents[home] == terms.lineage.parents.get(session.authority)
    return Reach.PROVINCE if same_province else Reach.ELSEWHERE


def _return_moment(session: PlannedUnit, terms: Terms, *, now: datetime) -> datetime | None:
    """A moment within the authority's window, and before booking closes, that nobody can predict."""
    window = timedelta(seconds=terms.settings.plans.return_window_s)
    window_ms = int(min(window, closing_moment(session, terms) - now).total_seconds() * MS)
    return now + timedelta(milliseconds=secrets.randbelow(window_ms)) if window_ms > 0 else None
