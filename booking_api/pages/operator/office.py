"""Whose pages these are: the authorities an operator works for, and the frame that every page of one is shown in.

Imports Litestar, the pages' ground and the authorities.
"""

from typing import Any, NamedTuple

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.refusals import Refusal
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, visit
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


async def office_of(desk: Desk, visitor: Visitor, authority: str) -> Office:
    """The office of this authority.

    Raises:
        UnknownAuthority, NotYourAuthority: the operator has no such one.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(desk.kernel.reads) as connection:
        lineage = await read_lineage(connection)
        lineage.check_scope(visitor.me.scopes("operator"), authority)
        names = await names_of_authorities(connection)
    return Office(authority, lineage.up(authority), names, authorities_of(lineage, visitor))


def show(
    template: str,
    visitor: Visitor,
    office: Office,
    *,
    tab: str,
    refused: Refusal | None = None,
    **facts: Any,
) -> Response[Any]:
    """A page of an office under its tab; after a refusal with what was wrong and its status."""
    return render(
        f"operator/{template}.html",
        visitor,
        status=refused.status if refused else 200,
        office=office,
        tab=tab,
        refused=refused,
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
    visitor = await visit(request, desk)
    office = await office_of(desk, visitor, authority)
    return go_to(visitor, f"{office.path}/plans")
