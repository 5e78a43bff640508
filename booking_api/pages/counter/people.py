"""`/counter/{authority}`: who stands at the counter, and what is done about their account. Imports the counter's room."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.counter.acts import ActKind, acts_of, noted
from booking_api.counter.opening import Card, open_by_card, set_first_password
from booking_api.counter.serving import take_factors, verify
from booking_api.counter.visits import begin_visit, end_visit, open_visits
from booking_api.desk import Desk
from booking_api.errors import ApiError, InvalidRequest, RateLimited
from booking_api.gate.access import Access
from booking_api.identity.factors.active import factors_of
from booking_api.identity.resting import resting_key
from booking_api.pages.counter.bookings import holds_shown
from booking_api.pages.counter.entering import (
    Counter,
    at_counter,
    counter_refusal,
    serving,
    serving_posted,
    show,
)
from booking_api.pages.counter.kept import bookings_shown
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import posted, visit
from booking_api.request import AnyRequest
from reservation.transaction import transaction

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


_FIELDS = {"identity_number": "card_number"}


class ByLogin(msgspec.Struct, frozen=True):
    """Somebody with an account: its login, and the number on the card in the clerk's hand."""

    login: Said
    identity_number: Said


class ByName(msgspec.Struct, frozen=True):
    """Somebody without one, or who does not know its login: number and name as on the card."""

    card_number: Said
    name: Said
    phone: Annotated[str, msgspec.Meta(max_length=40)] = ""


class TwoPasswords(msgspec.Struct, frozen=True):
    """What the person has typed, twice."""

    password: Annotated[str, msgspec.Meta(max_length=200)]
    again: Annotated[str, msgspec.Meta(max_length=200)]


