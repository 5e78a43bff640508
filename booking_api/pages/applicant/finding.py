"""`/`: a pool's sessions with their free places. Readable without scripts."""

from collections.abc import Sequence

from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.gate.access import Access
from booking_api.pages.applicant.sessions import classes_of, group_by_day, read_choice, utc
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import visit
from booking_api.paging import page, read_cursor, units_list
from booking_api.request import AnyRequest
from reservation import Unit, units_of
from reservation.errors import UnknownPool
from reservation.listing import EVERY_UNIT

UNITS_LIMIT = 500
DIGITS_LIMIT = 10


@page_get("/", access=Access.PUBLIC)
async def get_find(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """One pool's sessions, or the first pool's."""
    visitor = await visit(request, desk)
    choice = await read_choice(desk.kernel, pool_id=_number(request, "pool"), words=visitor.words)
    if choice is None:
        if "pool" in request.query_params:
            raise UnknownPool
        return render("empty.html", visitor)
    units, following = await _units(desk, choice.pool.id, request.query_params.get("cursor"))
    vehicle_class = request.query_params.get("class", "")
    wanted = [unit for unit in units if vehicle_class in {"", unit.attributes.get("class")}]
    return render(
        "applicant/find.html",
        visitor,
        choice=choice,
        days=group_by_day(wanted, visitor.words, now=utc(desk.kernel.clock())),
        classes=classes_of(units),
        vehicle_class=vehicle_class,
        following=following,
    )


async def _units(desk: Desk, pool_id: int, cursor: str | None) -> tuple[Sequence[Unit], str | None]:
    of = units_list(pool_id, EVERY_UNIT)
    try:
        after = read_cursor(cursor, of=of, kind=int) or 0
    except InvalidRequest:
        raise UnknownPool from None
    found = await units_of(desk.kernel, pool_id=pool_id, after=after, limit=UNITS_LIMIT + 1)
    return page(found, limit=UNITS_LIMIT, key=lambda unit: unit.id, of=of)


def _number(request: AnyRequest, name: str) -> int | None:
    """A query parameter as a number; None when it is not given.

    Raises:
        UnknownPool: it is given and is no number a pool could have.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_LIMIT):
        raise UnknownPool
    return int(text)
