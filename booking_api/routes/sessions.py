"""Sessions of pages: sign in with a cookie, see it, sign out here or everywhere; and change the password.

Pages need no tokens in scripts' reach: the cookie is HttpOnly, and writes carry the session's CSRF token.
"""

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import PasswordRefused, SignInRefused, UnknownAccount
from booking_api.gate.proof import take_second_step
from booking_api.identity.accounts import Person, find_person
from booking_api.identity.factors.errors import (
    FactorClosed,
    FactorUnreadable,
    PublicUrlNeeded,
    SecondFactorNeeded,
    SecondFactorRefused,
    TicketRefused,
)
from booking_api.identity.password_again import change_password, credentials_of
from booking_api.identity.sessions.errors import CsrfRefused, JsonNeeded, SessionMissing
from booking_api.identity.sessions.memory import Visit
from booking_api.identity.sessions.rows import end_everywhere, end_session
from booking_api.identity.signing_in import SecondStep, first_step
from booking_api.request import Answer, AnyRequest, header
from booking_api.routes import examples_sign_in as examples
from booking_api.routes.accounts import NO_STORE, SignInRequest, Text
from booking_api.routes.examples import SIGN_IN

OF_A_FORM = (CsrfRefused, JsonNeeded, PublicUrlNeeded)
COOKIE = {"Set-Cookie": "The session's cookie, or that it is over."}


class SessionView(msgspec.Struct, frozen=True):
    """What a page needs: whose session it is, and the token its writes carry in `X-CSRF-Token`."""

    csrf_token: str
    account: Person


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password now, and the one from now on."""

    old_password: Text
    new_password: Text


@post(
    "/session",
    summary="Sign in with a cookie",
    tags=["sessions"],
    status_code=200,
    opt=told(
        *OF_A_FORM, SignInRefused, SecondFactorNeeded, body=SIGN_IN, answer=examples.SESSION, sends=COOKIE
    ),
)
async def post_session(
    request: AnyRequest, data: JSONBody[SignInRequest], desk: NamedDependency[Desk]
) -> Response[SessionView]:
    """A session for a browser. An account with a second factor is told what it owes, as at /sign-in."""
    headers = await _enter_form(desk, request)
    await desk.gate.attempt_sign_in(request, login=data.login)
    person = await first_step(desk.kernel.engine, desk.passwords, login=data.login, password=data.password)
    return await _begin(desk, request, person, headers)


@post(
    "/session/second",
    summary="Sign in with a cookie, second step",
    tags=["sessions"],
    status_code=200,
    opt=told(
        *OF_A_FORM,
        TicketRefused,
        SecondFactorRefused,
        FactorClosed,
        FactorUnreadable,
        UnknownAccount,
        body=examples.SECOND_STEP,
        answer=examples.SESSION,
        sends=COOKIE,
    ),
)
async def post_session_second_step(
    request: AnyRequest, data: JSONBody[SecondStep], desk: NamedDependency[Desk]
) -> Response[SessionView]:
    """A session for a browser, for the ticket of the first step and one second factor."""
    headers = await _enter_form(desk, request)
    person = await take_second_step(
        desk.gate,
        request,
        data,
        engine=desk.kernel.engine,
        key=desk.key,
        settings=desk.settings,
        now_s=clock.now_s(),
    )
    return await _begin(desk, request, person, headers)


@get(
    "/session",
    summary="My session",
    tags=["sessions"],
    opt=told(SessionMissing, UnknownAccount, answer=examples.SESSION),
)
async def get_session(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[SessionView]:
    """The session's account and CSRF token again, for a page that was loaded anew."""
    visit, headers = await _visit(desk, request, reads=True)
    person = await find_person(desk.kernel.reads, visit.account.id)
    return Answer(SessionView(visit.csrf, person), status_code=200, headers=headers | NO_STORE)


@delete("/session", summary="End my session", tags=["sessions"], opt=told(SessionMissing, sends=COOKIE))
async def delete_session(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Signs out in this browser."""
    visit, headers = await _visit(desk, request)
    async with desk.kernel.engine.begin() as connection:
        await end_session(connection, visit.session)
    desk.sessions.forget(visit.account.id)
    return Answer(None, status_code=204, headers=headers | desk.gate.cookie.clear())


@delete("/sessions", summary="Sign out everywhere", tags=["sessions"], opt=told(sends=COOKIE))
async def delete_sessions(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Ends every session and refresh token of the account; access tokens end within minutes."""
    account, _, headers = await _asker(desk, request)
    async with desk.kernel.engine.begin() as connection:
        await end_everywhere(connection, account)
    desk.sessions.forget(account)
    return Answer(None, status_code=204, headers=headers | desk.gate.cookie.clear())


@post(
    "/accounts/me/password",
    summary="Change my password",
    tags=["accounts"],
    status_code=204,
    opt=told(UnknownAccount, PasswordRefused, body=examples.PASSWORD_CHANGE),
)
async def post_password(
    request: AnyRequest, data: JSONBody[PasswordChange], desk: NamedDependency[Desk]
) -> Response[None]:
    """Ends every other session and every refresh token. Tries are limited like those at a sign-in."""
    account, session, headers = await _asker(desk, request)
    known = await credentials_of(desk.kernel.engine, account)
    await desk.gate.attempt_sign_in(request, login=known.login)
    await change_password(
        desk.kernel.engine,
        desk.passwords,
        known,
        old=data.old_password,
        new=data.new_password,
        but=session,
    )
    desk.sessions.forget(account, but=session)
    return Answer(None, status_code=204, headers=headers)


async def _enter_form(desk: Desk, request: AnyRequest) -> dict[str, str]:
    """Lets in somebody who wants a session: another site must not be able to sign them in as somebody else."""
    if not desk.settings.keeps_cookies_safe:
        raise PublicUrlNeeded
    headers = await desk.gate.enter_unknown(request)
    desk.gate.cookie.check_origin(request)
    # What a form of another site can send without asking first is not JSON (Fetch standard, section 2.2.2).
    kind = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise JsonNeeded
    return headers


async def _begin(
    desk: Desk, request: AnyRequest, person: Person, headers: dict[str, str]
) -> Response[SessionView]:
    session, told = await desk.sessions.begin(person.id, instead_of=desk.gate.cookie.of(request))
    view = SessionView(desk.sessions.csrf(session), person)
    return Answer(view, status_code=200, headers=headers | NO_STORE | desk.gate.cookie.set(told))


async def _visit(desk: Desk, request: AnyRequest, *, reads: bool = False) -> tuple[Visit, dict[str, str]]:
    """The session itself.

    Raises:
        SessionMissing: the request speaks with an access token, which has none.
    """
    if header(request, b"authorization") is not None:
        await desk.gate.enter(request, reads=reads)
        raise SessionMissing
    return await desk.gate.enter_session(request, reads=reads)


async def _asker(desk: Desk, request: AnyRequest) -> tuple[str, str | None, dict[str, str]]:
    """(account id, its session if it asks with one, headers)."""
    if header(request, b"authorization") is None:
        visit, headers = await desk.gate.enter_session(request)
        return visit.account.id, visit.session, headers
    account, headers = await desk.gate.enter(request)
    return account.id, None, headers
