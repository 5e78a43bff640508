"""Second factors: set up, activate, remove, reset at a counter; and the second step of signing in with them.

Setting up asks for the password again: whoever finds a signed-in browser is not to lock its owner out.
"""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest, OwnAccount, PasswordRefused, UnknownAccount
from booking_api.gate.proof import prove_by_code, prove_by_password, take_second_step
from booking_api.identity import refresh
from booking_api.identity.accounts import Person
from booking_api.identity.factors import security_keys, totp
from booking_api.identity.factors.active import Factors, factors_of
from booking_api.identity.factors.browser import NewCredential
from booking_api.identity.factors.errors import (
    CodeRefused,
    FactorClosed,
    FactorExists,
    FactorUnreadable,
    KeyRefused,
    NoSecondFactor,
    PublicUrlNeeded,
    SecondFactorRefused,
    TicketRefused,
    TooManyKeys,
    UnknownFactor,
)
from booking_api.identity.factors.events import AccountEvent, latest_events
from booking_api.identity.factors.party import relying_party
from booking_api.identity.factors.reset import reset_factors
from booking_api.identity.factors.tickets import ticket_owner
from booking_api.identity.factors.totp import TotpSetUp
from booking_api.identity.password_again import Credentials, credentials_of
from booking_api.identity.signing_in import SecondStep
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_sign_in as examples
from booking_api.routes.accounts import NO_STORE, Tokens, tokens_answer
from booking_api.routes.examples import PERSON, TOKENS

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OF_A_REMOVAL = (
    UnknownAccount,
    PasswordRefused,
    CodeRefused,
    FactorClosed,
    FactorUnreadable,
    UnknownFactor,
)
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class PasswordAgain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account's password, again."""

    password: Text


class AppCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the app shows now."""

    code: Text


class RemovalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password or the app's code: one of them."""

    password: Text | None = None
    code: Text | None = None


class NewSecurityKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the browser made of the options, and what its owner calls the key."""

    name: Name
    credential: NewCredential


class TicketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket of the first step."""

    ticket: Text


class ResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose card a clerk has seen, and the number on it."""

    login: Text
    identity_number: Text


class Activated(msgspec.Struct, frozen=True):
    """Recovery codes, shown this once, when this was the account's first factor; else none."""

    recovery_codes: list[str]


