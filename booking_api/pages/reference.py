"""`/reference`: the API in full, readable without scripts. Imports Litestar and `reading`."""

from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.reading import groups_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import visit
from booking_api.request import AnyRequest


@page_get("/reference", access=Access.PUBLIC)
async def get_reference_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """Every operation: who may ask, what with, what comes back, what is refused."""
    schema = desk.description.schema(request.app)
    visitor = await visit(request, desk)
    return render("reference.html", visitor, info=schema["info"], groups=groups_of(schema))
