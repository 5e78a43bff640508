"""Filling a draft: a file or pasted rows, or a week's pattern; shown as a calendar before anything is stored.

The rows travel in the preview's form, as the file they came from. Imports the plans' room.
"""

import csv
import re
from collections.abc import Sequence
from datetime import date
from io import StringIO
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, Form, field_sentence, what_is_wrong
from booking_api.pages.operator.calendar import slots_of_rows
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.operator.plans import TAB, overview, own_plan
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.plans.authorities import read_days_off
from booking_api.plans.draft import SESSIONS_LIMIT, Plan, add_sessions
from booking_api.plans.errors import PlanPublished, PlanTooLarge
from booking_api.plans.reading import read_plan_text
from booking_api.plans.rows import ROW_FIELDS, ClockTime, Code, Places, SessionRow, check_service
from booking_api.plans.schedule import Schedule, Slot, expand
from booking_api.registers.reading import BadRow, FileUnusable
from booking_api.registers.rows import VehicleClass, Word
from booking_api.request import AnyRequest
from reservation.transaction import transaction

FILE_LIMIT_BYTES = 2 * 1024 * 1024
BAD_SHOWN = 50
SLOTS = 6
ENCODINGS = ("utf-8-sig", "gb18030")
WEEKDAYS = range(1, 8)
EXAMPLES = {
    "site": "hz-xihu",
    "title": "西湖考场 上午场",
    "title_en": "Xihu site, morning",
    "district": "西湖区",
    "day": "2026-12-08",
    "start": "08:30",
    "end": "11:30",
    "subject": "2",
    "vehicle_class": "C1",
    "capacity": "28",
    "priority_capacity": "2",
}
"""What would be right in each column."""


class Wrong(NamedTuple):
    """A row that cannot be used: where, what is wrong, and what would be right."""

    line: int
    field: str
    reason: str
    example: str


class PatternForm(msgspec.Struct, frozen=True, kw_only=True):
    """A week's pattern, without its times of the day."""

    site: Code
    title: Word
    first_day: date
    last_day: date
    weekdays: list[Annotated[int, msgspec.Meta(ge=1, le=7)]]
    title_en: Word | None = None
    district: Word | None = None
    subject: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    vehicle_class: VehicleClass | None = None
    except_days: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


class TimeForm(msgspec.Struct, frozen=True):
    """One time of the day and its places."""

    start: ClockTime
    end: ClockTime
    capacity: Places
    priority: Places = 0


