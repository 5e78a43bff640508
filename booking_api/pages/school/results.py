"""One batch: how far it is, what became of each row, stopping it, its rows as a file, the refused ones once more."""

import csv
import io
import secrets
from collections.abc import Mapping, Sequence

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.catalogue import Words
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.batches import batch_id_of
from booking_api.pages.school.entering import enter, enter_posted, show
from booking_api.pages.school.row_words import KINDS, reasons, session_words
from booking_api.pages.school.sheets import ROWS_LIMIT
from booking_api.request import AnyRequest
from booking_api.schools.batches import Batch, RowResult, cancel_batch, find_batch, rows_of, units_of
from booking_api.schools.roll import Person, people_of
from booking_api.schools.seats import SessionFacts, session_facts
from reservation.transaction import transaction

BATCH_STATES = ("queued", "running", "holding", "confirming", "undoing")
ROW_STATES = ("booked", "refused", "held", "waiting", "released")
STOPPABLE = frozenset(["queued", "running", "holding", "undoing"])
NO_STORE = {"Cache-Control": "no-store", **SECURITY_HEADERS}


class ResultView(msgspec.Struct, frozen=True, kw_only=True):
    """One row: whose it is, which session it has, or why it has none. `sessions`: all it asked for, to be sent again."""

    number: int
    state: str
    person: Person | None
    account: str
    session: str
    why: list[str]
    sessions: str


class Progress(msgspec.Struct, frozen=True):
    """How far a batch is, for the page that shows it."""

    state: str
    ended: bool
    counts: dict[str, int]
    rows: dict[str, str]


@page_get("/school/{school:str}/batches/{batch:str}", access=Access.SCHOOL)
async def get_batch(
    request: AnyRequest, school: FromPath[str], batch: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The batch as it is now; while it runs the page comes again by itself."""
    visitor, mine = await enter(request, desk, school)
    found, rows = await _read(desk, visitor.words, mine.id, batch_id_of(batch))
    wanted = visitor.query.get("show", "")
    shown = [row for row in rows if row.state == wanted] if wanted in ROW_STATES else rows
    over = found.ended_at is not None
    again = [row for row in rows if over and row.state in {"refused", "released"}]
    return show(
        "batch.html",
        visitor,
        mine,
        "batches",
        batch=found,
        rows=shown,
        wanted=wanted if wanted in ROW_STATES else "",
        again=again,
        total=len(rows),
        states=ROW_STATES,
        batch_states=BATCH_STATES,
        kinds=KINDS,
        stoppable=found.state in STOPPABLE and not found.cancel_asked,
        key=secrets.token_urlsafe(16),
    )


@page_get("/school/{school:str}/batches/{batch:str}/progress", access=Access.SCHOOL)
async def get_progress(
    request: AnyRequest, school: FromPath[str], batch: FromPath[str], desk: NamedDependency[Desk]
) -> Response[bytes]:
    """Asked by the page's script every few moments while the batch runs."""
    visitor, mine = await enter(request, desk, school)
    async with transaction(desk.kernel.reads) as connection:
        found = await find_batch(connection, mine.id, batch_id_of(batch))
        rows = await rows_of(connection, found.id, after=0, limit=ROWS_LIMIT)
    told = Progress(
        found.state, found.ended_at is not None, found.rows, {str(row.number): row.state for row in rows}
    )
    headers = NO_STORE | visitor.headers
    return Response(msgspec.json.encode(told), media_type="application/json", headers=headers)


@page_get("/school/{school:str}/batches/{batch:str}/results.csv", access=Access.SCHOOL)
async def get_results(
    request: AnyRequest, school: FromPath[str], batch: FromPath[str], desk: NamedDependency[Desk]
) -> Response[bytes]:
    """Every row as a spreadsheet reads it."""
    visitor, mine = await enter(request, desk, school)
    found, rows = await _read(desk, visitor.words, mine.id, batch_id_of(batch))
    headers = NO_STORE | visitor.headers
    headers["Content-Disposition"] = f'attachment; filename="batch-{found.id}.csv"'
    return Response(results_file(visitor.words, rows), media_type="text/csv", headers=headers)


@page_get("/school/{school:str}/batches/{batch:str}/stop", access=Access.SCHOOL)
async def get_stop(
    request: AnyRequest, school: FromPath[str], batch: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What stopping means."""
    visitor, mine = await enter(request, desk, school)
    async with transaction(desk.kernel.reads) as connection:
        found = await find_batch(connection, mine.id, batch_id_of(batch))
    return show("stop_batch.html", visitor, mine, "batches", batch=found)


@page_post("/school/{school:str}/batches/{batch:str}/stop", access=Access.SCHOOL)
async def post_stop(
    request: AnyRequest, school: FromPath[str], batch: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Stops it."""
    visitor, _, mine = await enter_posted(request, desk, school)
    async with transaction(desk.kernel.engine) as connection:
        found = await cancel_batch(connection, mine.id, batch_id_of(batch))
    return go_to(visitor, f"/school/{mine.id}/batches/{found.id}", told="batch_stopping")


def results_file(words: Words, rows: Sequence[ResultView]) -> bytes:
    """The rows as CSV in UTF-8 with the mark by which spreadsheets know it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    headings = ("Row", "Learner", "Number", "Account", "State", "Session", "Why")
    writer.writerow(words.code(f"column.{each.lower()}") for each in headings)
    for row in rows:
        person = row.person or Person("", "")
        cells = (
            str(row.number),
            person.name,
            person.identity_number,
            row.account,
            words.code(f"state.{row.state}"),
            row.session,
            " ".join(row.why),
        )
        writer.writerow(map(_harmless, cells))
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


async def _read(desk: Desk, words: Words, school: str, batch_id: int) -> tuple[Batch, list[ResultView]]:
    async with transaction(desk.kernel.reads) as connection:
        batch = await find_batch(connection, school, batch_id)
        rows = await rows_of(connection, batch_id, after=0, limit=ROWS_LIMIT)
        asked = await units_of(connection, batch_id)
        refused = {int(each.get("unit") or 0) for row in rows for each in row.refusals}
        units = refused | {row.unit for row in rows if row.unit is not None}
        units |= {unit for some in asked.values() for unit in some}
        sessions = await session_facts(connection, units)
        accounts = {row.account for row in rows if row.account is not None}
        people = await people_of(connection, school, accounts=accounts)
    return batch, [
        _view(words, row, asked=asked[row.number], people=people, sessions=sessions) for row in rows
    ]


def _view(
    words: Words,
    row: RowResult,
    *,
    asked: Sequence[int],
    people: Mapping[str, Person],
    sessions: Mapping[int, SessionFacts],
) -> ResultView:
    of_units = [each["unit"] for each in row.refusals if each.get("unit")]
    every = list(dict.fromkeys([*of_units, *asked]))
    unit = row.unit if row.unit is not None else next(iter(every), None)
    session = sessions.get(unit or 0)
    return ResultView(
        number=row.number,
        state=row.state,
        person=people.get(row.account or ""),
        account="" if row.account is None or row.account.startswith("erased:") else row.account,
        session=session_words(words, session) if session else "",
        why=reasons(words, row.refusals, sessions=sessions) if row.state in {"refused", "released"} else [],
        sessions=" ".join(map(str, every)),
    )


RESULT_PAGES = [get_batch, get_progress, get_results, get_stop, post_stop]
