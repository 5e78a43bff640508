"""The API's own description: OpenAPI 3.1 as JSON, without a page that loads foreign scripts."""

from typing import Any

from litestar import Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from booking_api.request import AnyRequest

CONFIG = OpenAPIConfig(
    title="Gongdao",
    version="1",
    # The framework adds pages of its own to the router it is given; this one is out of the API's way.
    openapi_router=Router("/.framework", route_handlers=[], include_in_schema=False),
    render_plugins=[],
    components=Components(
        security_schemes={"token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
    ),
    security=[{"token": []}],
)


@get("/openapi.json", summary="This description", tags=["description"], include_in_schema=False)
async def get_openapi(request: AnyRequest) -> Response[dict[str, Any]]:
    """OpenAPI 3.1."""
    return Response(request.app.openapi_schema.to_schema(), media_type="application/vnd.oai.openapi+json")
