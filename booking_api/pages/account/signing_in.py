"""`/sign-in`: with a password and, where the account has one, a second factor; and signing out. Imports the identity room.

Each step is a form of its own. The ticket between the two travels in the second form and is good for a few minutes.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from booking_api.demo.applicants import Applicant
from booking_api.desk import Desk
from booking_api.errors import ApiError, RateLimited, SignInRefused
from booking_api.gate.access import Access
from booking_api.identity.factors.errors import PublicUrlNeeded, SecondFactorNeeded
from booking_api.identity.sessions.rows import end_session
from booking_api.identity.signing_in import first_step
from booking_api.pages.account.entering import HOME, back_of, check_cookies_safe, enter
from booking_api.pages.account.second_step import second_form
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import NOBODY, PERSON_HEADER, Visitor, posted, visit
from booking_api.request import AnyRequest

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
STARTS = {"school": "/school", "station": "/station", "operator": "/operator", "clerk": "/counter"}
"""Where the demo's people begin; everybody else at the start."""
ROLES = ("applicant", "school", "station", "operator", "clerk", "auditor")


class SignIn(msgspec.Struct, frozen=True):
    """Who signs in."""

    login: Said
    password: Said


def sign_in_pages(people: Sequence[Applicant]) -> list[HTTPRouteHandler]:
    """The sign-in, with these people of the demo to choose from."""

    @page_get("/sign-in", access=Access.PUBLIC)
    async def get_sign_in(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
        """The form."""
        visitor = await visit(request, desk)
        return _form(desk, visitor, people, back=back_of(visitor.query.get("next", "")))

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
            return await second_form(desk, visitor, ticket=owed.facts["ticket"], back=back)
        except (FieldsRefused, SignInRefused, RateLimited, PublicUrlNeeded) as error:
            return _form(desk, visitor, people, back=back, login=form.one("login"), error=error)
        return await enter(desk, request, visitor, account=person.id, back=back)

    @page_post("/sign-in/demo", access=Access.UNKNOWN)
    async def post_demo(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
        """Somebody of the demo, who needs no password."""
        visitor, form = await posted(request, desk)
        back = back_of(form.one("next"))
        person = next((person for person in people if person.account == form.one("account")), None)
        if person is None:
            unusable = FieldsRefused({"account": ("choice", {})})
            return _form(desk, visitor, people, back=back, error=unusable)
        start = STARTS.get(person.role, HOME) if back == HOME else back
        return await enter(desk, request, visitor, account=person.account, back=start)

    demo = [post_demo] if people else []
    return [get_sign_in, post_sign_in, post_sign_out, *demo]


@page_post("/sign-out", access=Access.PUBLIC)
async def post_sign_out(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Signs out in this browser."""
    visitor, _ = await posted(request, desk)
    if visitor.account is not None:
        async with desk.kernel.engine.begin() as connection:
            await end_session(connection, visitor.session)
        desk.sessions.forget(visitor.account.id)
    return go_to(signed_out(desk, visitor), HOME, told="signed_out")


def signed_out(desk: Desk, visitor: Visitor) -> Visitor:
    """The visitor as nobody, with what tells the browser to forget them: its cookie, and every copy of a page of theirs.

    Pages kept for the time without a network are the service worker's, which deletes them when it sees a page of nobody's.
    """
    left = desk.gate.cookie.clear() | {"Clear-Site-Data": '"cache"', PERSON_HEADER: NOBODY}
    return visitor._replace(account=None, name="", headers=visitor.headers | left)


def _form(
    desk: Desk,
    visitor: Visitor,
    people: Sequence[Applicant],
    *,
    back: str,
    login: str = "",
    error: ApiError | None = None,
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    by_role = sorted(people, key=lambda person: ROLES.index(person.role))
    return render(
        "account/sign_in.html",
        visitor,
        headers=error.headers if error else None,
        refused=refused,
        back=back,
        login=login,
        people=[(role, list(group)) for role, group in groupby(by_role, key=lambda person: person.role)],
        provider=desk.provider is not None,
    )
