"""The API's own description: OpenAPI 3.1 as JSON, without a page that loads foreign scripts."""

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi import OpenAPIConfig

from booking_api.desk import Desk
from booking_api.request import AnyRequest

CONFIG = OpenAPIConfig(
    title="Gongdao",
    version="1",
    # The framework adds pages of its own to the router it is given; this one is out of the API's way.
    openapi_router=Router("/.framework", route_handlers=[], include_in_schema=False),
    render_plugins=[],
)


@get("/openapi.json", summary="This description", tags=["description"], include_in_schema=False)
async def get_openapi(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """OpenAPI 3.1."""
    return Response(desk.description.document(request.app), media_type="application/vnd.oai.openapi+json")
