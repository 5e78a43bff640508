"""At which counter a clerk works, and whom they serve. Imports the counter's room."""

from typing import Any, NamedTuple

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from sqlalchemy import select

from booking_api.counter.visits import Present, Visit, check_counter, find_visit
from booking_api.desk import Desk
from booking_api.errors import ApiError, UnknownAuthority
from booking_api.gate.access import Access
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest
from reservation.errors import ReservationError
from reservation.tables import authority as authority_table
from reservation.transaction import transaction

Refused = ApiError | ReservationError


class Counter(NamedTuple):
    """A clerk at an authority's counter."""

    visitor: Visitor
    authority: str
    name: str

    @property
    def home(self) -> str:
        """The counter's first page."""
        return f"/counter/{self.authority}"


class Serving(NamedTuple):
    """A clerk with the person in front of them."""

    counter: Counter
    present: Present

    @property
    def visitor(self) -> Visitor:
        """The clerk."""
        return self.counter.visitor

    @property
    def visit(self) -> Visit:
        """The visit."""
        return self.present.visit

    @property
    def home(self) -> str:
        """The person's page. The visit names them: nothing of them is in an address."""
        return f"{self.counter.home}/visits/{self.visit.id}"


@page_get("/counter", access=Access.CLERK)
async def get_counters(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The authorities at whose counters one works; straight in where it is one."""
    visitor = await visit(request, desk)
    scopes = sorted(visitor.me.scopes("clerk"))
    if len(scopes) == 1:
        return go_to(visitor, f"/counter/{scopes[0]}")
    names = await _names(desk, scopes)
    return render("counter/choose.html", visitor, authorities=sorted(names.items()))


async def at_counter(desk: Desk, visitor: Visitor, authority: str) -> Counter:
    """The clerk at this authority's counter.

    Raises:
        NotYourAuthority, UnknownAuthority: they do not work there.
    """
    check_counter(visitor.me, authority)
    names = await _names(desk, [authority])
    if authority not in names:
        raise UnknownAuthority(authority=authority[:64])
    return Counter(visitor, authority, visitor.words.named(names[authority]))


async def serving(request: AnyRequest, desk: Desk, authority: str, visit_id: str) -> Serving:
    """The clerk, who reads a page, with the person of this visit.

    Raises:
        NotYourAuthority, UnknownAuthority, UnknownVisit, UnknownAccount: there is no such visit here.
        As `visit`.
    """
    return await _serving(desk, await visit(request, desk), authority, visit_id)


async def serving_posted(
    request: AnyRequest, desk: Desk, authority: str, visit_id: str, *, acts: bool = True
) -> tuple[Serving, Form]:
    """The clerk, who sent a form, with the person of this visit, and what it says.

    `acts`: what follows is done for the person and counts as their own request.

    Raises:
        RateLimited: too many requests for this person.
        As `serving` and `posted`.
    """
    visitor, form = await posted(request, desk)
    here = await _serving(desk, visitor, authority, visit_id)
    if acts:
        await desk.gate.act_for(here.present.account.id)
    return here, form


def counter_refusal(words: Words, error: Refused) -> Refusal:
    """A refusal as a clerk reads it: it is about the person in front of them."""
    told = refusal_of(words, error)
    return msgspec.structs.replace(
        told, sentence=words.code(f"counter.{told.code}", error.facts, instead=told.sentence)
    )


def show(template: str, here: Serving, *, error: Refused | None = None, **facts: Any) -> Response[str]:
    """A page about the person at the counter; after a refusal with why."""
    refused = counter_refusal(here.visitor.words, error) if error else None
    return render(f"counter/{template}.html", here.visitor, here=here, refused=refused, **facts)


async def _serving(desk: Desk, visitor: Visitor, authority: str, visit_id: str) -> Serving:
    counter = await at_counter(desk, visitor, authority)
    present = await find_visit(desk.kernel.engine, visit_id, clerk=visitor.me)
    if present.visit.authority != authority:
        # The same clerk at another counter: one address for one visit.
        check_counter(visitor.me, present.visit.authority)
        counter = await at_counter(desk, visitor, present.visit.authority)
    return Serving(counter, present)


async def _names(desk: Desk, authorities: list[str]) -> dict[str, dict[str, str]]:
    table = authority_table.c
    async with transaction(desk.kernel.reads) as connection:
        rows = await connection.execute(select(table.id, table.name).where(table.id.in_(authorities)))
        return {row.id: row.name for row in rows}