@page_get("/counter/{authority:str}", access=Access.CLERK)
async def get_counter(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Whom to serve."""
    visitor = await visit(request, desk)
    return await _begin_form(desk, await at_counter(desk, visitor, authority))


@page_post("/counter/{authority:str}/visits", access=Access.CLERK)
async def post_visit(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The card is in hand: somebody with an account."""
    visitor, form = await posted(request, desk)
    counter = await at_counter(desk, visitor, authority)
    typed = {"login": form.one("login")}
    try:
        told = form.read(ByLogin)
        begun = await begin_visit(
            desk.kernel.engine,
            authority=authority,
            clerk=visitor.me.id,
            login=told.login,
            identity_number=told.identity_number,
            now=clock.now(),
        )
    except ApiError as error:
        return await _begin_form(desk, counter, typed=typed, error=error)
    return go_to(visitor, f"{counter.home}/visits/{begun.id}")


@page_post("/counter/{authority:str}/accounts", access=Access.CLERK)
async def post_account(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The card is in hand: somebody whose account is found by it, or opened."""
    visitor, form = await posted(request, desk)
    counter = await at_counter(desk, visitor, authority)
    typed = {name: form.one(name) for name in ("name", "phone")}
    try:
        told = form.read(ByName)
        opened = await open_by_card(
            desk.kernel.engine,
            Card(told.card_number, told.name, told.phone),
            authority=authority,
            clerk=visitor.me.id,
            key=desk.key,
        )
    except InvalidRequest as error:
        # Both forms of the page ask for a number; the room knows one.
        errors = [
            told | {"field": _FIELDS.get(told["field"], told["field"])} for told in error.facts["errors"]
        ]
        return await _begin_form(desk, counter, typed=typed, error=InvalidRequest(errors=errors))
    except ApiError as error:
        return await _begin_form(desk, counter, typed=typed, error=error)
    where = f"{counter.home}/visits/{opened.visit}"
    return go_to(visitor, where, told="account_opened" if opened.new else "account_found")


@page_get("/counter/{authority:str}/visits/{visit_id:str}", access=Access.CLERK)
async def get_person(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The person, to be compared with the card, and everything one can do for them."""
    here = await serving(request, desk, authority, visit_id)
    return show(
        "person",
        here,
        holds=await holds_shown(desk, here),
        bookings=await bookings_shown(desk, here),
        factors=(await factors_of(desk.kernel.engine, here.present.account.id)).kinds,
    )


@page_get("/counter/{authority:str}/visits/{visit_id:str}/verify", access=Access.CLERK)
async def get_verify(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Is it the person on the card?"""
    return show("verify", await serving(request, desk, authority, visit_id))


@page_post("/counter/{authority:str}/visits/{visit_id:str}/verify", access=Access.CLERK)
async def post_verify(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """It is."""
    here, _ = await serving_posted(request, desk, authority, visit_id)
    try:
        await verify(
            desk.kernel.engine,
            here.present,
            clerk=here.visitor.me.id,
            resting_key=resting_key(desk.key),
            today=clock.today(),
        )
    except ApiError as error:
        return show("verify", here, error=error)
    desk.sessions.forget(here.present.account.id)
    return go_to(here.visitor, here.home, told="person_verified")


@page_get("/counter/{authority:str}/visits/{visit_id:str}/factors", access=Access.CLERK)
async def get_factors(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What taking the second factors away means."""
    return show("factors", await serving(request, desk, authority, visit_id))


@page_post("/counter/{authority:str}/visits/{visit_id:str}/factors", access=Access.CLERK)
async def post_factors(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Takes them away."""
    here, _ = await serving_posted(request, desk, authority, visit_id)
    try:
        await take_factors(desk.kernel.engine, here.present, clerk=here.visitor.me.id, today=clock.today())
    except ApiError as error:
        return show("factors", here, error=error)
    desk.sessions.forget(here.present.account.id)
    return go_to(here.visitor, here.home, told="factors_reset")


@page_get("/counter/{authority:str}/visits/{visit_id:str}/password", access=Access.CLERK)
async def get_password(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The person types a password of their own."""
    return show("password", await serving(request, desk, authority, visit_id))


@page_post("/counter/{authority:str}/visits/{visit_id:str}/password", access=Access.CLERK)
async def post_password(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """They have."""
    here, form = await serving_posted(request, desk, authority, visit_id)
    try:
        typed = form.read(TwoPasswords)
        if typed.password != typed.again:
            return show("password", here, error=FieldsRefused({"again": ("different", {})}))
        async with noted(desk.kernel.engine, here.visit.id, ActKind.PASSWORD_SET):
            await set_first_password(
                desk.kernel.engine,
                desk.passwords,
                here.present,
                password=typed.password,
                clerk=here.visitor.me.id,
            )
    except ApiError as error:
        return show("password", here, error=error)
    return go_to(here.visitor, here.home, told="password_set")


@page_post("/counter/{authority:str}/visits/{visit_id:str}/end", access=Access.CLERK)
async def post_end(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The person leaves."""
    here, _ = await serving_posted(request, desk, authority, visit_id, acts=False)
    await end_visit(desk.kernel.engine, visit_id, clerk=here.visitor.me)
    return go_to(here.visitor, here.counter.home, told="visit_ended")


@page_get("/counter/{authority:str}/today", access=Access.CLERK)
async def get_today(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What the clerk did here today."""
    visitor = await visit(request, desk)
    counter, today = await at_counter(desk, visitor, authority), clock.today()
    async with transaction(desk.kernel.reads) as connection:
        acts = await acts_of(connection, clerk=visitor.me.id, authority=authority, day=today)
    return render("counter/today.html", visitor, counter=counter, acts=acts, today=today)


async def _begin_form(
    desk: Desk, counter: Counter, *, typed: dict[str, str] | None = None, error: ApiError | None = None
) -> Response[str]:
    refused = counter_refusal(counter.visitor.words, error) if error else None
    async with transaction(desk.kernel.engine) as connection:
        waiting = await open_visits(connection, clerk=counter.visitor.me.id, authority=counter.authority)
    return render(
        "counter/begin.html",
        counter.visitor,
        headers=error.headers if isinstance(error, RateLimited) else None,
        counter=counter,
        waiting=waiting,
        typed={"login": "", "name": "", "phone": ""} | (typed or {}),
        opening=typed is not None and "name" in typed,
        refused=refused,
    )
