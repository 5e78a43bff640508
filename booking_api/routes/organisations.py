"""Schools and stations, for the operators of their authority: register, suspend, resume, and say who acts for them."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import UnknownAccount, UnknownAuthority
from booking_api.identity.tokens import Account
from booking_api.organisations.errors import AccountNotVerified, OrganisationExists, UnknownOrganisation
from booking_api.organisations.register import (
    Kind,
    NewOrganisation,
    Organisation,
    OrganisationChange,
    changes_of,
    find_organisation,
    give_membership,
    organisations_of,
    register_organisation,
    set_state,
    take_membership,
)
from booking_api.paging import PAGE_SIZE, Cursor, Limit, page, read_cursor
from booking_api.plans.authorities import read_lineage
from booking_api.plans.errors import NotYourAuthority
from booking_api.plans.rows import CODE_PATTERN
from booking_api.registers.rows import Reason
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_schools as examples
from reservation.transaction import transaction

# The framework checks a path by its own marks only, not by those of msgspec.
OrganisationId = Annotated[str, PathParameter(pattern=CODE_PATTERN)]
OF_AN_AUTHORITY = (UnknownOrganisation, UnknownAuthority, NotYourAuthority)


class ReasonRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; kept with who did it and when."""

    reason: Reason


class Organisations(msgspec.Struct, frozen=True):
    """In the order of their ids; `next` is the cursor of the page after this one, null at the end."""

    organisations: list[Organisation]
    next: str | None


class OrganisationChanges(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    changes: list[OrganisationChange]
    next: str | None


class Membership(msgspec.Struct, frozen=True):
    """Who acts for an organisation, or does not any more."""

    organisation: str
    account: str


@get(
    "/authorities/{authority:str}/organisations",
    summary="An authority's schools and stations",
    tags=["organisations"],
    opt=told(UnknownAuthority, answer=examples.ORGANISATIONS),
)
async def get_organisations(
    authority: FromPath[str],
    desk: NamedDependency[Desk],
    kind: FromQuery[Kind | None] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Organisations:
    """Whom this authority has registered, suspended ones too: everybody may know."""
    of = ("organisations", authority, kind)
    after = read_cursor(cursor, of=of, kind=str) or ""
    async with transaction(desk.kernel.reads) as connection:
        (await read_lineage(connection)).up(authority)
        found = await organisations_of(
            connection, authority=authority, kind=kind, after=after, limit=limit + 1
        )
    return Organisations(*page(found, limit=limit, key=lambda organisation: organisation.id, of=of))


@post(
    "/organisations",
    summary="Register a school or station",
    tags=["organisations"],
    status_code=201,
    opt=told(
        UnknownAuthority,
        NotYourAuthority,
        OrganisationExists,
        body=examples.NEW_ORGANISATION,
        answer=examples.ORGANISATION,
    ),
)
async def post_organisation(
    request: AnyRequest, data: JSONBody[NewOrganisation], desk: NamedDependency[Desk]
) -> Response[Organisation]:
    """For operators of its authority. From then on accounts and keys can act for it."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        (await read_lineage(connection)).check_scope(account.scopes("operator"), data.authority)
        made = await register_organisation(connection, data, by=account.id)
    return Answer(made, status_code=201, headers=headers)


@post(
    "/organisations/{organisation:str}/suspend",
    summary="Suspend a school or station",
    tags=["organisations"],
    status_code=200,
    opt=told(*OF_AN_AUTHORITY, body=examples.REASON, answer=examples.SUSPENDED),
)
async def post_suspend(
    request: AnyRequest,
    organisation: OrganisationId,
    data: JSONBody[ReasonRequest],
    desk: NamedDependency[Desk],
) -> Response[Organisation]:
    """It can do nothing until it is resumed; its batches stop. Bookings it has made stand: they are the learners'."""
    return await _set(request, desk, organisation, "suspended", data.reason)


@post(
    "/organisations/{organisation:str}/resume",
    summary="End a suspension",
    tags=["organisations"],
    status_code=200,
    opt=told(*OF_AN_AUTHORITY, body=examples.REASON_TO_RESUME, answer=examples.ORGANISATION),
)
async def post_resume(
    request: AnyRequest,
    organisation: OrganisationId,
    data: JSONBody[ReasonRequest],
    desk: NamedDependency[Desk],
) -> Response[Organisation]:
    """It can act again."""
    return await _set(request, desk, organisation, "active", data.reason)


@get(
    "/organisations/{organisation:str}/changes",
    summary="What was done about a school or station",
    tags=["organisations"],
    opt=told(*OF_AN_AUTHORITY, answer=examples.CHANGES),
)
async def get_changes(
    request: AnyRequest,
    organisation: OrganisationId,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[OrganisationChanges]:
    """Registered, suspended, resumed, who was let act for it: by whom, when and why. Nothing is ever taken out."""
    account, headers = await desk.gate.enter(request, reads=True)
    of = ("organisation changes", organisation)
    before = read_cursor(cursor, of=of, kind=int)
    async with transaction(desk.kernel.reads) as connection:
        await _own(connection, account, organisation)
        found = await changes_of(connection, organisation, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda change: change.id, of=of)
    return Answer(OrganisationChanges(*shown), status_code=200, headers=headers)


@put(
    "/organisations/{organisation:str}/members/{login:str}",
    summary="Let an account act for a school or station",
    tags=["organisations"],
    opt=told(*OF_AN_AUTHORITY, UnknownAccount, AccountNotVerified, answer=examples.MEMBERSHIP),
)
async def put_member(
    request: AnyRequest, organisation: OrganisationId, login: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Membership]:
    """The account must be verified. From its next token on it has the role."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        found = await _own(connection, account, organisation)
        member = await give_membership(connection, found, login=login, by=account.id)
    return Answer(Membership(found.id, member), status_code=200, headers=headers)


@delete(
    "/organisations/{organisation:str}/members/{login:str}",
    summary="End that an account acts for a school or station",
    tags=["organisations"],
    status_code=200,
    opt=told(*OF_AN_AUTHORITY, UnknownAccount, answer=examples.MEMBERSHIP),
)
async def delete_member(
    request: AnyRequest, organisation: OrganisationId, login: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Membership]:
    """Its present token is good for at most 15 minutes more. API keys are the organisation's and stay."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        found = await _own(connection, account, organisation)
        member = await take_membership(connection, found, login=login, by=account.id)
    return Answer(Membership(found.id, member), status_code=200, headers=headers)


async def _set(
    request: AnyRequest, desk: Desk, organisation: str, state: str, reason: str
) -> Response[Organisation]:
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        await _own(connection, account, organisation)
        changed = await set_state(connection, organisation, state=state, reason=reason, by=account.id)
    desk.gate.keys.forget_all()
    return Answer(changed, status_code=200, headers=headers)


async def _own(connection: AsyncConnection, account: Account, organisation: str) -> Organisation:
    """The organisation, if it is of an authority that the operator's role is for."""
    found = await find_organisation(connection, organisation)
    (await read_lineage(connection)).check_scope(account.scopes("operator"), found.authority)
    return found
