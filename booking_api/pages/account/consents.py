"""`/account/consents`: a learner lets a school book for them, answers its request, and ends it. Imports the schools' room."""

from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import ApiError, InvalidRequest
from booking_api.gate.access import Access
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.organisations.register import find_organisation, schools_open
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest
from booking_api.schools.consents import (
    CONSENT_DAYS_LIMIT,
    Consent,
    ConsentRequest,
    ConsentTerms,
    consents_of,
    decline_request,
    end_request,
    find_request,
    give_consent,
    requests_to,
    withdraw_consent,
)
from booking_api.schools.errors import UnknownConsent, UnknownConsentRequest
from reservation.transaction import transaction

LISTED = 100
DIGITS_LIMIT = 15
DAYS_OFFERED = 366
HERE = "/account/consents"
SUBJECTS = (1, 2, 3, 4)


class TermsForm(msgspec.Struct, frozen=True):
    """Which subjects, and until when."""

    subjects: list[Annotated[int, msgspec.Meta(ge=1, le=4)]]
    until: date


class NewForm(TermsForm, frozen=True, kw_only=True):
    """The same, and which school."""

    school: Annotated[str, msgspec.Meta(max_length=64)]


@page_get(HERE, access=Access.ACCOUNT)
async def get_consents(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """Who asks, who may book, and whose consent has ended."""
    visitor = await visit(request, desk)
    today = clock.today()
    async with transaction(desk.kernel.reads) as connection:
        asked = await requests_to(connection, account=visitor.me.id, after=0, limit=LISTED)
        given = await consents_of(connection, account=visitor.me.id, before=None, limit=LISTED)
        schools = {one.school: await find_organisation(connection, one.school) for one in given}
    stand = [one for one in given if _stands(one, today)]
    return render(
        "account/consents.html",
        visitor,
        asked=asked,
        stand=stand,
        ended=[one for one in given if one not in stand],
        schools=schools,
    )


@page_get(f"{HERE}/new", access=Access.VERIFIED)
async def get_new_consent(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The form for a school that has not asked."""
    visitor = await visit(request, desk)
    return await _form(desk, visitor, school=visitor.query.get("school", ""))


@page_post(f"{HERE}/new", access=Access.VERIFIED)
async def post_new_consent(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Gives it, in the place of the one this school has."""
    visitor, form = await posted(request, desk)
    try:
        told = form.read(NewForm)
        await _give(desk, visitor, school=told.school, told=told)
    except UnknownOrganisation:
        error = FieldsRefused({"school": ("choice", {})})
        return await _form(desk, visitor, school=form.one("school"), form=form, error=error)
    except FieldsRefused as error:
        return await _form(desk, visitor, school=form.one("school"), form=form, error=error)
    return go_to(visitor, HERE, told="consent_given")


@page_get(f"{HERE}/requests/{{asked:str}}", access=Access.VERIFIED)
async def get_request(
    request: AnyRequest, asked: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What a school asks for, to be answered."""
    visitor = await visit(request, desk)
    found = await _find(desk, visitor, asked)
    return await _form(desk, visitor, school=found.school, asked=found)


@page_post(f"{HERE}/requests/{{asked:str}}/accept", access=Access.VERIFIED)
async def post_accept(
    request: AnyRequest, asked: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Consents on the learner's own terms."""
    visitor, form = await posted(request, desk)
    found = await _find(desk, visitor, asked)
    try:
        told = form.read(TermsForm)
        await _give(desk, visitor, school=found.school, told=told, asked=found)
    except FieldsRefused as error:
        return await _form(desk, visitor, school=found.school, asked=found, form=form, error=error)
    return go_to(visitor, HERE, told="consent_given")


@page_post(f"{HERE}/requests/{{asked:str}}/decline", access=Access.VERIFIED)
async def post_decline(
    request: AnyRequest, asked: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Takes the request off the list; the school is not told."""
    visitor, _ = await posted(request, desk)
    async with transaction(desk.kernel.engine) as connection:
        await decline_request(connection, account=visitor.me.id, request_id=_request_id(asked))
    return go_to(visitor, HERE, told="consent_declined")


@page_get(f"{HERE}/{{consent:str}}/end", access=Access.ACCOUNT)
async def get_end(request: AnyRequest, consent: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """What ending a consent means."""
    visitor = await visit(request, desk)
    consent_id, today = _consent_id(consent), clock.today()
    async with transaction(desk.kernel.reads) as connection:
        mine = await consents_of(connection, account=visitor.me.id, before=None, limit=LISTED)
        found = next((one for one in mine if one.id == consent_id and _stands(one, today)), None)
        if found is None:
            raise UnknownConsent(consent=consent_id)
        school = await find_organisation(connection, found.school)
    return render("account/end_consent.html", visitor, consent=found, school=school)


@page_post(f"{HERE}/{{consent:str}}/end", access=Access.ACCOUNT)
async def post_end(
    request: AnyRequest, consent: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Ends it, at once."""
    visitor, _ = await posted(request, desk)
    async with transaction(desk.kernel.engine) as connection:
        await withdraw_consent(connection, account=visitor.me.id, consent_id=_consent_id(consent))
    return go_to(visitor, HERE, told="consent_ended")


def _stands(consent: Consent, today: date) -> bool:
    return consent.withdrawn_at is None and consent.until >= today


def _request_id(told: str) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= DIGITS_LIMIT):
        raise UnknownConsentRequest(request=told[:DIGITS_LIMIT])
    return int(told)


def _consent_id(told: str) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= DIGITS_LIMIT):
        raise UnknownConsent(consent=told[:DIGITS_LIMIT])
    return int(told)


async def _find(desk: Desk, visitor: Visitor, asked: str) -> ConsentRequest:
    async with transaction(desk.kernel.reads) as connection:
        return await find_request(connection, account=visitor.me.id, request_id=_request_id(asked))


async def _give(
    desk: Desk, visitor: Visitor, *, school: str, told: TermsForm, asked: ConsentRequest | None = None
) -> None:
    """Gives a consent; what it answers is off the list in the same transaction.

    Raises:
        FieldsRefused: the day is not one on which a consent may end.
        UnknownOrganisation: there is no such school.
    """
    today = clock.today()
    async with transaction(desk.kernel.engine) as connection:
        if asked is not None:
            await end_request(connection, account=visitor.me.id, request_id=asked.id)
        try:
            await give_consent(
                connection,
                account=visitor.me.id,
                school=school,
                terms=ConsentTerms(told.subjects, told.until),
                today=today,
            )
        except InvalidRequest:
            last = today + timedelta(days=CONSENT_DAYS_LIMIT)
            facts = {"first": visitor.words.long_day(today), "last": visitor.words.long_day(last)}
            raise FieldsRefused({"until": ("day_between", facts)}) from None


async def _form(
    desk: Desk,
    visitor: Visitor,
    *,
    school: str,
    asked: ConsentRequest | None = None,
    form: Form | None = None,
    error: ApiError | None = None,
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    async with transaction(desk.kernel.reads) as connection:
        schools = [] if asked else await schools_open(connection)
    today = clock.today()
    return render(
        "account/give_consent.html",
        visitor,
        refused=refused,
        asked=asked,
        schools=schools,
        school=school,
        subjects=SUBJECTS,
        ticked=form.values.get("subjects", []) if form else list(map(str, SUBJECTS)),
        until=form.one("until") if form else (today + timedelta(days=DAYS_OFFERED)).isoformat(),
        first=today,
        last=today + timedelta(days=CONSENT_DAYS_LIMIT),
    )


CONSENT_PAGES = [
    get_consents,
    get_new_consent,
    post_new_consent,
    get_request,
    post_accept,
    post_decline,
    get_end,
    post_end,
]
