"""`/reference`: the API in full, readable without scripts. Imports Litestar, `reading` and `words`."""

from litestar import Response, get
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.pages.reading import groups_of
from booking_api.pages.rendering import AnyRequest, language, render
from booking_api.pages.words import LANGUAGES


@get("/reference", include_in_schema=False)
async def get_reference_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """Every operation: who may ask, what with, what comes back, what is refused."""
    schema = desk.description.schema(request.app)
    return render(
        "reference.html",
        language(request),
        info=schema["info"],
        groups=groups_of(schema),
        links={lang: f"/reference?lang={lang}" for lang in LANGUAGES},
    )
