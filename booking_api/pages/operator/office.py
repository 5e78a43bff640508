"""Whose pages these are: the authorities an operator works for, and the frame that every page of one is shown in.

Imports Litestar, the pages' ground and the authorities.
"""

from typing import Any, NamedTuple

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import Form
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.plans.authorities import Lineage, names_of_authorities, read_lineage
from booking_api.request import AnyRequest
from reservation.transaction import transaction


class Office(NamedTuple):
    """One authority of an operator. `up`: it and those above it; `others`: all that the operator works for."""

    id: str
    up: list[str]
    names: dict[str, dict[str, str]]
    others: list[str]

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/operator/{self.id}"

    @property
    def name(self) -> dict[str, str]:
        """What it is called, by language."""
        return self.names[self.id]


def authorities_of(lineage: Lineage, visitor: Visitor) -> list[str]:
    """The authorities that the visitor's roles are for, those below them among them."""
    scopes = visitor.me.scopes("operator")
    return sorted(authority for authority in lineage.parents if scopes & set(lineage.up(authority)))


async def enter(request: AnyRequest, desk: Desk, authority: str) -> tuple[Visitor, Office]:
    """Who reads a page of this office.

    Raises:
        UnknownAuthority, NotYourAuthority: the operator has no such one.
        Unavailable, Busy: PostgreSQL does not answer.
        As `visit`.
    """
    visitor = await visit(request, desk)
    return visitor, await _office(desk, visitor, authority)


async def enter_posted(request: AnyRequest, desk: Desk, authority: str) -> tuple[Visitor, Form, Office]:
    """Who sent a form of this office, and what it says.

    Raises:
        As `enter` and `posted`.
    """
    visitor, form = await posted(request, desk)
    return visitor, form, await _office(desk, visitor, authority)


def show(
    template: str,
    visitor: Visitor,
    office: Office,
    *,
    tab: str,
    **facts: Any,
) -> Response[Any]:
    """A page of an office under its tab."""
    return render(
        f"operator/{template}.html",
        visitor,
        office=office,
        tab=tab,
        **facts,
    )


@page_get("/operator", access=Access.OPERATOR)
async def get_offices(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Which authority, where there are several."""
    visitor = await visit(request, desk)
    async with transaction(desk.kernel.reads) as connection:
        lineage = await read_lineage(connection)
        names = await names_of_authorities(connection)
    found = authorities_of(lineage, visitor)
    if len(found) == 1:
        return go_to(visitor, f"/operator/{found[0]}")
    offices = [(authority, names[authority], lineage.up(authority)[1:]) for authority in found]
    return render("operator/offices.html", visitor, offices=offices, names=names)


@page_get("/operator/{authority:str}", access=Access.OPERATOR)
async def get_office(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Its plans."""
    visitor, office = await enter(request, desk, authority)
    return go_to(visitor, f"{office.path}/plans")


async def _office(desk: Desk, visitor: Visitor, authority: str) -> Office:
    async with transaction(desk.kernel.reads) as connection:
        lineage = await read_lineage(connection)
        lineage.check_scope(visitor.me.scopes("operator"), authority)
        names = await names_of_authorities(connection)
    return Office(authority, lineage.up(authority), names, authorities_of(lineage, visitor))
