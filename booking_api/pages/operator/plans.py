"""An authority's plans: the list, a new one, one as a calendar. Imports the plans' room."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.operator.calendar import Slot, plot_of, slots_of_sessions, totals_of, week_of
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.paging import cursor_or_start, page
from booking_api.plans.draft import (
    SESSIONS_LIMIT,
    NewPlan,
    Plan,
    draft_plan,
    find_plan,
    plans_of,
    sessions_of,
)
from booking_api.plans.errors import UnknownPlan
from booking_api.registers.rows import Word
from booking_api.request import AnyRequest
from booking_api.rules.settings import SETTINGS
from reservation.transaction import transaction

PLANS_SHOWN = 30
TAB = "plans"


class PlanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to draft."""

    service: Annotated[str, msgspec.Meta(max_length=40)]
    title: Word
    source: Word
    title_en: Word | None = None


@page_get("/operator/{authority:str}/plans", access=Access.OPERATOR)
async def get_plans_page(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The newest first."""
    visitor, office = await enter(request, desk, authority)
    of = ("operator plans", office.id)
    before = cursor_or_start(visitor.query.get("cursor"), of=of, kind=int)
    async with transaction(desk.kernel.reads) as connection:
        found = await plans_of(connection, authorities=[office.id], before=before, limit=PLANS_SHOWN + 1)
    plans, following = page(found, limit=PLANS_SHOWN, key=lambda plan: plan.id, of=of)
    return show("plans", visitor, office, tab=TAB, plans=plans, following=following)


@page_get("/operator/{authority:str}/plans/new", access=Access.OPERATOR)
async def get_new_plan(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The form of a new plan."""
    visitor, office = await enter(request, desk, authority)
    return _form(visitor, office, Form({}, {}))


@page_post("/operator/{authority:str}/plans/new", access=Access.OPERATOR)
async def post_new_plan(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Begins a draft, which nobody else sees."""
    visitor, form, office = await enter_posted(request, desk, authority)
    try:
        told = form.read(PlanForm)
        _check_service(told.service)
    except FieldsRefused as error:
        return _form(visitor, office, form, refusal_of(visitor.words, error))
    title = {"zh-CN": told.title} | ({"en": told.title_en} if told.title_en else {})
    new = NewPlan(authority=office.id, service=told.service, title=title, source=told.source)
    async with transaction(desk.kernel.engine) as connection:
        plan = await draft_plan(connection, new, by=visitor.me.id)
    return go_to(visitor, f"{office.path}/plans/{plan.id}", told="plan_drafted")


@page_get("/operator/{authority:str}/plans/{plan_id:int}", access=Access.OPERATOR)
async def get_plan_page(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """A plan with its totals and one week of it."""
    visitor, office = await enter(request, desk, authority)
    plan = await own_plan(desk, office, plan_id)
    async with transaction(desk.kernel.reads) as connection:
        sessions = await sessions_of(connection, plan_id=plan.id, after=0, limit=SESSIONS_LIMIT)
    slots = slots_of_sessions(sessions)
    facts = overview(visitor, slots, week=day_of(visitor.query.get("week", "")))
    return show("plan", visitor, office, tab=TAB, plan=plan, here=f"{office.path}/plans/{plan.id}", **facts)


async def own_plan(desk: Desk, office: Office, plan_id: int) -> Plan:
    """A plan of this very office.

    Raises:
        UnknownPlan: there is none.
    """
    if not 0 < plan_id < 2**53:
        raise UnknownPlan(plan=plan_id)
    async with transaction(desk.kernel.reads) as connection:
        plan = await find_plan(connection, plan_id)
    if plan.authority != office.id:
        raise UnknownPlan(plan=plan_id)
    return plan


def overview(visitor: Visitor, slots: list[Slot], *, week: date | None = None) -> dict[str, Any]:
    """What a page shows of sessions: totals, their plot and one week."""
    totals = totals_of(slots)
    labels = [visitor.words.leaf(day) for day, _ in totals.bars]
    plot = plot_of(totals, [f"{leaf.number} {leaf.weekday}" for leaf in labels])
    return {"totals": totals, "plot": plot, "week": week_of(slots, week)}


def day_of(text: str) -> date | None:
    """A day as a query or form has it; None when it is none.

    >>> day_of("2026-12-01"), day_of("soon"), day_of("0001-01-01")
    (datetime.date(2026, 12, 1), None, None)
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year < 2200 else None


def moment_of(form: Form, field: str) -> datetime | None:
    """A moment in China as a form's `datetime-local` has it; None when it is not filled in.

    Raises:
        FieldsRefused: it is no moment.
    """
    text = form.one(field)
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise FieldsRefused({field: ("moment", {})}) from None
    if told.tzinfo is not None or not 1950 <= told.year < 2200:
        raise FieldsRefused({field: ("moment", {})})
    return told.replace(tzinfo=SHANGHAI)


def local(moment: datetime | None) -> str:
    """A moment as `datetime-local` has it."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M") if moment else ""


def _check_service(service: str) -> None:
    if service not in SETTINGS:
        raise FieldsRefused({"service": ("choice", {})})


def _form(visitor: Visitor, office: Office, form: Form, refused: Refusal | None = None) -> Response[Any]:
    return show("plan_new", visitor, office, tab=TAB, form=form, services=list(SETTINGS), refused=refused)


PLAN_PAGES = [get_plans_page, get_new_plan, post_new_plan, get_plan_page]
