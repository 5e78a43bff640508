"""Consents: a learner lets a school book some subjects until a day. Each joins its caller's transaction.

A withdrawal counts at once: whatever books for a learner looks here in the transaction that takes the place. Imports
SQLAlchemy.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Row, any_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.errors import InvalidRequest
from booking_api.identity.accounts import masked_name, masked_number
from booking_api.identity.tables import account as account_table
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.organisations.register import find_organisation
from booking_api.organisations.tables import organisation
from booking_api.plans.rows import Code
from booking_api.registers.tables import learner_certificate
from booking_api.schools import tables
from booking_api.schools.errors import UnknownConsent, UnknownConsentRequest

CONSENT_DAYS_LIMIT = 3 * 366
"""The life of a certificate."""
REQUESTS_KEPT_DAYS = 90

Subjects = Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=4)]], msgspec.Meta(min_length=1, max_length=4)]


class ConsentTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a learner lets a school book: which subjects, and up to and with which day."""

    subjects: Subjects
    until: date


class NewConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same, and which school."""

    school: Code
    subjects: Subjects
    until: date


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A consent as its learner sees it. `withdrawn_at`: when it ended by hand or was replaced by another."""

    id: int
    school: str
    subjects: list[int]
    until: date
    given_at: datetime
    withdrawn_at: datetime | None


class ConsentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A school asks for a consent."""

    id: int
    school: str
    school_name: dict[str, str]
    asked_at: datetime


class SchoolLearner(msgspec.Struct, frozen=True, kw_only=True):
    """A learner as their school sees them: number and name by their ends. `consent`: also where the list goes on."""

    consent: int
    account: str
    identity_number: str
    name: str
    vehicle_class: str | None
    subjects: list[int]
    until: date


class Consenting(NamedTuple):
    """A verified learner whom a school may book, for which subjects."""

    account: str
    identity_number: str
    subjects: frozenset[int]


async def give_consent(
    connection: AsyncConnection, *, account: str, school: str, terms: ConsentTerms, today: date
) -> Consent:
    """A learner's consent, in the place of the one this school has.

    Raises:
        UnknownOrganisation: there is no such school.
        InvalidRequest: it would have ended already, or last too long.
    """
    last = today + timedelta(days=CONSENT_DAYS_LIMIT)
    if not today <= terms.until <= last:
        raise InvalidRequest(errors=[{"field": "until", "reason": f"a day from {today} to {last}"}])
    if (await find_organisation(connection, school)).kind != "school":
        raise UnknownOrganisation(organisation=school)
    # Two consents of one account at once come one after the other.
    await connection.execute(
        select(account_table.c.id).where(account_table.c.id == account).with_for_update()
    )
    await _withdraw(connection, tables.consent.c.school == school, account=account)
    made = await connection.execute(
        insert(tables.consent)
        .values(account=account, school=school, subjects=sorted(set(terms.subjects)), until=terms.until)
        .returning(tables.consent)
    )
    return _consent(made.one())


async def consents_of(
    connection: AsyncConnection, *, account: str, before: int | None, limit: int
) -> list[Consent]:
    """A learner's consents, those that ended too, the newest first, older than the one with the id `before`."""
    table = tables.consent
    query = select(table).where(table.c.account == account).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.id < before)
    return [_consent(row) for row in await connection.execute(query)]


async def withdraw_consent(connection: AsyncConnection, *, account: str, consent_id: int) -> None:
    """Ends a consent now; bookings that were made stand. Withdrawn again it stays as it is.

    Raises:
        UnknownConsent: the account has given none with this id.
    """
    table = tables.consent.c
    mine = select(table.id).where(table.id == consent_id, table.account == account)
    if (await connection.execute(mine)).one_or_none() is None:
        raise UnknownConsent(consent=consent_id)
    await _withdraw(connection, table.id == consent_id, account=account)


async def learners_of(
    connection: AsyncConnection, school: str, *, today: date, after: int, limit: int
) -> list[SchoolLearner]:
    """Whose consent this school has now, in the order in which it was given."""
    consent, account, certificate = tables.consent.c, account_table.c, learner_certificate.c
    newest = (
        select(certificate.vehicle_class)
        .where(certificate.identity_number == account.identity_number)
        .order_by(certificate.issued.desc(), certificate.number)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            consent.id,
            consent.account,
            consent.subjects,
            consent.until,
            account.identity_number,
            account.name,
            newest.label("vehicle_class"),
        )
        .join(account_table, account.id == consent.account)
        .where(consent.school == school, consent.withdrawn_at.is_(None), consent.until >= today)
        .where(account.verified_at.is_not(None), consent.id > after)
        .order_by(consent.id)
        .limit(limit)
    )
    return [_learner(row) for row in await connection.execute(query)]


