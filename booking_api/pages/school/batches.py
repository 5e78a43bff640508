"""A school's batches: the list, a new one from a list of learners, its check row by row, sending it. Imports the schools' room."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.organisations.register import Organisation
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.checking import Preview, check, rows_of_form, with_session
from booking_api.pages.school.entering import enter, enter_posted, parts_of, show
from booking_api.pages.school.roll import LIST_BYTES, sheet_of
from booking_api.pages.school.row_words import KINDS, session_words
from booking_api.pages.school.sheets import ROWS_LIMIT
from booking_api.pages.visiting import Visitor
from booking_api.paging import page, read_cursor
from booking_api.request import AnyRequest
from booking_api.schools.batches import UNITS_LIMIT, NewBatch, batches_of, send_batch
from booking_api.schools.errors import BatchTooLong, TooManyBatches, UnknownBatch
from booking_api.schools.seats import school_rules, sessions_for
from reservation.errors import KeyReused
from reservation.transaction import transaction

PAGE = 25
DIGITS_LIMIT = 15
OPEN_ROWS = 60
"""So many good rows of a preview are shown at once; more are behind a button."""


class Sent(msgspec.Struct, frozen=True):
    """How rows that were checked are to be sent. `act` check: not yet."""

    act: Literal["check", "send", "send_good"] = "check"
    mode: Literal["best_effort", "all_or_nothing"] = "best_effort"
    key: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[\w-]+\Z")] = "none"


@page_get("/school/{school:str}/batches", access=Access.SCHOOL)
async def get_batches(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The newest first."""
    visitor, mine = await enter(request, desk, school)
    of = ("school batches", mine.id)
    before = read_cursor(visitor.query.get("cursor"), of=of, kind=int)
    async with transaction(desk.kernel.reads) as connection:
        found = await batches_of(connection, mine.id, before=before, limit=PAGE + 1)
    shown, following = page(found, limit=PAGE, key=lambda batch: batch.id, of=of)
    return show("batches.html", visitor, mine, "batches", batches=shown, following=following, kinds=KINDS)


@page_get("/school/{school:str}/batches/new", access=Access.SCHOOL)
async def get_new(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """Where a list comes in."""
    visitor, mine = await enter(request, desk, school)
    return await _new(desk, visitor, mine, session=visitor.query.get("session", ""))


@page_post("/school/{school:str}/batches/new", access=Access.SCHOOL, body_limit_bytes=LIST_BYTES)
async def post_new(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """Reads a list, or the learners that were ticked, and shows each row with what would become of it."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        if "learner" in form.values:
            rows = rows_of_form(form)
        else:
            rows = sheet_of(form, columns=("number", "sessions"))
    except FieldsRefused as error:
        return await _new(desk, visitor, mine, session=form.one("session"), form=form, error=error)
    preview = await check(desk, visitor.words, mine, with_session(rows, form.one("session")))
    return await _preview(desk, visitor, mine, preview)


@page_post("/school/{school:str}/batches", access=Access.SCHOOL, body_limit_bytes=LIST_BYTES)
async def post_batch(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Checks the rows again; sends them where that is asked for and nothing is wrong, or those that are right."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        told = form.read(Sent)
        rows = rows_of_form(form)
    except FieldsRefused as error:
        return await _new(desk, visitor, mine, session="", form=form, error=error)
    preview = await check(desk, visitor.words, mine, with_session(rows, form.one("session")))
    if told.act == "check":
        return await _preview(desk, visitor, mine, preview, mode=told.mode)
    if not preview.good or (preview.wrong and told.act == "send"):
        refused = _to_put_right(visitor, preview)
        return await _preview(desk, visitor, mine, preview, mode=told.mode, refused=refused)
    new = NewBatch(told.mode, list(preview.good.values()))
    try:
        batch, _ = await send_batch(
            parts_of(desk), mine, new, key=f"page {told.key}", by=visitor.me.id, now=clock.now()
        )
    except (BatchTooLong, TooManyBatches, KeyReused) as error:
        refused = refusal_of(visitor.words, error)
        told_by = "changed" if isinstance(error, KeyReused) else error.code
        sentence = visitor.words.code(f"batch.{told_by}", error.facts)
        refused = msgspec.structs.replace(refused, sentence=sentence)
        return await _preview(desk, visitor, mine, preview, mode=told.mode, refused=refused)
    return go_to(visitor, f"/school/{mine.id}/batches/{batch.id}", told="batch_sent")


def batch_id_of(told: str) -> int:
    """A batch's id out of an address.

    Raises:
        UnknownBatch: it cannot be one.
    """
    if not (told.isascii() and told.isdigit() and len(told) <= DIGITS_LIMIT):
        raise UnknownBatch(batch=told[:DIGITS_LIMIT])
    return int(told)


def _to_put_right(visitor: Visitor, preview: Preview) -> Refusal:
    wrong = len(preview.wrong)
    sentence = visitor.words.plural(
        "%(n)s row needs to be put right first.", "%(n)s rows need to be put right first.", wrong
    )
    return Refusal(status=422, code="rows_wrong", sentence=sentence, fields={}, rules=[])


async def _new(
    desk: Desk,
    visitor: Visitor,
    school: Organisation,
    *,
    session: str,
    form: Form | None = None,
    error: ApiError | None = None,
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    return show(
        "new_batch.html",
        visitor,
        school,
        "batches",
        refused=refused,
        choices=await _choices(desk, visitor, school),
        session=session,
        kept=form.one("list") if form else "",
        limit=ROWS_LIMIT,
        units=UNITS_LIMIT,
    )


async def _preview(
    desk: Desk,
    visitor: Visitor,
    school: Organisation,
    preview: Preview,
    *,
    mode: str = "best_effort",
    refused: Refusal | None = None,
) -> Response[str]:
    async with transaction(desk.kernel.reads) as connection:
        rules = await school_rules(connection, school)
    return show(
        "preview.html",
        visitor,
        school,
        "batches",
        refused=refused,
        preview=preview,
        mode=mode,
        rules=rules,
        seconds_span=timedelta(seconds=max(1, round(len(preview.good) / rules.rows_per_s))),
        choices=await _choices(desk, visitor, school),
        open_rows=OPEN_ROWS,
    )


async def _choices(desk: Desk, visitor: Visitor, school: Organisation) -> list[tuple[str, str]]:
    """The sessions a school may still book in, to choose one for rows that name none."""
    sessions = await sessions_for(parts_of(desk), school, now=clock.now())
    return [
        (str(one.unit), f"{one.unit} · {session_words(visitor.words, one)}")
        for one in sessions
        if one.used < one.share and one.left
    ]


BATCH_PAGES = [get_batches, get_new, post_new, post_batch]
