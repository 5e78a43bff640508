"""`/account/security`: the password, signing out everywhere, second factors, and what happened to them."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.errors import ApiError, InvalidRequest, PasswordRefused, RateLimited
from booking_api.gate.access import Access
from booking_api.identity.factors.active import factors_of
from booking_api.identity.factors.errors import PublicUrlNeeded
from booking_api.identity.factors.events import latest_events
from booking_api.identity.factors.party import relying_party
from booking_api.identity.oidc import links_of
from booking_api.identity.password_again import change_password, credentials_of
from booking_api.identity.sessions.rows import end_everywhere
from booking_api.pages.account.entering import HOME
from booking_api.pages.account.signing_in import signed_out
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest

SECURITY = "/account/security"
EVENTS_SHOWN = 12
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PasswordChange(msgspec.Struct, frozen=True):
    """The password now, and the one from now on."""

    old_password: Said
    new_password: Said


@page_get("/account/security", access=Access.ACCOUNT)
async def get_security(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """How the account signs in."""
    return await security_page(await visit(request, desk), desk)


@page_post("/account/security/password", access=Access.ACCOUNT)
async def post_password(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Changes the password; every other session ends."""
    visitor, form = await posted(request, desk)
    try:
        told = form.read(PasswordChange)
        known = await credentials_of(desk.kernel.engine, visitor.me.id)
        await desk.gate.attempt_sign_in(request, login=known.login)
        await change_password(
            desk.kernel.engine,
            desk.passwords,
            known,
            old=told.old_password,
            new=told.new_password,
            but=visitor.session,
        )
    except (FieldsRefused, InvalidRequest, PasswordRefused, RateLimited) as error:
        refused = password_refusal(visitor, error, field="old_password")
        return await security_page(visitor, desk, refused=refused)
    desk.sessions.forget(visitor.me.id, but=visitor.session)
    return go_to(visitor, SECURITY, told="password_changed")


@page_post("/account/security/sign-out-everywhere", access=Access.ACCOUNT)
async def post_everywhere(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Ends every session and refresh token of the account, this one too."""
    visitor, _ = await posted(request, desk)
    async with desk.kernel.engine.begin() as connection:
        await end_everywhere(connection, visitor.me.id)
    desk.sessions.forget(visitor.me.id)
    return go_to(signed_out(desk, visitor), HOME, told="signed_out_everywhere")


async def security_page(visitor: Visitor, desk: Desk, *, refused: Refusal | None = None) -> Response[str]:
    """The page, with what was wrong with its form."""
    engine = desk.kernel.reads
    provider = desk.provider
    return render(
        "account/security.html",
        visitor,
        refused=refused,
        factors=await factors_of(engine, visitor.me.id),
        keys_possible=keys_possible(desk),
        events=(await latest_events(engine, visitor.me.id))[:EVENTS_SHOWN],
        provider=provider.issuer if provider else None,
        links=await links_of(engine, visitor.me.id) if provider else [],
    )


def keys_possible(desk: Desk) -> bool:
    """Whether browsers make security keys for the address this installation has."""
    try:
        relying_party(desk.settings)
    except PublicUrlNeeded:
        return False
    return True


def password_refusal(visitor: Visitor, error: ApiError, *, field: str) -> Refusal:
    """The refusal, which marks the field of the password when it is the password that was wrong."""
    refused = refusal_of(visitor.words, error)
    if isinstance(error, PasswordRefused):
        return msgspec.structs.replace(refused, fields={field: refused.sentence})
    return refused
