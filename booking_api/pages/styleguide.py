"""`/styleguide`: every part that pages are built of, as it is, with what it is for."""

from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.plots import Series, line_plot
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import visit
from booking_api.request import AnyRequest

COLOURS = ("paper", "sheet", "ink", "soft", "line", "line-strong", "field", "seal", "seal-deep", "seal-wash")
MEANINGS = ("jade", "jade-wash", "amber", "amber-wash", "blue", "taken")
SIZES = (
    ("size-6", "34"),
    ("size-5", "24"),
    ("size-4", "18"),
    ("size-3", "16"),
    ("size-2", "14"),
    ("size-1", "13"),
)
SPACES = (4, 8, 12, 16, 24, 32, 48)
ICONS = [
    "search",
    "ticket",
    "school",
    "scan",
    "board",
    "counter",
    "bell",
    "person",
    "tick",
    "cross",
    "clock",
    "place",
    "calendar",
    "list",
    "print",
    "upload",
    "warning",
    "lock",
    "arrow",
    "back",
    "plus",
    "settings",
    "people",
]
_EXAMPLE = (0, 3, 18, 64, 128, 171, 190, 196, 198, 199, 200, 200)


@page_get("/styleguide", access=Access.PUBLIC)
async def get_styleguide(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The parts, each with a word on when to use it."""
    visitor = await visit(request, desk)
    wrong = FieldsRefused({"example-wrong": ("required", {})})
    return render(
        "styleguide.html",
        visitor,
        colours=COLOURS,
        meanings=MEANINGS,
        sizes=SIZES,
        spaces=SPACES,
        icons=ICONS,
        refused=refusal_of(visitor.words, wrong),
        status=200,  # an example: nobody was refused anything
        plot=line_plot(
            [Series(1, [(float(at), float(count)) for at, count in enumerate(_EXAMPLE)])], x_labels=[]
        ),
    )
