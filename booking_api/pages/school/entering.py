"""The school somebody acts for, on each of its pages. Imports the register of organisations."""

from typing import Any

from litestar import Response

from booking_api.desk import Desk
from booking_api.organisations.register import Organisation, enter_organisation
from booking_api.pages.forms import Form
from booking_api.pages.rendering import render
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest
from booking_api.schools.parts import Parts
from reservation.transaction import transaction


async def enter(request: AnyRequest, desk: Desk, school: str) -> tuple[Visitor, Organisation]:
    """Who reads a page of this school.

    Raises:
        NotYourOrganisation, UnknownOrganisation, OrganisationSuspended: they may not.
        As `visit`.
    """
    visitor = await visit(request, desk)
    return visitor, await _school(desk, visitor, school)


async def enter_posted(request: AnyRequest, desk: Desk, school: str) -> tuple[Visitor, Form, Organisation]:
    """Who sent a form of this school, and what it says.

    Raises:
        As `enter` and `posted`.
    """
    visitor, form = await posted(request, desk)
    return visitor, form, await _school(desk, visitor, school)


def parts_of(desk: Desk) -> Parts:
    """What the schools' room needs of this worker."""
    return Parts(desk.kernel, desk.eligibility, desk.gate)


def show(template: str, visitor: Visitor, school: Organisation, tab: str, **facts: Any) -> Response[str]:
    """A page of this school, below one of its tabs."""
    return render(
        f"school/{template}",
        visitor,
        school=school,
        tab=tab,
        base=f"/school/{school.id}",
        several=len(visitor.me.scopes("school")) > 1,
        **facts,
    )


async def _school(desk: Desk, visitor: Visitor, school: str) -> Organisation:
    async with transaction(desk.kernel.reads) as connection:
        return await enter_organisation(connection, school, kind="school", scopes=visitor.me.scopes("school"))
