"""`/sign-in`: with a password and, where the account has one, a second factor; and signing out. Imports the identity room.

Each step is a form of its own. The ticket between the two travels in the second form and is good for a few minutes.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from booking_api import clock
from booking_api.demo.applicants import Applicant
from booking_api.desk import Desk
from booking_api.errors import ApiError, RateLimited, SignInRefused
from booking_api.gate.access import Access
from booking_api.identity.factors.errors import PublicUrlNeeded, SecondFactorNeeded, SecondFactorRefused
from booking_api.identity.factors.tickets import ticket_owner
from booking_api.identity.sessions.rows import begin_session, end_session
from booking_api.identity.signing_in import SecondStep, first_step, second_step
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest

HOME = "/"
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SignIn(msgspec.Struct, frozen=True):
    """Who signs in."""

    login: Said
    password: Said


class Second(msgspec.Struct, frozen=True):
    """The second factor, as digits of an app or one of the codes written down."""

    ticket: Said
    code: Said


class Chosen(msgspec.Struct, frozen=True):
    """Somebody of the demo."""

    account: Said


def sign_in_pages(people: Sequence[Applicant]) -> list[HTTPRouteHandler]:
    """The sign-in, with these people of the demo to choose from."""

    @page_get("/sign-in", access=Access.PUBLIC)
    async def get_sign_in(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
        """The form."""
        visitor = await visit(request, desk)
        return _form(visitor, people, back=back_of(visitor.query.get("next", "")))

    @page_post("/sign-in", access=Access.UNKNOWN)
    async def post_sign_in(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
        """The first step."""
        visitor, form = await posted(request, desk)
        back = back_of(form.one("next"))
        try:
            check_cookies_safe(desk)
            told = form.read(SignIn)
            await desk.gate.attempt_sign_in(request, login=told.login)
            person = await first_step(
                desk.kernel.engine, desk.passwords, login=told.login, password=told.password
            )
        except SecondFactorNeeded as owed:
            return _second_form(visitor, ticket=owed.facts["ticket"], kinds=owed.facts["kinds"], back=back)
        except (FieldsRefused, SignInRefused, RateLimited, PublicUrlNeeded) as error:
            return _form(visitor, people, back=back, login=form.one("login"), error=error)
        return await _enter(desk, request, visitor, account=person.id, back=back)

    @page_post("/sign-in/demo", access=Access.UNKNOWN)
    async def post_demo(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
        """Somebody of the demo, who needs no password."""
        visitor, form = await posted(request, desk)
        back = back_of(form.one("next"))
        account = form.one("account")
        if account not in {person.account for person in people}:
            unusable = FieldsRefused({"account": ("choice", {})})
            return _form(visitor, people, back=back, error=unusable)
        return await _enter(desk, request, visitor, account=account, back=back)

    demo = [post_demo] if people else []
    return [get_sign_in, post_sign_in, post_second, post_sign_out, *demo]


@page_post("/sign-in/second", access=Access.UNKNOWN)
async def post_second(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The second step, with a code."""
    visitor, form = await posted(request, desk)
    back = back_of(form.one("next"))
    try:
        told = form.read(Second)
        owner = await ticket_owner(desk.kernel.engine, told.ticket)
        await desk.gate.attempt_sign_in(request, login=f"second step of {owner}")
        digits = told.code.isdigit()
        step = SecondStep(
            told.ticket,
            totp_code=told.code if digits else None,
            recovery_code=None if digits else told.code,
        )
        person = await second_step(desk.kernel.engine, desk.key, desk.settings, step, now_s=clock.now_s())
    except (FieldsRefused, SecondFactorRefused, RateLimited) as error:
        return _second_form(visitor, ticket=form.one("ticket"), kinds=(), back=back, error=error)
    return await _enter(desk, request, visitor, account=person.id, back=back)


@page_post("/sign-out", access=Access.PUBLIC)
async def post_sign_out(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Signs out in this browser."""
    visitor, _ = await posted(request, desk)
    if visitor.account is not None:
        async with desk.kernel.engine.begin() as connection:
            await end_session(connection, visitor.session)
        desk.sessions.forget(visitor.account.id)
    # What the browser kept for the time without a network is the signed-in person's own.
    left = visitor._replace(
        headers=visitor.headers | desk.gate.cookie.clear() | {"Clear-Site-Data": '"cache"'}
    )
    return go_to(left, HOME, told="signed_out")


def check_cookies_safe(desk: Desk) -> None:
    """Passes where no network between a browser and us can read a cookie.

    Raises:
        PublicUrlNeeded: it could; nobody signs in by cookie there.
    """
    if not desk.settings.keeps_cookies_safe:
        raise PublicUrlNeeded


def back_of(wanted: str) -> str:
    """Where to go after signing in: a path of ours, else the start.

    >>> back_of("/bookings?x=1"), back_of("https://elsewhere.example"), back_of("//elsewhere.example")
    ('/bookings?x=1', '/', '/')
    """
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours and not wanted.startswith("/sign-") else HOME


async def _enter(
    desk: Desk, request: AnyRequest, visitor: Visitor, *, account: str, back: str
) -> Response[None]:
    _, told = await begin_session(
        desk.kernel.engine, account=account, instead_of=desk.gate.cookie.of(request)
    )
    entered = visitor._replace(headers=visitor.headers | desk.gate.cookie.set(told))
    return go_to(entered, back)


def _form(
    visitor: Visitor,
    people: Sequence[Applicant],
    *,
    back: str,
    login: str = "",
    error: ApiError | None = None,
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    return render(
        "account/sign_in.html",
        visitor,
        status=refused.status if refused else 200,
        headers=error.headers if error else None,
        refused=refused,
        back=back,
        login=login,
        people=people,
    )


def _second_form(
    visitor: Visitor,
    *,
    ticket: str,
    kinds: Sequence[str] | Mapping[str, object],
    back: str,
    error: ApiError | None = None,
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    return render(
        "account/second_step.html",
        visitor,
        status=refused.status if refused else 200,
        refused=refused,
        ticket=ticket,
        kinds=list(kinds),
        back=back,
    )