@page_get("/operator/{authority:str}/plans/{plan_id:int}/import", access=Access.OPERATOR)
async def get_import(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The form for a file or rows."""
    visitor, office = await enter(request, desk, authority)
    return _import_form(visitor, office, await own_draft(desk, office, plan_id))


@page_post(
    "/operator/{authority:str}/plans/{plan_id:int}/import",
    access=Access.OPERATOR,
    body_limit_bytes=FILE_LIMIT_BYTES,
)
async def post_import(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What the file would add, or every row that is wrong. Nothing is stored."""
    visitor, form, office = await enter_posted(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    text = text_of(form)
    try:
        rows, bad = rows_of(text, plan=plan)
    except FileUnusable as error:
        refused = refusal_of(visitor.words, FieldsRefused({"rows": ("unusable", {})}))
        sentence = file_sentence(visitor.words, str(error))
        refused = msgspec.structs.replace(refused, fields={"rows": sentence})
        return _import_form(visitor, office, plan, text=text, refused=refused)
    if bad:
        wrong = [_wrong(visitor.words, one) for one in bad[:BAD_SHOWN]]
        refused = refusal_of(visitor.words, FieldsRefused({}))
        return _import_form(
            visitor, office, plan, text=text, wrong=wrong, bad=len(bad), good=len(rows), refused=refused
        )
    return _preview(visitor, office, plan, rows, back="import")


@page_get("/operator/{authority:str}/plans/{plan_id:int}/schedule", access=Access.OPERATOR)
async def get_schedule(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The form of a week's pattern."""
    visitor, office = await enter(request, desk, authority)
    return _schedule_form(visitor, office, await own_draft(desk, office, plan_id), Form({}, {}))


@page_post("/operator/{authority:str}/plans/{plan_id:int}/schedule", access=Access.OPERATOR)
async def post_schedule(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What the pattern would add. Nothing is stored."""
    visitor, form, office = await enter_posted(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    try:
        schedule = read_schedule(form)
        async with transaction(desk.kernel.reads) as connection:
            days_off = await read_days_off(connection, lineage=office.up)
        rows = _expanded(schedule, days_off=days_off, service=plan.service)
    except FieldsRefused as error:
        return _schedule_form(visitor, office, plan, form, refusal_of(visitor.words, error))
    return _preview(visitor, office, plan, rows, back="schedule")


@page_post(
    "/operator/{authority:str}/plans/{plan_id:int}/sessions",
    access=Access.OPERATOR,
    body_limit_bytes=FILE_LIMIT_BYTES,
)
async def post_sessions(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Adds what the preview has shown, all or none; sent again it adds nothing."""
    visitor, form, office = await enter_posted(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    try:
        rows, bad = rows_of(form.one("rows"), plan=plan)
    except FileUnusable:
        rows, bad = [], []
    if bad or not rows:
        # Only a form that was tampered with comes here: the preview sends what it has read.
        raise FieldsRefused({"rows": ("unusable", {})})
    try:
        async with transaction(desk.kernel.engine) as connection:
            added = await add_sessions(connection, plan_id=plan.id, rows=rows)
    except PlanTooLarge as error:
        refused = refusal_of(visitor.words, error)
        return _preview(visitor, office, plan, rows, back="import", refused=refused)
    told = "sessions_added" if added else "sessions_there"
    return go_to(visitor, f"{office.path}/plans/{plan.id}", told=told)


async def own_draft(desk: Desk, office: Office, plan_id: int) -> Plan:
    """A draft of this office.

    Raises:
        UnknownPlan, PlanPublished: there is none.
    """
    plan = await own_plan(desk, office, plan_id)
    if plan.state != "draft":
        raise PlanPublished(plan=plan_id)
    return plan


def text_of(form: Form) -> str:
    """The file's text, else what was pasted. A file is UTF-8, or GB18030 as spreadsheets in China save it."""
    upload = form.files.get("file")
    if upload is None or not upload.content:
        return form.one("rows")
    for encoding in ENCODINGS:
        try:
            return upload.content.decode(encoding).replace("\x00", "")
        except UnicodeDecodeError:
            continue
    return ""


def rows_of(text: str, *, plan: Plan) -> tuple[list[SessionRow], list[BadRow]]:
    """The good rows and the bad ones.

    Raises:
        FileUnusable: it is no such file at all.
    """
    bad: list[BadRow] = []
    rows = read_plan_text(text, called="", service=plan.service, on_bad=bad.append)
    if len(rows) > SESSIONS_LIMIT:
        bad.append(BadRow(SESSIONS_LIMIT + 1, "row", f"a plan has at most {SESSIONS_LIMIT} sessions"))
    return rows, bad


def csv_of(rows: Sequence[SessionRow]) -> str:
    """Rows as the file they could have come from."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(ROW_FIELDS)
    for row in rows:
        values = [getattr(row, name) for name in ROW_FIELDS]
        writer.writerow(["" if value is None else str(value) for value in values])
    return written.getvalue()


def read_schedule(form: Form) -> Schedule:
    """The pattern that a form describes.

    Raises:
        FieldsRefused: fields that cannot be used, all at once.
    """
    errors: dict[str, Any] = {}
    slots: list[Slot] = []
    for number in range(1, SLOTS + 1):
        given = {name: form.one(f"slot-{number}-{name}") for name in TimeForm.__struct_fields__}
        if not any(given.values()):
            continue
        try:
            told = Form({name: [value] for name, value in given.items()}, {}).read(TimeForm)
            slots.append(Slot(told.start, told.end, told.capacity, told.priority))
            if told.end <= told.start:
                errors[f"slot-{number}-end"] = ("after_start", {})
            elif not told.capacity + told.priority:
                errors[f"slot-{number}-capacity"] = ("at_least", {"limit": 1})
        except FieldsRefused as error:
            errors |= {f"slot-{number}-{name}": wrong for name, wrong in error.errors.items()}
    if not slots and not errors:
        errors["slot-1-start"] = ("required", {})
    try:
        told = form.read(PatternForm)
        except_days = _days(told.except_days)
        pattern = msgspec.structs.asdict(told) | {"slots": slots, "except_days": except_days}
        if not errors:
            return msgspec.convert(pattern, Schedule)
    except FieldsRefused as error:
        errors = dict(error.errors) | errors
    except msgspec.ValidationError as error:
        span = "spans" in str(error)
        errors["last_day"] = ("span", {}) if span else ("after_first", {})
    raise FieldsRefused(errors)


def file_sentence(words: Words, message: str) -> str:
    """Why a file cannot be read at all, in the page's language."""
    known = ",".join(ROW_FIELDS)
    if found := re.search(r"unknown field '([^']{0,64})'", message):
        return words.text(
            "The first line names the column %(column)s, which is none. The columns are: %(known)s",
            column=found[1],
            known=known,
        )
    if "named twice" in message:
        return words.text("The first line names a column twice.")
    if "no session" in message:
        return words.text("There is no row below the first line.")
    return words.text("The first line must name the columns: %(known)s", known=known)


def _wrong(words: Words, bad: BadRow) -> Wrong:
    return Wrong(bad.line, bad.field, row_sentence(words, bad.reason), EXAMPLES.get(bad.field, ""))


def row_sentence(words: Words, reason: str) -> str:
    """What is wrong with a row, in the page's language."""
    if found := re.fullmatch(r"the same session as line (\d+)", reason):
        return words.text("The same session as line %(line)s.", line=found[1])
    if found := re.fullmatch(r"(\d+) values where the header names (\d+)", reason):
        return words.text(
            "%(found)s values, and the first line names %(named)s.", found=found[1], named=found[2]
        )
    if "missing required field" in reason:
        return field_sentence(words, "required", {})
    if words.has(f"row.{reason}"):
        return words.code(f"row.{reason}")
    return field_sentence(words, *what_is_wrong(reason))


def _days(text: str) -> list[date]:
    try:
        return [date.fromisoformat(part) for part in re.split(r"[\s,，、]+", text) if part]
    except ValueError:
        raise FieldsRefused({"except_days": ("date", {})}) from None


def _expanded(schedule: Schedule, *, days_off: frozenset[date], service: str) -> list[SessionRow]:
    try:
        rows = list(expand(schedule, days_off=days_off))
    except ValueError:
        raise FieldsRefused({"first_day": ("date", {})}) from None
    if not rows:
        raise FieldsRefused({"weekdays": ("no_day", {})})
    if check_service(rows[0], service) is not None:
        missing = {"subject": rows[0].subject, "vehicle_class": rows[0].vehicle_class}
        raise FieldsRefused({name: ("required", {}) for name, value in missing.items() if value is None})
    if len(rows) > SESSIONS_LIMIT:
        raise FieldsRefused({"last_day": ("too_many_sessions", {"limit": SESSIONS_LIMIT})})
    return rows


def _import_form(
    visitor: Visitor, office: Office, plan: Plan, *, refused: Refusal | None = None, **facts: Any
) -> Response[Any]:
    known: dict[str, Any] = {"text": "", "wrong": [], "bad": 0, "good": 0, "examples": EXAMPLES}
    return show("import", visitor, office, tab=TAB, plan=plan, refused=refused, **(known | facts))


def _schedule_form(
    visitor: Visitor, office: Office, plan: Plan, form: Form, refused: Refusal | None = None
) -> Response[Any]:
    return show(
        "schedule",
        visitor,
        office,
        tab=TAB,
        plan=plan,
        form=form,
        slots=range(1, SLOTS + 1),
        weekdays=WEEKDAYS,
        refused=refused,
    )


def _preview(
    visitor: Visitor,
    office: Office,
    plan: Plan,
    rows: list[SessionRow],
    *,
    back: str,
    refused: Refusal | None = None,
) -> Response[Any]:
    slots = slots_of_rows(rows)
    facts = overview(visitor, slots)
    return show(
        "preview",
        visitor,
        office,
        tab=TAB,
        plan=plan,
        rows=csv_of(rows),
        back=back,
        refused=refused,
        slots=sorted(slots, key=lambda slot: (slot.day, slot.start, slot.site)),
        **facts,
    )


FILLING_PAGES = [get_import, post_import, get_schedule, post_schedule, post_sessions]
