"""`/account`: what is known of the person, whether they are verified, and how they can be. Imports the rooms that know."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.errors import AlreadyVerified, ApiError, PersonHasAccount, RateLimited, RecentlyErased
from booking_api.gate.access import Access
from booking_api.identity.accounts import find_person, phone_of
from booking_api.organisations.register import organisation_names
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.plans.authorities import authority_names
from booking_api.request import AnyRequest
from booking_api.verification import Started, match, send_code, switched_on, try_code
from booking_api.verification.errors import CodeRefused, MessageNotSent, NotMatched, SourceUnavailable

ACCOUNT = "/account"


class MessageCode(msgspec.Struct, frozen=True):
    """The six digits of the message."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}\Z")]


@page_get("/account", access=Access.ACCOUNT)
async def get_account(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The account."""
    visitor = await visit(request, desk)
    person = await find_person(desk.kernel.reads, visitor.me.id)
    return render(
        "account/overview.html",
        visitor,
        person=person,
        phone=await phone_of(desk.kernel.reads, person.id),
        online=desk.verification is not None,
        roles=await _roles(desk, visitor.words, person.roles),
        vehicles=visitor.me.vehicles,
    )


@page_post("/account/verification", access=Access.ACCOUNT)
async def post_verification(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Sends a code to the phone the authority has on record."""
    visitor, _ = await posted(request, desk)
    verification = switched_on(desk.verification)
    engine, me = desk.kernel.engine, visitor.me
    try:
        await desk.gate.ask_for_code(request, me)
        found = await match(engine, verification, account=me.id)
        await desk.gate.send_code(phone=found.phone)
        started = await send_code(engine, verification, account=me.id, to=found)
    except AlreadyVerified:
        return go_to(visitor, ACCOUNT)
    except (NotMatched, SourceUnavailable, MessageNotSent, RateLimited) as error:
        return _code_form(visitor, started=None, error=error)
    return _code_form(visitor, started=started)


@page_get("/account/verification", access=Access.ACCOUNT)
async def get_verification(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The form for a code that has come."""
    visitor = await visit(request, desk)
    switched_on(desk.verification)
    return _code_form(visitor, started=None)


@page_post("/account/verification/code", access=Access.ACCOUNT)
async def post_code(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Verifies the account."""
    visitor, form = await posted(request, desk)
    verification = switched_on(desk.verification)
    try:
        told = form.read(MessageCode)
        await try_code(desk.kernel.engine, verification, account=visitor.me.id, code=told.code)
    except AlreadyVerified:
        return go_to(visitor, ACCOUNT)
    except (FieldsRefused, CodeRefused, PersonHasAccount, RecentlyErased) as error:
        return _code_form(visitor, started=None, error=error)
    # What the person may do now counts on their next page.
    desk.sessions.forget(visitor.me.id)
    return go_to(visitor, ACCOUNT, told="verified")


async def _roles(desk: Desk, words: Words, roles: list[str]) -> list[tuple[str, str]]:
    """Each role in words, and what it is for."""
    pairs = [role.partition(":")[::2] for role in roles]
    scopes = [scope for _, scope in pairs]
    names = {
        **await authority_names(desk.kernel.reads, scopes),
        **await organisation_names(desk.kernel.reads, scopes),
    }
    return [
        (words.code(f"role.{role}", instead=role), words.named(names.get(scope, {"en": scope})))
        for role, scope in pairs
    ]


def _code_form(visitor: Visitor, *, started: Started | None, error: ApiError | None = None) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    return render(
        "account/verification.html",
        visitor,
        headers=error.headers if error else None,
        refused=refused,
        sent_to=started.sent_to if started else "",
        minutes=started.expires_in // 60 if started else 10,
        asked=not isinstance(error, NotMatched | SourceUnavailable | MessageNotSent),
    )