async def consenting(
    connection: AsyncConnection, school: str, *, named: Collection[str], today: date
) -> dict[str, Consenting]:
    """Which of these account ids and identity numbers are verified learners whose consent the school has now."""
    consent, account = tables.consent.c, account_table.c
    words = list(named)
    query = (
        select(account.id, account.identity_number, consent.subjects)
        .join(account_table, account.id == consent.account)
        .where(consent.school == school, consent.withdrawn_at.is_(None), consent.until >= today)
        .where(account.verified_at.is_not(None))
        .where(account.id.in_(words) | account.identity_number.in_(words))
    )
    found = [
        Consenting(row.id, row.identity_number, frozenset(row.subjects))
        for row in await connection.execute(query)
    ]
    return {word: one for one in found for word in (one.account, one.identity_number)}


async def pin_consent(
    connection: AsyncConnection, *, account: str, school: str, subject: int, today: date
) -> bool:
    """True when the consent stands; it then cannot be withdrawn before the caller's transaction has ended."""
    table = tables.consent.c
    query = (
        select(table.id)
        .where(table.account == account, table.school == school, table.withdrawn_at.is_(None))
        .where(table.until >= today, any_(table.subjects) == subject)
        .with_for_update(read=True)
    )
    return (await connection.execute(query)).one_or_none() is not None


async def ask_consent(
    connection: AsyncConnection, *, school: str, identity_number: str, name: str, by: str
) -> None:
    """Asks whoever has this number and name, if anybody has. Asked again it is one request, declined or not."""
    table = tables.consent_request
    kept = func.make_interval(0, 0, 0, REQUESTS_KEPT_DAYS)
    await connection.execute(
        delete(table).where(table.c.school == school, table.c.asked_at < func.now() - kept)
    )
    await connection.execute(
        upsert(table)
        .values(school=school, identity_number=identity_number, name=name, asked_by=by)
        .on_conflict_do_nothing()
    )


async def requests_to(
    connection: AsyncConnection, *, account: str, after: int, limit: int
) -> list[ConsentRequest]:
    """What schools ask of this account's verified person, after the id given: number and name must both be theirs."""
    return [
        ConsentRequest(id=row.id, school=row.school, school_name=row.school_name, asked_at=row.asked_at)
        for row in await connection.execute(
            _requests(account).where(tables.consent_request.c.id > after).limit(limit)
        )
    ]


async def find_request(connection: AsyncConnection, *, account: str, request_id: int) -> ConsentRequest:
    """One request to this account.

    Raises:
        UnknownConsentRequest: there is none.
    """
    table = tables.consent_request
    row = (await connection.execute(_requests(account).where(table.c.id == request_id))).one_or_none()
    if row is None:
        raise UnknownConsentRequest(request=request_id)
    return ConsentRequest(id=row.id, school=row.school, school_name=row.school_name, asked_at=row.asked_at)


async def end_request(connection: AsyncConnection, *, account: str, request_id: int) -> str:
    """Takes a request that is answered with a consent off both lists; gives the school that asked.

    Raises:
        UnknownConsentRequest: there is none.
    """
    table = tables.consent_request
    found = await find_request(connection, account=account, request_id=request_id)
    await connection.execute(delete(table).where(table.c.id == request_id))
    return found.school


async def decline_request(connection: AsyncConnection, *, account: str, request_id: int) -> None:
    """Takes a request off the account's list. For the school it stands until it is forgotten: it is not told.

    Raises:
        UnknownConsentRequest: there is none.
    """
    table = tables.consent_request
    await find_request(connection, account=account, request_id=request_id)
    await connection.execute(update(table).where(table.c.id == request_id).values(declined_at=func.now()))


def _requests(account_id: str) -> Any:
    table, account, school = tables.consent_request, account_table.c, organisation.c
    return (
        select(table.c.id, table.c.school, table.c.asked_at, school.name.label("school_name"))
        .join(organisation, school.id == table.c.school)
        .join(account_table, account.identity_number == table.c.identity_number)
        .where(account.id == account_id, account.verified_at.is_not(None), account.name == table.c.name)
        .where(table.c.declined_at.is_(None))
        .order_by(table.c.id)
    )


async def _withdraw(connection: AsyncConnection, which: Any, *, account: str) -> None:
    table = tables.consent
    await connection.execute(
        update(table)
        .where(which, table.c.account == account, table.c.withdrawn_at.is_(None))
        .values(withdrawn_at=func.now())
    )


def _consent(row: Row[Any]) -> Consent:
    return Consent(
        id=row.id,
        school=row.school,
        subjects=list(row.subjects),
        until=row.until,
        given_at=row.given_at,
        withdrawn_at=row.withdrawn_at,
    )


def _learner(row: Row[*tuple[Any, ...]]) -> SchoolLearner:
    return SchoolLearner(
        consent=row.id,
        account=row.account,
        identity_number=masked_number(row.identity_number),
        name=masked_name(row.name),
        vehicle_class=row.vehicle_class,
        subjects=list(row.subjects),
        until=row.until,
    )
