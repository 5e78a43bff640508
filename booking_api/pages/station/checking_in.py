"""`/station/{organisation}/check-in`: by typing, by a scanner, by the camera, by a photo. Imports the attendance room.

A scanner is a keyboard. A camera's frames are read in the browser where it can, else here; with scripts the answer comes as
JSON and the page stays as it is, ready for the next person.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.attendance.checking_in import CheckedIn, booking_of_code, check_in
from booking_api.attendance.errors import AnotherSite, CheckInClosed, UnknownCode
from booking_api.desk import Desk
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.station.entering import AtStation, at_station
from booking_api.pages.visiting import posted, visit
from booking_api.request import AnyRequest, header
from booking_api.tickets.check_in import check_in_key
from booking_api.tickets.photo import PHOTO_BYTES_LIMIT, PhotoUnusable
from reservation.errors import NotActive, ReservationError
from reservation.transaction import transaction

CAMERA = {"Permissions-Policy": SECURITY_HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")}
"""This page alone may ask for the camera."""
FORM_BYTES = 64 * 1024


class Typed(msgspec.Struct, frozen=True):
    """A code as it is typed or scanned."""

    code: Annotated[str, msgspec.Meta(max_length=100)]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen says after a code: good, wait or bad, in words; what to do; and for a code that was good, who it is."""

    tone: str
    title: str
    what: str
    name: str = ""
    facts: list[tuple[str, str]] = []


@page_get("/station/{organisation:str}/check-in", access=Access.STATION)
async def get_check_in(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Ready for the next person."""
    visitor = await visit(request, desk)
    return _page(await at_station(desk, visitor, organisation))


@page_post("/station/{organisation:str}/check-in", access=Access.STATION)
async def post_check_in(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """A code that was typed or scanned."""
    visitor, form = await posted(request, desk)
    here = await at_station(desk, visitor, organisation)
    try:
        code = form.read(Typed).code
    except FieldsRefused as error:
        return _answer(request, here, refused=refusal_of(visitor.words, error))
    return await _arrive(request, desk, here, code=code)


@page_post(
    "/station/{organisation:str}/check-in/photo",
    access=Access.STATION,
    body_limit_bytes=PHOTO_BYTES_LIMIT + FORM_BYTES,
)
async def post_photo(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """A picture with a code on it. Nothing of it is kept."""
    visitor, form = await posted(request, desk)
    here = await at_station(desk, visitor, organisation)
    try:
        code = await _read_photo(desk, form)
    except FieldsRefused as error:
        return _answer(request, here, refused=refusal_of(visitor.words, error))
    if code is None and wants_json(request):
        # A frame without a code is no answer: the camera goes on looking.
        return Response(None, status_code=204, headers=visitor.headers)
    if code is None:
        unseen = FieldsRefused({"photo": ("no_code", {})})
        return _answer(request, here, refused=refusal_of(visitor.words, unseen))
    return await _arrive(request, desk, here, code=code)


def wants_json(request: AnyRequest) -> bool:
    """Whether the page's script asks, which puts the answer on the screen itself."""
    return header(request, b"accept") == "application/json"


async def _read_photo(desk: Desk, form: Form) -> str | None:
    photo = form.files.get("photo")
    if photo is None:
        raise FieldsRefused({"photo": ("required", {})})
    try:
        return await desk.photos.read(photo.content)
    except PhotoUnusable:
        raise FieldsRefused({"photo": ("picture", {})}) from None


async def _arrive(request: AnyRequest, desk: Desk, here: AtStation, *, code: str) -> Response[Any]:
    words, now = here.visitor.words, clock.now()
    try:
        booking = booking_of_code(code, key=check_in_key(desk.key))
        async with transaction(desk.kernel.engine) as connection:
            done = await check_in(
                connection,
                booking_id=booking,
                sites=here.sites,
                station=f"station:{here.station.id}",
                by=here.visitor.me.id,
                now=now,
            )
    except (UnknownCode, AnotherSite, CheckInClosed, NotActive) as error:
        return _answer(request, here, shown=refused_shown(words, error, now=now), code=code)
    return _answer(request, here, shown=done_shown(words, done))


def done_shown(words: Words, done: CheckedIn) -> Shown:
    """The screen for somebody who is in, now or before."""
    facts = [
        (words.text("Session"), words.named(done.title)),
        (words.text("Starts"), words.moment(done.starts_at)),
        (words.text("Identity number"), done.identity_number or ""),
        (words.text("Vehicle"), done.vehicle or ""),
        (words.text("Class"), done.vehicle_class or ""),
    ]
    kept = [(label, value) for label, value in facts if value]
    if done.repeated:
        return Shown(
            tone="wait",
            title=words.text("Already in"),
            what=words.text("Checked in at %(time)s. Nothing else to do.", time=words.time(done.at)),
            name=done.name or "",
            facts=kept,
        )
    what = words.text("Compare the card, then let them in.")
    return Shown(tone="good", title=words.text("Checked in"), what=what, name=done.name or "", facts=kept)


def refused_shown(words: Words, error: ApiError | ReservationError, *, now: datetime) -> Shown:
    """The screen for a code that lets nobody in, with what to do."""
    if isinstance(error, CheckInClosed):
        if now < error.facts["opens_at"]:
            moment = words.moment(error.facts["opens_at"])
            what = words.text("Check-in opens at %(moment)s. Ask them to wait.", moment=moment)
            return Shown(tone="wait", title=words.text("Too early"), what=what)
        moment = words.moment(error.facts["closes_at"])
        what = words.text(
            "The session ended at %(moment)s. They can book again, as the rules have it.", moment=moment
        )
        return Shown(tone="bad", title=words.text("Too late"), what=what)
    if isinstance(error, AnotherSite):
        what = words.text(
            "The booking is for another site: %(site)s. Send them there.", site=error.facts["site"]
        )
        return Shown(tone="bad", title=words.text("Wrong site"), what=what)
    if isinstance(error, NotActive):
        what = words.text("The booking was cancelled or moved. Ask for the code of the present one.")
        return Shown(tone="bad", title=words.text("Not booked any more"), what=what)
    what = words.text(
        "This is no code of a booking. Scan it again, or find the person in the session's list."
    )
    return Shown(tone="bad", title=words.text("Unknown code"), what=what)


def _answer(
    request: AnyRequest,
    here: AtStation,
    *,
    shown: Shown | None = None,
    refused: Refusal | None = None,
    code: str = "",
) -> Response[Any]:
    if not wants_json(request):
        return _page(here, shown=shown, refused=refused, code="" if shown else code)
    if shown is None:
        assert refused is not None  # noqa: S101 - an answer is one of the two
        title = here.visitor.words.text("Not read")
        shown = Shown(tone="bad", title=title, what=next(iter(refused.fields.values()), refused.sentence))
    return Response(msgspec.to_builtins(shown), headers={"Cache-Control": "no-store"} | here.visitor.headers)


def _page(
    here: AtStation, *, shown: Shown | None = None, refused: Refusal | None = None, code: str = ""
) -> Response[str]:
    return render(
        "station/check_in.html",
        here.visitor,
        headers=CAMERA,
        here=here,
        shown=shown,
        refused=refused,
        code=code,
    )
