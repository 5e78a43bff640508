"""At a counter: a clerk serves somebody whose card they have in hand, in the same queue as everybody."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from booking_api import clock
from booking_api.counter import serving
from booking_api.counter.acts import Act, ActKind, acts_of, noted
from booking_api.counter.errors import NameDiffers, PasswordThere, UnknownVisit
from booking_api.counter.opening import Card, open_by_card, set_first_password
from booking_api.counter.visits import Present, Visit, begin_visit, check_counter, end_visit, find_visit
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.eligibility.claimants import current_holds
from booking_api.errors import (
    AlreadyVerified,
    InvalidRequest,
    OwnAccount,
    PersonHasAccount,
    RecentlyErased,
    UnknownAccount,
)
from booking_api.identity.accounts import Person
from booking_api.identity.resting import resting_key
from booking_api.identity.tokens import Account
from booking_api.plans.errors import NotYourAuthority
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples
from booking_api.routes import examples_counter as counter_examples
from booking_api.routes.holds import (
    MyHold,
    my_hold,
)
from booking_api.routes.payments import AuthorityId
from reservation.errors import (
    Rebuilding,
)
from reservation.transaction import transaction

TAGS = ["counter"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ONE_OF_TWO = "give `login`, or `name` for somebody without an account: one of them"


class VisitRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which authority, and what the clerk reads from the card: the number, and the login or the name.

    With the name, an account is opened where the person has none; `phone` is for that one, and may be left out.
    """

    authority: AuthorityId
    identity_number: Text
    login: Text | None = None
    name: Text | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Begun(msgspec.Struct, frozen=True):
    """The visit, and whether its account was opened with it: it is verified, and has no password."""

    visit: Visit
    new_account: bool


class Visited(msgspec.Struct, frozen=True):
    """The visit, and what the person holds now."""

    visit: Visit
    holds: list[MyHold]


class FirstPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person has typed."""

    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Acts(msgspec.Struct, frozen=True):
    """The newest first."""

    acts: list[Act]


@post(
    "/counter/visits",
    summary="Begin a visit",
    tags=TAGS,
    status_code=201,
    opt=told(
        NotYourAuthority,
        UnknownAccount,
        OwnAccount,
        NameDiffers,
        PersonHasAccount,
        RecentlyErased,
        body=counter_examples.NEW_VISIT,
        answer=counter_examples.BEGUN,
    ),
)
async def post_visit(
    request: AnyRequest, data: JSONBody[VisitRequest], desk: NamedDependency[Desk]
) -> Response[Begun]:
    """For clerks of the authority who have the card in hand. Half an hour; nobody is acted for without a visit."""
    clerk, headers = await desk.gate.enter(request)
    check_counter(clerk, data.authority)
    if (data.login is None) == (data.name is None):
        raise InvalidRequest(errors=[{"field": "login", "reason": ONE_OF_TWO}])
    engine, new = desk.kernel.engine, False
    if data.login is not None:
        visit = await begin_visit(
            engine,
            authority=data.authority,
            clerk=clerk.id,
            login=data.login,
            identity_number=data.identity_number,
            now=clock.now(),
        )
    else:
        card = Card(data.identity_number, data.name or "", data.phone or "")
        opened = await open_by_card(engine, card, authority=data.authority, clerk=clerk.id, key=desk.key)
        visit, new = (await find_visit(engine, opened.visit, clerk=clerk)).visit, opened.new
    return Answer(Begun(visit, new), status_code=201, headers=headers)


@get(
    "/counter/visits/{visit_id:str}",
    summary="A visit",
    tags=TAGS,
    opt=told(UnknownVisit, UnknownAccount, Rebuilding, answer=counter_examples.VISITED),
)
async def get_visit(
    request: AnyRequest, visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Visited]:
    """Who stands at the counter, to be compared with the card, and what they hold."""
    clerk, headers = await desk.gate.enter(request, reads=True)
    present = await find_visit(desk.kernel.reads, visit_id, clerk=clerk)
    holds = [my_hold(one) for one in await current_holds(desk.kernel, present.account)]
    return Answer(Visited(present.visit, holds), status_code=200, headers=headers)


@delete(
    "/counter/visits/{visit_id:str}",
    summary="End a visit",
    tags=TAGS,
    status_code=204,
    opt=told(UnknownVisit, UnknownAccount),
)
async def delete_visit(
    request: AnyRequest, visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """The person leaves. What was booked stands, what is held runs out."""
    clerk, headers = await desk.gate.enter(request)
    await end_visit(desk.kernel.engine, visit_id, clerk=clerk)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/counter/visits/{visit_id:str}/verification",
    summary="Verify the person",
    tags=TAGS,
    status_code=200,
    opt=told(
        UnknownVisit,
        UnknownAccount,
        OwnAccount,
        AlreadyVerified,
        PersonHasAccount,
        RecentlyErased,
        answer=examples.PERSON,
    ),
)
async def post_visit_verification(
    request: AnyRequest, visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Person]:
    """The person and the card are the same: from now on this account is that person."""
    clerk, present, headers = await acting(request, visit_id, desk)
    person = await serving.verify(
        desk.kernel.engine,
        present,
        clerk=clerk.id,
        resting_key=resting_key(desk.key),
        today=clock.today(),
    )
    return Answer(person, status_code=200, headers=headers)


@post(
    "/counter/visits/{visit_id:str}/password",
    summary="A first password",
    tags=TAGS,
    status_code=204,
    opt=told(UnknownVisit, UnknownAccount, PasswordThere, body=counter_examples.PASSWORD),
)
async def post_visit_password(
    request: AnyRequest,
    visit_id: FromPath[str],
    data: JSONBody[FirstPassword],
    desk: NamedDependency[Desk],
) -> Response[None]:
    """The person types it themselves. Once, for an account that a counter has opened: then they sign in with it."""
    clerk, present, headers = await acting(request, visit_id, desk)
    async with noted(desk.kernel.engine, present.visit.id, ActKind.PASSWORD_SET):
        await set_first_password(
            desk.kernel.engine, desk.passwords, present, password=data.password, clerk=clerk.id
        )
    return Answer(None, status_code=204, headers=headers)


@get(
    "/authorities/{authority:str}/counter-acts",
    summary="What I did at the counter today",
    tags=TAGS,
    opt=told(NotYourAuthority, answer=counter_examples.ACTS),
)
async def get_counter_acts(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Acts]:
    """The clerk's own acts of today, people by the ends of their numbers."""
    clerk, headers = await desk.gate.enter(request, reads=True)
    check_counter(clerk, authority)
    async with transaction(desk.kernel.reads) as connection:
        found = await acts_of(connection, clerk=clerk.id, authority=authority, day=clock.today())
    return Answer(Acts(found), status_code=200, headers=headers)


async def acting(request: AnyRequest, visit_id: str, desk: Desk) -> tuple[Account, Present, dict[str, str]]:
    """The clerk and whom they act for; counted for both, so that a counter is no way around a limit."""
    clerk, headers = await desk.gate.enter(request)
    present = await find_visit(desk.kernel.engine, visit_id, clerk=clerk)
    await desk.gate.act_for(present.account.id)
    return clerk, present, headers