class Options(msgspec.Struct, frozen=True):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()` of the browser."""

    public_key: dict[str, Any]


class Events(msgspec.Struct, frozen=True):
    """What happened to how the account signs in, newest first."""

    events: list[AccountEvent]


@get("/factors", summary="My second factors", tags=["factors"], opt=told(answer=examples.FACTORS))
async def get_factors(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Factors]:
    """Which second factors the account has."""
    account, headers = await desk.gate.enter(request, reads=True)
    return Answer(await factors_of(desk.kernel.reads, account.id), status_code=200, headers=headers)


@get(
    "/accounts/me/events",
    summary="What happened to my account",
    tags=["factors"],
    opt=told(answer=examples.EVENTS),
)
async def get_events(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Events]:
    """Who changed what about how the account signs in."""
    account, headers = await desk.gate.enter(request, reads=True)
    events = await latest_events(desk.kernel.reads, account.id)
    return Answer(Events(events), status_code=200, headers=headers)


@post(
    "/factors/totp",
    summary="Set up an authenticator app",
    tags=["factors"],
    status_code=200,
    opt=told(
        UnknownAccount,
        PasswordRefused,
        FactorExists,
        body=examples.PASSWORD_AGAIN,
        answer=examples.TOTP_SET_UP,
    ),
)
async def post_totp(
    request: AnyRequest, data: JSONBody[PasswordAgain], desk: NamedDependency[Desk]
) -> Response[TotpSetUp]:
    """The app's secret, shown this once. It counts when one of its codes has activated it."""
    account, headers = await desk.gate.enter(request)
    known = await _owner(desk, request, account=account.id, password=data.password)
    made = await totp.set_up(desk.kernel.engine, desk.key, account=account.id, login=known.login)
    return Answer(made, status_code=200, headers=headers | NO_STORE)


@post(
    "/factors/totp/activate",
    summary="Activate the app",
    tags=["factors"],
    status_code=200,
    opt=told(
        UnknownAccount,
        UnknownFactor,
        FactorExists,
        CodeRefused,
        FactorUnreadable,
        body=examples.CODE,
        answer=examples.ACTIVATED,
    ),
)
async def post_totp_activation(
    request: AnyRequest, data: JSONBody[AppCode], desk: NamedDependency[Desk]
) -> Response[Activated]:
    """From now on a code of the app is asked for at sign-in."""
    account, headers = await desk.gate.enter(request)
    known = await credentials_of(desk.kernel.engine, account.id)
    await desk.gate.attempt_sign_in(request, login=known.login)
    codes = await totp.activate(
        desk.kernel.engine, desk.key, account=account.id, code=data.code, now_s=clock.now_s()
    )
    return Answer(Activated(codes), status_code=200, headers=headers | NO_STORE)


@post(
    "/factors/totp/remove",
    summary="Remove the app",
    tags=["factors"],
    status_code=204,
    opt=told(*OF_A_REMOVAL, body=examples.REMOVAL),
)
async def post_totp_removal(
    request: AnyRequest, data: JSONBody[RemovalRequest], desk: NamedDependency[Desk]
) -> Response[None]:
    """Codes are not asked for any more."""
    account, headers = await desk.gate.enter(request)
    await _may_remove(desk, request, data, account=account.id)
    await totp.remove(desk.kernel.engine, account=account.id)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/factors/security-keys/options",
    summary="Begin to add a key",
    tags=["factors"],
    status_code=200,
    opt=told(
        PublicUrlNeeded,
        UnknownAccount,
        PasswordRefused,
        TooManyKeys,
        body=examples.PASSWORD_AGAIN,
        answer=examples.CREATION_OPTIONS,
    ),
)
async def post_key_options(
    request: AnyRequest, data: JSONBody[PasswordAgain], desk: NamedDependency[Desk]
) -> Response[Options]:
    """What the browser needs to make a credential (WebAuthn), with a challenge that is good once."""
    account, headers = await desk.gate.enter(request)
    party = relying_party(desk.settings)
    known = await _owner(desk, request, account=account.id, password=data.password)
    made = await security_keys.registration_options(
        desk.kernel.engine, party, account=account.id, login=known.login
    )
    return Answer(Options(made), status_code=200, headers=headers | NO_STORE)


@post(
    "/factors/security-keys",
    summary="Add a key",
    tags=["factors"],
    status_code=201,
    opt=told(
        PublicUrlNeeded,
        UnknownAccount,
        KeyRefused,
        TooManyKeys,
        body=examples.NEW_SECURITY_KEY,
        answer=examples.NO_CODES,
    ),
)
async def post_key(
    request: AnyRequest, data: JSONBody[NewSecurityKey], desk: NamedDependency[Desk]
) -> Response[Activated]:
    """From now on the key can be given at sign-in, and a second factor must be."""
    account, headers = await desk.gate.enter(request)
    codes = await security_keys.add_key(
        desk.kernel.engine,
        relying_party(desk.settings),
        account=account.id,
        name=security_keys.checked_key_name(data.name),
        credential=data.credential,
    )
    return Answer(Activated(codes), status_code=201, headers=headers | NO_STORE)


@post(
    "/factors/security-keys/{key_id:str}/remove",
    summary="Remove a key",
    tags=["factors"],
    status_code=204,
    opt=told(*OF_A_REMOVAL, body=examples.PASSWORD_AGAIN),
)
async def post_key_removal(
    request: AnyRequest, key_id: FromPath[str], data: JSONBody[RemovalRequest], desk: NamedDependency[Desk]
) -> Response[None]:
    """The key is good for nothing here any more."""
    account, headers = await desk.gate.enter(request)
    await _may_remove(desk, request, data, account=account.id)
    await security_keys.remove_key(desk.kernel.engine, account=account.id, credential=key_id)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/factor-resets",
    summary="Reset at the counter",
    tags=["factors"],
    status_code=200,
    opt=told(UnknownAccount, OwnAccount, NoSecondFactor, body=examples.RESET, answer=PERSON),
)
async def post_factor_reset(
    request: AnyRequest, data: JSONBody[ResetRequest], desk: NamedDependency[Desk]
) -> Response[Person]:
    """For clerks who have seen the person and their card: no second factor any more, and signed out everywhere."""
    clerk, headers = await desk.gate.enter(request)
    person = await reset_factors(
        desk.kernel.engine,
        login=data.login,
        identity_number=data.identity_number,
        clerk=clerk.id,
        today=clock.today(),
    )
    desk.sessions.forget(person.id)
    return Answer(person, status_code=200, headers=headers)


@post(
    "/sign-in/second/options",
    summary="Begin to use a key",
    tags=["accounts"],
    status_code=200,
    opt=told(
        TicketRefused, UnknownFactor, PublicUrlNeeded, body=examples.TICKET, answer=examples.REQUEST_OPTIONS
    ),
)
async def post_second_step_options(
    request: AnyRequest, data: JSONBody[TicketRequest], desk: NamedDependency[Desk]
) -> Response[Options]:
    """What the browser needs to ask the account's security keys (WebAuthn), with a challenge that is good once."""
    headers = await desk.gate.enter_unknown(request)
    account, _ = await ticket_owner(desk.kernel.engine, data.ticket)
    made = await security_keys.sign_in_options(
        desk.kernel.engine, relying_party(desk.settings), account=account, ticket=data.ticket
    )
    return Answer(Options(made), status_code=200, headers=headers | NO_STORE)


@post(
    "/sign-in/second",
    summary="Sign in, second step",
    tags=["accounts"],
    status_code=200,
    opt=told(
        TicketRefused,
        SecondFactorRefused,
        FactorClosed,
        FactorUnreadable,
        PublicUrlNeeded,
        UnknownAccount,
        body=examples.SECOND_STEP,
        answer=TOKENS,
    ),
)
async def post_second_step(
    request: AnyRequest, data: JSONBody[SecondStep], desk: NamedDependency[Desk]
) -> Response[Tokens]:
    """The tokens of a sign-in, for its ticket and one second factor."""
    headers = await desk.gate.enter_unknown(request)
    person = await take_second_step(
        desk.gate,
        request,
        data,
        engine=desk.kernel.engine,
        key=desk.key,
        settings=desk.settings,
        now_s=clock.now_s(),
    )
    token = await refresh.begin_family(desk.kernel.engine, account=person.id)
    return await tokens_answer(desk, person, token, headers)


async def _owner(desk: Desk, request: AnyRequest, *, account: str, password: str) -> Credentials:
    """The account's credentials, when the password is right; tries are counted like those at a sign-in."""
    return await prove_by_password(
        desk.gate,
        request,
        engine=desk.kernel.engine,
        passwords=desk.passwords,
        account=account,
        password=password,
    )


async def _may_remove(desk: Desk, request: AnyRequest, data: RemovalRequest, *, account: str) -> None:
    if (data.password is None) == (data.code is None):
        raise InvalidRequest(errors=[{"field": "body", "reason": "exactly one of password and code"}])
    if data.password is not None:
        await _owner(desk, request, account=account, password=data.password)
        return
    await prove_by_code(
        desk.gate,
        request,
        engine=desk.kernel.engine,
        key=desk.key,
        account=account,
        code=data.code or "",
        now_s=clock.now_s(),
    )
