"""A school's learners: who consents, who was asked, whose consent has ended; asking one or many; letting somebody go."""

from contextlib import suppress
from typing import Any, cast

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.identity.accounts import masked_number, spelled_name
from booking_api.identity.numbers import IdentityNumberError, parse_identity_number
from booking_api.organisations.register import Organisation
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.entering import enter, enter_posted, show
from booking_api.pages.school.sheets import SheetRow, decode, read_sheet
from booking_api.pages.visiting import Visitor
from booking_api.paging import page, read_cursor
from booking_api.registers.rows import Word
from booking_api.request import AnyRequest
from booking_api.schools.consents import REQUESTS_KEPT_DAYS, ask_consent, masked_name
from booking_api.schools.errors import UnknownLearner
from booking_api.schools.roll import (
    ENDED_SHOWN_DAYS,
    STANDINGS,
    RollCounts,
    RollEntry,
    Standing,
    count_roll,
    find_entry,
    give_up_consent,
    roll_of,
    take_request_back,
)
from reservation.transaction import transaction

PAGE = 50
DIGITS_LIMIT = 15
LIST_BYTES = 512 * 1024
"""500 rows of a list with the other columns that schools keep."""


class AskRow(msgspec.Struct, frozen=True):
    """Whose consent to ask for."""

    learner: Word
    name: Word


class Asked(msgspec.Struct, frozen=True):
    """What became of one line of a list: asked, or why not."""

    number: int
    learner: str
    name: str
    wrong: str


