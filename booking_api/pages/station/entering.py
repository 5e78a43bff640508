"""Which station somebody works for, and where that works. Imports the organisations' room."""

from typing import Any, NamedTuple

from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.organisations.register import Organisation, enter_organisation, find_organisation
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, visit
from booking_api.request import AnyRequest
from reservation.transaction import transaction


class AtStation(NamedTuple):
    """A visitor at one of their stations."""

    visitor: Visitor
    station: Organisation

    @property
    def home(self) -> str:
        """The station's first page."""
        return f"/station/{self.station.id}"

    @property
    def sites(self) -> frozenset[str]:
        """Where it works."""
        return frozenset(self.station.sites)


@page_get("/station", access=Access.STATION)
async def get_stations(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The stations one works for; straight in where it is one."""
    visitor = await visit(request, desk)
    scopes = sorted(visitor.me.scopes("station"))
    if len(scopes) == 1:
        return go_to(visitor, f"/station/{scopes[0]}")
    found: list[Organisation] = []
    async with transaction(desk.kernel.reads) as connection:
        for scope in scopes:
            try:
                found.append(await find_organisation(connection, scope))
            except UnknownOrganisation:
                # A role may have been given for a station that is registered later.
                continue
    return render("station/choose.html", visitor, stations=found)


async def at_station(desk: Desk, visitor: Visitor, organisation: str) -> AtStation:
    """The visitor at this station.

    Raises:
        NotYourOrganisation, UnknownOrganisation, OrganisationSuspended: they cannot act for it.
    """
    async with transaction(desk.kernel.reads) as connection:
        station = await enter_organisation(
            connection, organisation, kind="station", scopes=visitor.me.scopes("station")
        )
    return AtStation(visitor, station)
