"""`/`: a pool's sessions with their free places. Readable without scripts; modules make it live and let one hold."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from booking_api.demo.applicants import Applicant
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.pages.rendering import AnyRequest, language, render
from booking_api.pages.sessions import classes_of, group_by_day, read_choice, utc
from booking_api.pages.words import LANGUAGES, Language, in_language, words_in
from booking_api.paging import page, read_cursor, units_list
from reservation import ClaimantKind, Unit, units_of
from reservation.errors import UnknownPool
from reservation.listing import EVERY_UNIT

UNITS_LIMIT = 500
DIGITS_LIMIT = 10


def live_page(applicants: Sequence[Applicant]) -> HTTPRouteHandler:
    """The page, with these people to choose from."""

    @get("/", include_in_schema=False)
    async def get_live_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
        """One pool's sessions, or the first pool's."""
        lang = language(request)
        choice = await read_choice(desk.kernel, pool_id=_number(request, "pool"), lang=lang)
        if choice is None:
            if "pool" in request.query_params:
                raise UnknownPool
            return render("empty.html", lang, links=_language_links(request))
        units, following = await _units(desk, choice.pool.id, request.query_params.get("cursor"))
        vehicle_class = request.query_params.get("class", "")
        wanted = [unit for unit in units if vehicle_class in {"", unit.attributes.get("class")}]
        return render(
            "live.html",
            lang,
            choice=choice,
            days=group_by_day(wanted, lang, now=utc(desk.kernel.clock())),
            classes=classes_of(units),
            vehicle_class=vehicle_class,
            following=following,
            newest=units[-1].id if units and following is None else "",
            links=_language_links(request),
            people=[
                (
                    person.account,
                    f"{in_language(person.name, lang)} · {in_language(person.stands, lang)}",
                    person.vehicles,
                )
                for person in applicants
                if person.role == "applicant"
            ],
            counts_vehicles=choice.pool.claimant_kind is ClaimantKind.VEHICLE,
            script_words=msgspec.json.encode(words_in(lang)).decode(),
        )

    return get_live_page


async def _units(desk: Desk, pool_id: int, cursor: str | None) -> tuple[list[Unit], str | None]:
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


def _language_links(request: AnyRequest) -> dict[Language, str]:
    """This very page in each language."""
    kept = {
        name: value for name, value in request.query_params.items() if name in {"pool", "class", "cursor"}
    }
    return {lang: "/?" + urlencode(kept | {"lang": lang}) for lang in LANGUAGES}
