"""People: register, sign in, refresh, sign out, be verified at a counter."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import (
    AlreadyVerified,
    LoginTaken,
    OwnAccount,
    PersonHasAccount,
    RecentlyErased,
    RefreshRefused,
    SignInRefused,
    UnknownAccount,
)
from booking_api.identity import refresh
from booking_api.identity.accounts import (
    NewAccount,
    Person,
    find_person,
    register_account,
    verify_at_counter,
)
from booking_api.identity.factors.errors import SecondFactorNeeded
from booking_api.identity.resting import resting_key
from booking_api.identity.signing_in import first_step
from booking_api.identity.tokens import issue_token
from booking_api.registers.asking import vehicles_of
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples

ACCESS_LIFE_S = 900
NO_STORE = {"Cache-Control": "no-store"}

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SignInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Login and password."""

    login: Text
    password: Text


class RefreshRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token, good for one use."""

    refresh_token: Text


class VerificationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose card a clerk has seen, and the number on it."""

    login: Text
    identity_number: Text


class Tokens(msgspec.Struct, frozen=True):
    """An access token for `expires_in` seconds, and what the next one is had with (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    account: Person


@post(
    "/accounts",
    summary="Register",
    tags=["accounts"],
    status_code=201,
    opt=told(LoginTaken, body=examples.NEW_ACCOUNT, answer=examples.PERSON),
)
async def post_account(
    request: AnyRequest, data: JSONBody[NewAccount], desk: NamedDependency[Desk]
) -> Response[Person]:
    """Opens an account. It can look, but hold nothing until a counter has verified the person."""
    headers = await desk.gate.enter_unknown(request)
    person = await register_account(desk.kernel.engine, desk.passwords, data, today=clock.today())
    return Answer(person, status_code=201, headers=headers)


@get(
    "/accounts/me", summary="My account", tags=["accounts"], opt=told(UnknownAccount, answer=examples.PERSON)
)
async def get_me(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Person]:
    """The account the token speaks for."""
    account, headers = await desk.gate.enter(request, reads=True)
    return Answer(await find_person(desk.kernel.reads, account.id), status_code=200, headers=headers)


@post(
    "/sign-in",
    summary="Sign in",
    tags=["accounts"],
    status_code=200,
    opt=told(SignInRefused, SecondFactorNeeded, body=examples.SIGN_IN, answer=examples.TOKENS),
)
async def post_sign_in(
    request: AnyRequest, data: JSONBody[SignInRequest], desk: NamedDependency[Desk]
) -> Response[Tokens]:
    """An access token of 15 minutes and a refresh token. Attempts are limited per login and network.

    An account with a second factor is told what it owes: `second_factor_needed`, with a ticket for /sign-in/second.
    """
    headers = await desk.gate.enter_unknown(request)
    await desk.gate.attempt_sign_in(request, login=data.login)
    person = await first_step(desk.kernel.engine, desk.passwords, login=data.login, password=data.password)
    token = await refresh.begin_family(desk.kernel.engine, account=person.id)
    return await tokens_answer(desk, person, token, headers)


@post(
    "/tokens",
    summary="Refresh",
    tags=["accounts"],
    status_code=200,
    opt=told(RefreshRefused, UnknownAccount, body=examples.REFRESH, answer=examples.TOKENS),
)
async def post_token(
    request: AnyRequest, data: JSONBody[RefreshRequest], desk: NamedDependency[Desk]
) -> Response[Tokens]:
    """New tokens for a refresh token. Used twice, it ends every token that came of the same sign-in."""
    headers = await desk.gate.enter_unknown(request)
    account, token = await refresh.use(desk.kernel.engine, data.refresh_token)
    return await tokens_answer(desk, await find_person(desk.kernel.engine, account), token, headers)


@post("/sign-out", summary="Sign out", tags=["accounts"], status_code=204, opt=told(body=examples.REFRESH))
async def post_sign_out(
    request: AnyRequest, data: JSONBody[RefreshRequest], desk: NamedDependency[Desk]
) -> Response[None]:
    """Ends the refresh tokens of this sign-in; an access token ends by its own time."""
    headers = await desk.gate.enter_unknown(request)
    await refresh.end_family(desk.kernel.engine, data.refresh_token)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/verifications",
    summary="Verify at the counter",
    tags=["accounts"],
    status_code=200,
    opt=told(
        UnknownAccount,
        PersonHasAccount,
        AlreadyVerified,
        OwnAccount,
        RecentlyErased,
        body=examples.VERIFICATION,
        answer=examples.PERSON,
    ),
)
async def post_verification(
    request: AnyRequest, data: JSONBody[VerificationRequest], desk: NamedDependency[Desk]
) -> Response[Person]:
    """For clerks who have seen the person and their card. From the next sign-in on the person may hold."""
    clerk, headers = await desk.gate.enter(request)
    person = await verify_at_counter(
        desk.kernel.engine,
        login=data.login,
        identity_number=data.identity_number,
        clerk=clerk.id,
        resting_key=resting_key(desk.key),
        today=clock.today(),
    )
    return Answer(person, status_code=200, headers=headers)


async def tokens_answer(
    desk: Desk, person: Person, refresh_token: str, headers: dict[str, str]
) -> Response[Tokens]:
    """Tokens for a person who has signed in; they vouch for the vehicles the register has as theirs now."""
    async with desk.kernel.reads.connect() as connection:
        vehicles = (await vehicles_of(connection, [person.id]))[person.id]
    access = issue_token(
        desk.key,
        account=person.id,
        now_s=clock.now_s(),
        life_s=ACCESS_LIFE_S,
        verified=person.verified,
        roles=person.roles,
        vehicles=vehicles,
    )
    tokens = Tokens(access, "Bearer", ACCESS_LIFE_S, refresh_token, person)
    return Answer(tokens, status_code=200, headers=headers | NO_STORE)
