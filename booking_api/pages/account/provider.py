"""Signing in through the identity provider in a browser, and linking the account to an identity there.

A link begins a sign-in; a form begins a link of one's account, and answers with a link to the provider: the content
security policy lets no form lead to another site.
"""

from typing import Any

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.identity.factors.errors import SecondFactorNeeded
from booking_api.identity.oidc import (
    AttemptRefused,
    OidcOff,
    Provider,
    ProviderRefused,
    UnknownIdentity,
    account_linked_to,
    begin,
    link,
    take,
    unlink,
)
from booking_api.identity.oidc.cookie import attempt_cookie_clear, attempt_cookie_of, attempt_cookie_set
from booking_api.identity.signing_in import check_factors
from booking_api.pages.account.entering import HOME, check_cookies_safe, enter
from booking_api.pages.account.second_step import second_form
from booking_api.pages.account.security import SECURITY
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest, header
from booking_api.uuids import is_uuid

PARAMETER_LIMIT = 2_000


@page_get("/sign-in/provider", access=Access.UNKNOWN)
async def get_provider(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Sends the browser to the identity provider."""
    visitor = await visit(request, desk)
    check_cookies_safe(desk)
    await desk.gate.enter_unknown(request)
    url, cookie = await _begun(desk, account=None)
    headers = visitor.headers | {"Location": url, "Set-Cookie": cookie, "Cache-Control": "no-store"}
    return Response(None, status_code=303, headers=headers)


@page_get("/sign-in/provider/callback", access=Access.UNKNOWN)
async def get_callback(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Ends what was begun: a session for the account the identity is linked to, or the new link."""
    visitor = await visit(request, desk)
    check_cookies_safe(desk)
    await desk.gate.enter_unknown(request)
    provider, engine = _switched_on(desk), desk.kernel.engine
    told = {name: value[:PARAMETER_LIMIT] for name, value in visitor.query.items()}
    browser = attempt_cookie_of(desk.settings, header(request, b"cookie") or "")
    if "state" not in told or browser is None:
        raise AttemptRefused
    attempt = await take(engine, provider.key, state=told["state"], browser=browser)
    await provider.check_sender(told.get("iss"))
    if "error" in told or "code" not in told:
        raise ProviderRefused
    subject = await provider.subject(attempt, code=told["code"], page=True)
    if attempt.account is not None:
        await link(engine, account=attempt.account, issuer=provider.issuer, subject=subject)
        return go_to(_without_attempt(desk, visitor), SECURITY, told="identity_linked")
    account = await account_linked_to(engine, issuer=provider.issuer, subject=subject)
    try:
        await check_factors(engine, account)
    except SecondFactorNeeded as owed:
        return await second_form(desk, visitor, ticket=owed.facts["ticket"], back=HOME)
    return await enter(desk, request, visitor, account=account, back=HOME)


@page_post("/account/security/identities", access=Access.ACCOUNT)
async def post_identity(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The way to the provider; when the browser comes back, the identity may sign in as the account."""
    visitor, _ = await posted(request, desk)
    url, cookie = await _begun(desk, account=visitor.me.id)
    return render("account/link_identity.html", visitor, headers={"Set-Cookie": cookie}, url=url)


@page_post("/account/security/identities/{identity_id:str}/remove", access=Access.ACCOUNT)
async def post_identity_removal(
    request: AnyRequest, identity_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """From now on the identity signs in as nobody."""
    visitor, _ = await posted(request, desk)
    if not is_uuid(identity_id):
        raise UnknownIdentity
    await unlink(desk.kernel.engine, account=visitor.me.id, identity=identity_id)
    return go_to(visitor, SECURITY, told="identity_unlinked")


async def _begun(desk: Desk, *, account: str | None) -> tuple[str, str]:
    """Where to go, and the cookie without which nobody comes back."""
    provider = _switched_on(desk)
    attempt = await begin(desk.kernel.engine, provider.key, account=account)
    url = await provider.authorization_url(attempt, page=True)
    return url, attempt_cookie_set(desk.settings, attempt.browser)


def _switched_on(desk: Desk) -> Provider:
    if desk.provider is None:
        raise OidcOff
    return desk.provider


def _without_attempt(desk: Desk, visitor: Visitor) -> Visitor:
    return visitor._replace(headers=visitor.headers | {"Set-Cookie": attempt_cookie_clear(desk.settings)})