@page_get("/school/{school:str}/learners", access=Access.SCHOOL)
async def get_learners(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Those of one standing, the newest first."""
    visitor, mine = await enter(request, desk, school)
    asked = visitor.query.get("standing", "given")
    standing = asked if asked in STANDINGS else "given"
    of = ("school learners", mine.id, standing)
    before = read_cursor(visitor.query.get("cursor"), of=of, kind=int)
    today = clock.today()
    async with transaction(desk.kernel.reads) as connection:
        counts = await count_roll(connection, mine.id, today=today)
        found = await roll_of(connection, mine.id, standing, today=today, before=before, limit=PAGE + 1)
    shown, following = page(found, limit=PAGE, key=lambda entry: entry.id, of=of)
    return _list(visitor, mine, shown, standing=standing, counts=counts, following=following)


@page_post("/school/{school:str}/learners", access=Access.SCHOOL)
async def post_search(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Whom a name or number names. Sent as a form: neither belongs into an address."""
    visitor, form, mine = await enter_posted(request, desk, school)
    word, today = form.one("word")[:64], clock.today()
    if not word:
        return go_to(visitor, f"/school/{mine.id}/learners")
    named = spelled_name(word)
    # What is no number is a name.
    with suppress(IdentityNumberError):
        named = parse_identity_number(word, today=today).text
    found: list[RollEntry] = []
    async with transaction(desk.kernel.reads) as connection:
        counts = await count_roll(connection, mine.id, today=today)
        for standing in STANDINGS:
            found += await roll_of(
                connection, mine.id, standing, today=today, before=None, limit=PAGE, word=named
            )
    return _list(visitor, mine, found, standing=None, counts=counts, word=word)


@page_get("/school/{school:str}/learners/ask", access=Access.SCHOOL)
async def get_ask(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """The form for one learner, and the one for a list."""
    visitor, mine = await enter(request, desk, school)
    return _ask_form(visitor, mine)


@page_post("/school/{school:str}/learners/ask", access=Access.SCHOOL)
async def post_ask(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[Any]:
    """Asks one learner. The answer is the same whether or not anybody has this number."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        told = form.read(AskRow)
    except FieldsRefused as error:
        return _ask_form(visitor, mine, form=form, refused=refusal_of(visitor.words, error))
    row = SheetRow(1, told.learner, told.name)
    wrong = ask_row_wrong(visitor.words, row)
    if wrong:
        refused = Refusal(
            status=422,
            code="fields_refused",
            sentence=visitor.words.code("problem.fields_refused"),
            fields={"learner": wrong},
            rules=[],
        )
        return _ask_form(visitor, mine, form=form, refused=refused)
    await _ask(desk, visitor, mine, [row])
    return go_to(visitor, f"/school/{mine.id}/learners?standing=asked", told="consent_asked")


@page_post("/school/{school:str}/learners/ask/list", access=Access.SCHOOL, body_limit_bytes=LIST_BYTES)
async def post_ask_list(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Asks everybody of a list whose line is right, and says what is wrong with the others, to be sent again."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        rows = sheet_of(form, columns=("number", "name"))
    except FieldsRefused as error:
        return _ask_form(visitor, mine, form=form, refused=refusal_of(visitor.words, error))
    told = [(row, ask_row_wrong(visitor.words, row)) for row in rows]
    await _ask(desk, visitor, mine, [row for row, wrong in told if not wrong])
    results = [
        Asked(row.number, row.learner, row.name, wrong)
        if wrong
        else Asked(row.number, masked_number(row.learner), masked_name(row.name), "")
        for row, wrong in told
    ]
    return show("asked.html", visitor, mine, "learners", results=results, days=REQUESTS_KEPT_DAYS)


@page_get("/school/{school:str}/learners/{standing:str}/{entry:str}/end", access=Access.SCHOOL)
async def get_end(
    request: AnyRequest,
    school: FromPath[str],
    standing: FromPath[str],
    entry: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """What it means to let a learner go, or to ask no more."""
    visitor, mine = await enter(request, desk, school)
    which = _standing_of(standing)
    async with transaction(desk.kernel.reads) as connection:
        found = await find_entry(connection, mine.id, which, _id_of(entry), today=clock.today())
    return show("end_consent.html", visitor, mine, "learners", learner=found)


@page_post("/school/{school:str}/learners/{standing:str}/{entry:str}/end", access=Access.SCHOOL)
async def post_end(
    request: AnyRequest,
    school: FromPath[str],
    standing: FromPath[str],
    entry: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[None]:
    """Lets a learner go, or asks no more."""
    visitor, _, mine = await enter_posted(request, desk, school)
    which = _standing_of(standing)
    async with transaction(desk.kernel.engine) as connection:
        if which == "given":
            await give_up_consent(connection, mine.id, _id_of(entry))
        else:
            await take_request_back(connection, mine.id, _id_of(entry))
    told = "consent_given_up" if which == "given" else "request_taken_back"
    return go_to(visitor, f"/school/{mine.id}/learners?standing={which}", told=told)


def sheet_of(form: Form, *, columns: tuple[str, ...]) -> list[SheetRow]:
    """The rows of a form's file, or of what was pasted where there is no file.

    Raises:
        FieldsRefused: there are none, or too many.
    """
    file = form.files.get("file")
    return read_sheet(decode(file.content) if file else form.one("list"), columns=columns)


def ask_row_wrong(words: Words, row: SheetRow) -> str:
    """What is wrong with a line of those to ask; empty when nothing is."""
    if not row.learner or not row.name:
        return words.code("row.number_and_name")
    try:
        parse_identity_number(row.learner, today=clock.today())
    except IdentityNumberError as error:
        return words.code(f"number.{error.reason}")
    return ""


async def _ask(desk: Desk, visitor: Visitor, school: Organisation, rows: list[SheetRow]) -> None:
    today = clock.today()
    async with transaction(desk.kernel.engine) as connection:
        # In one order, so that two lists with the same people do not wait for each other.
        named = {parse_identity_number(row.learner, today=today).text: row.name for row in rows}
        for number, name in sorted(named.items()):
            await ask_consent(
                connection,
                school=school.id,
                identity_number=number,
                name=spelled_name(name),
                by=visitor.me.id,
            )


def _standing_of(told: str) -> Standing:
    if told not in {"given", "asked"}:
        raise UnknownLearner(standing=told[:16])
    return cast("Standing", told)


def _id_of(told: str) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= DIGITS_LIMIT):
        raise UnknownLearner(id=told[:DIGITS_LIMIT])
    return int(told)


def _list(
    visitor: Visitor,
    school: Organisation,
    entries: list[RollEntry],
    *,
    standing: Standing | None,
    counts: RollCounts,
    following: str | None = None,
    word: str = "",
) -> Response[str]:
    return show(
        "learners.html",
        visitor,
        school,
        "learners",
        entries=entries,
        standing=standing,
        counts=counts,
        following=following,
        word=word,
        kept_days=ENDED_SHOWN_DAYS,
    )


def _ask_form(
    visitor: Visitor, school: Organisation, *, form: Form | None = None, refused: Refusal | None = None
) -> Response[str]:
    kept = {name: form.one(name) if form else "" for name in ("learner", "name", "list")}
    return show(
        "ask.html",
        visitor,
        school,
        "learners",
        kept=kept,
        refused=refused,
        days=REQUESTS_KEPT_DAYS,
    )


ROLL_PAGES = [get_learners, post_search, get_ask, post_ask, post_ask_list, get_end, post_end]
