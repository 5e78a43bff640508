"""Signing in through an identity provider, and linking an account to an identity there."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import UnknownAccount
from booking_api.identity import refresh
from booking_api.identity.accounts import find_person
from booking_api.identity.factors.errors import SecondFactorNeeded
from booking_api.identity.oidc import (
    AttemptRefused,
    ExternalIdentity,
    OidcOff,
    Provider,
    ProviderRefused,
    UnknownIdentity,
    account_linked_to,
    begin,
    link,
    links_of,
    take,
    unlink,
)
from booking_api.identity.oidc.cookie import attempt_cookie_clear, attempt_cookie_of, attempt_cookie_set
from booking_api.identity.oidc.errors import IdTokenRefused, LinkedElsewhere, NotLinked, ProviderUnavailable
from booking_api.identity.signing_in import check_factors
from booking_api.request import Answer, AnyRequest, header
from booking_api.routes import examples_sign_in as examples
from booking_api.routes.accounts import NO_STORE, Tokens, tokens_answer
from booking_api.routes.examples import TOKENS

SETS_COOKIE = {"Set-Cookie": "What the browser must bring back from the provider; good for ten minutes."}

Parameter = Annotated[str | None, QueryParameter(max_length=2_000)]
# The framework keeps the name `state` for its own.
State = Annotated[str | None, QueryParameter(name="state", max_length=2_000)]


class Authorization(msgspec.Struct, frozen=True):
    """Where to send the browser that got this answer's cookie."""

    authorization_url: str


class ExternalIdentities(msgspec.Struct, frozen=True):
    """The account's identities at providers."""

    external_identities: list[ExternalIdentity]


@get(
    "/sign-in/oidc",
    summary="Sign in through the identity provider",
    tags=["accounts"],
    status_code=302,
    opt=told(
        OidcOff,
        ProviderUnavailable,
        answer=examples.AUTHORIZATION,
        sends=SETS_COOKIE | {"Location": "The identity provider."},
    ),
)
async def get_oidc_sign_in(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Authorization]:
    """Sends the browser to the identity provider."""
    headers = await desk.gate.enter_unknown(request)
    url, cookie = await _begun(desk, account=None)
    redirect = {"Location": url, "Set-Cookie": cookie}
    return Answer(Authorization(url), status_code=302, headers=headers | NO_STORE | redirect)


@get(
    "/sign-in/oidc/callback",
    summary="Back from the identity provider",
    tags=["accounts"],
    status_code=200,
    opt=told(
        OidcOff,
        AttemptRefused,
        ProviderRefused,
        ProviderUnavailable,
        IdTokenRefused,
        NotLinked,
        LinkedElsewhere,
        SecondFactorNeeded,
        UnknownAccount,
        answer=TOKENS,
        sends={"Set-Cookie": "Takes the cookie away."},
    ),
)
async def get_oidc_callback(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    *,
    begun: State = None,
    code: Parameter = None,
    iss: Parameter = None,
    error: Parameter = None,
) -> Response[Tokens] | Response[ExternalIdentity]:
    """Ends what was begun: tokens for the account the identity is linked to, or the new link of the account that asked."""
    headers = await desk.gate.enter_unknown(request)
    provider, engine = _switched_on(desk), desk.kernel.engine
    browser = attempt_cookie_of(desk.settings, header(request, b"cookie") or "")
    if begun is None or browser is None:
        raise AttemptRefused
    attempt = await take(engine, provider.key, state=begun, browser=browser)
    await provider.check_sender(iss)
    if error is not None or code is None:
        raise ProviderRefused
    subject = await provider.subject(attempt, code=code)
    headers |= {"Set-Cookie": attempt_cookie_clear(desk.settings)}
    if attempt.account is not None:
        linked = await link(engine, account=attempt.account, issuer=provider.issuer, subject=subject)
        return Answer(linked, status_code=200, headers=headers | NO_STORE)
    account = await account_linked_to(engine, issuer=provider.issuer, subject=subject)
    await check_factors(engine, account)
    token = await refresh.begin_family(engine, account=account)
    return await tokens_answer(desk, await find_person(engine, account), token, headers)


@post(
    "/accounts/me/external-identities",
    summary="Link an identity",
    tags=["accounts"],
    status_code=201,
    opt=told(OidcOff, ProviderUnavailable, UnknownAccount, answer=examples.AUTHORIZATION, sends=SETS_COOKIE),
)
async def post_external_identity(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Authorization]:
    """Gives the address to send this browser to; when it comes back, the identity may sign in as the account."""
    account, headers = await desk.gate.enter(request)
    url, cookie = await _begun(desk, account=account.id)
    return Answer(Authorization(url), status_code=201, headers=headers | NO_STORE | {"Set-Cookie": cookie})


@get(
    "/accounts/me/external-identities",
    summary="My identities at providers",
    tags=["accounts"],
    opt=told(answer=examples.EXTERNAL_IDENTITIES),
)
async def get_external_identities(
    request: AnyRequest, desk: NamedDependency[Desk]
) -> Response[ExternalIdentities]:
    """Every identity that may sign in as the account."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await links_of(desk.kernel.reads, account.id)
    return Answer(ExternalIdentities(found), status_code=200, headers=headers)


@delete(
    "/accounts/me/external-identities/{identity_id:str}",
    summary="Remove an identity",
    tags=["accounts"],
    status_code=204,
    opt=told(UnknownIdentity),
)
async def delete_external_identity(
    request: AnyRequest, identity_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """From now on the identity signs in as nobody."""
    account, headers = await desk.gate.enter(request)
    await unlink(desk.kernel.engine, account=account.id, identity=_checked_id(identity_id))
    return Answer(None, status_code=204, headers=headers)


async def _begun(desk: Desk, *, account: str | None) -> tuple[str, str]:
    """Where to go, and the cookie without which nobody comes back."""
    provider = _switched_on(desk)
    attempt = await begin(desk.kernel.engine, provider.key, account=account)
    url = await provider.authorization_url(attempt)
    return url, attempt_cookie_set(desk.settings, attempt.browser)


def _switched_on(desk: Desk) -> Provider:
    if desk.provider is None:
        raise OidcOff
    return desk.provider


def _checked_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise UnknownIdentity from None
