"""A learner's consents: whom they let book for them, which subjects, until when; and which schools ask."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.paging import PAGE_SIZE, Cursor, Limit, page, read_cursor
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_schools as examples
from booking_api.schools.consents import (
    Consent,
    ConsentRequest,
    ConsentTerms,
    NewConsent,
    consents_of,
    decline_request,
    end_request,
    give_consent,
    requests_to,
    withdraw_consent,
)
from booking_api.schools.errors import UnknownConsent, UnknownConsentRequest
from reservation.transaction import transaction

RowId = Annotated[int, PathParameter(ge=1, lt=2**53)]


class Consents(msgspec.Struct, frozen=True):
    """The newest first, those that ended too; `next` is the cursor of the page after this one, null at the end."""

    consents: list[Consent]
    next: str | None


class ConsentRequests(msgspec.Struct, frozen=True):
    """In the order in which they were made; `next` is the cursor of the page after this one, null at the end."""

    requests: list[ConsentRequest]
    next: str | None


@post(
    "/consents",
    summary="Let a school book for me",
    tags=["consents"],
    status_code=201,
    opt=told(UnknownOrganisation, body=examples.NEW_CONSENT, answer=examples.CONSENT),
)
async def post_consent(
    request: AnyRequest, data: JSONBody[NewConsent], desk: NamedDependency[Desk]
) -> Response[Consent]:
    """Which subjects and until when; in the place of what this school was allowed before. What it books is yours."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        given = await give_consent(
            connection,
            account=account.id,
            school=data.school,
            terms=ConsentTerms(data.subjects, data.until),
            today=clock.today(),
        )
    return Answer(given, status_code=201, headers=headers)


@get("/consents", summary="My consents", tags=["consents"], opt=told(answer=examples.CONSENTS))
async def get_consents(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Consents]:
    """Those that stand and those that ended."""
    account, headers = await desk.gate.enter(request, reads=True)
    before = read_cursor(cursor, of=("consents",), kind=int)
    async with transaction(desk.kernel.reads) as connection:
        found = await consents_of(connection, account=account.id, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda consent: consent.id, of=("consents",))
    return Answer(Consents(*shown), status_code=200, headers=headers)


@delete(
    "/consents/{consent_id:int}",
    summary="Withdraw a consent",
    tags=["consents"],
    status_code=204,
    opt=told(UnknownConsent),
)
async def delete_consent(
    request: AnyRequest, consent_id: RowId, desk: NamedDependency[Desk]
) -> Response[None]:
    """Counts at once: the school books nothing more for you. Bookings that were made stand; cancel them yourself."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        await withdraw_consent(connection, account=account.id, consent_id=consent_id)
    return Answer(None, status_code=204, headers=headers)


@get(
    "/consent-requests",
    summary="Schools that ask for my consent",
    tags=["consents"],
    opt=told(answer=examples.CONSENT_REQUESTS),
)
async def get_consent_requests(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[ConsentRequests]:
    """Requests that name your identity number and your name."""
    account, headers = await desk.gate.enter(request, reads=True)
    of = ("consent requests",)
    after = read_cursor(cursor, of=of, kind=int) or 0
    async with transaction(desk.kernel.reads) as connection:
        found = await requests_to(connection, account=account.id, after=after, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda asked: asked.id, of=of)
    return Answer(ConsentRequests(*shown), status_code=200, headers=headers)


@post(
    "/consent-requests/{request_id:int}/accept",
    summary="Consent to a request",
    tags=["consents"],
    status_code=201,
    opt=told(UnknownConsentRequest, UnknownOrganisation, body=examples.TERMS, answer=examples.CONSENT),
)
async def post_consent_accept(
    request: AnyRequest,
    request_id: RowId,
    data: JSONBody[ConsentTerms],
    desk: NamedDependency[Desk],
) -> Response[Consent]:
    """The terms are yours to say."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        school = await end_request(connection, account=account.id, request_id=request_id)
        given = await give_consent(
            connection, account=account.id, school=school, terms=data, today=clock.today()
        )
    return Answer(given, status_code=201, headers=headers)


@delete(
    "/consent-requests/{request_id:int}",
    summary="Decline a request",
    tags=["consents"],
    status_code=204,
    opt=told(UnknownConsentRequest),
)
async def delete_consent_request(
    request: AnyRequest, request_id: RowId, desk: NamedDependency[Desk]
) -> Response[None]:
    """Takes it off your list; the school is not told."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        await decline_request(connection, account=account.id, request_id=request_id)
    return Answer(None, status_code=204, headers=headers)
