"""May this school book this session for this learner now? One unit at a time, by facts that are read now.

Imports the rules' rooms. The same check stands before a batch is taken and before each of its rows is held.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from booking_api.eligibility.sessions import PlannedUnit
from booking_api.errors import ApiError
from booking_api.organisations.register import Organisation
from booking_api.rules.settings import SchoolRules, TestSettings
from booking_api.schools.errors import BatchesOff, NoConsent, NotPlanned, SchoolElsewhere
from booking_api.schools.parts import Parts
from reservation.errors import ReservationError

TRANSIENT = frozenset(["unavailable", "busy", "rebuilding", "in_flight"])
"""Refusals that say nothing about the row: it is tried again."""


class OpenSession(NamedTuple):
    """A session that a school may book in, and what its authority lets schools do."""

    session: PlannedUnit
    subject: int
    rules: SchoolRules


async def find_session(parts: Parts, school: Organisation, unit: int) -> OpenSession:
    """The session of a unit, if the school belongs to its authority or one above it.

    Raises:
        NotPlanned: it is no published session of a driving test.
        SchoolElsewhere: it is another authority's.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    planned = await parts.eligibility.sessions.planned([unit])
    if not planned or planned[0].subject is None:
        raise NotPlanned(unit=unit)
    [session] = planned
    terms = await parts.eligibility.sessions.terms(session)
    if not isinstance(terms.settings, TestSettings):
        raise NotPlanned(unit=unit)
    if school.authority not in terms.lineage.up(session.authority):
        raise SchoolElsewhere(unit=unit)
    return OpenSession(session, planned[0].subject, terms.settings.schools)


async def check_unit(
    parts: Parts,
    school: Organisation,
    *,
    account: str,
    subjects: frozenset[int] | None,
    unit: int,
    now: datetime,
) -> OpenSession:
    """The session, if the school may book it for this learner now.

    `subjects`: of the learner's consent; None where the caller looks for it in the transaction that takes the place.

    Raises:
        ApiError: why not.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    found = await find_session(parts, school, unit)
    if not found.rules.batches:
        raise BatchesOff(unit=unit)
    if subjects is not None and found.subject not in subjects:
        raise NoConsent(unit=unit, subject=found.subject)
    await parts.eligibility.check_test_of(account=account, session=found.session, now=now)
    return found


async def refused_units(
    parts: Parts,
    school: Organisation,
    *,
    account: str,
    subjects: frozenset[int],
    units: Sequence[int],
    now: datetime,
) -> dict[int, dict[str, Any]]:
    """Which of these units the school may not book for this learner now, and why.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    refused: dict[int, dict[str, Any]] = {}
    for unit in units:
        try:
            await check_unit(parts, school, account=account, subjects=subjects, unit=unit, now=now)
        except ApiError as refusal:
            refused[unit] = told(refusal, unit=unit)
    return refused


def told(refusal: ApiError | ReservationError, *, unit: int | None) -> dict[str, Any]:
    """A refusal as a row of a batch keeps it.

    The kernel's own facts stay here: which other hold or booking a learner has is not the school's to know.
    """
    facts = refusal.facts if isinstance(refusal, ApiError) else {}
    return {"code": refusal.code, **msgspec.to_builtins(facts), "unit": unit}
