"""Plans, for the operators of their authority: draft, fill, publish, close, cancel a session."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest, UnknownAuthority
from booking_api.identity.tokens import Account
from booking_api.paging import PAGE_SIZE, Cursor, Limit, page, read_cursor
from booking_api.plans.authorities import read_days_off, read_lineage
from booking_api.plans.draft import (
    NewPlan,
    Plan,
    PlannedSession,
    add_sessions,
    close_plan,
    delete_draft,
    draft_plan,
    find_plan,
    plans_of,
    sessions_of,
)
from booking_api.plans.errors import (
    NotYourAuthority,
    PlanEmpty,
    PlanNotPublished,
    PlanPublished,
    PlanTooLarge,
    TooShortNotice,
    UnknownPlan,
    UnknownSession,
)
from booking_api.plans.publishing import publish_by_figures
from booking_api.plans.rows import SessionRow, check_service
from booking_api.plans.schedule import Schedule, expand
from booking_api.registers.rows import Reason
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples
from booking_api.rules.settings import SETTINGS
from booking_api.schools.telling import cancel_planned_session, note_published_plan
from reservation.errors import UnitOver, UnknownPool, UnknownUnit
from reservation.transaction import transaction

ROWS_LIMIT = 200
PlanId = Annotated[int, PathParameter(ge=1, lt=2**53)]


class RowsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions to add, at most ROWS_LIMIT a request."""

    sessions: Annotated[list[SessionRow], msgspec.Meta(min_length=1, max_length=ROWS_LIMIT)]


class CancelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the session will not take place; everybody who booked it is told."""

    reason: Reason


class Plans(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    plans: list[Plan]
    next: str | None


class PlannedSessions(msgspec.Struct, frozen=True):
    """In order of their ids; `next` is the cursor of the page after this one, null at the end."""

    sessions: list[PlannedSession]
    next: str | None


class Added(msgspec.Struct, frozen=True):
    """How many rows of places were new; the others were there already."""

    added: int
    plan: Plan


class SessionCancelled(msgspec.Struct, frozen=True):
    """The unit that is given out no more and how many bookings ended with it."""

    unit: int
    bookings_ended: int


@post(
    "/plans",
    summary="Draft a plan",
    tags=["plans"],
    status_code=201,
    opt=told(UnknownAuthority, NotYourAuthority, body=examples.NEW_PLAN, answer=examples.PLAN),
)
async def post_plan(
    request: AnyRequest, data: JSONBody[NewPlan], desk: NamedDependency[Desk]
) -> Response[Plan]:
    """Begins a plan of one authority and service. Nobody else sees it before it is published."""
    account, headers = await desk.gate.enter(request)
    if data.service not in SETTINGS:
        raise InvalidRequest(errors=[{"field": "service", "reason": f"one of {', '.join(SETTINGS)}"}])
    async with transaction(desk.kernel.engine) as connection:
        (await read_lineage(connection)).check_scope(account.scopes("operator"), data.authority)
        plan = await draft_plan(connection, data, by=account.id)
    return Answer(plan, status_code=201, headers=headers)


@get("/plans", summary="Plans", tags=["plans"], opt=told(answer=examples.PLANS))
async def get_plans(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Plans]:
    """The plans of the operator's authorities, drafts among them."""
    account, headers = await desk.gate.enter(request, reads=True)
    async with transaction(desk.kernel.reads) as connection:
        lineage = await read_lineage(connection)
        scopes = account.scopes("operator")
        mine = [authority for authority in lineage.parents if scopes & set(lineage.up(authority))]
        before = read_cursor(cursor, of=("plans",), kind=int)
        found = await plans_of(connection, authorities=mine, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda plan: plan.id, of=("plans",))
    return Answer(Plans(*shown), status_code=200, headers=headers)


@get(
    "/plans/{plan_id:int}/sessions",
    summary="A plan's sessions",
    tags=["plans"],
    opt=told(UnknownPlan, UnknownAuthority, NotYourAuthority, answer=examples.PLANNED_SESSIONS),
)
async def get_plan_sessions(
    request: AnyRequest,
    plan_id: PlanId,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[PlannedSessions]:
    """What the plan has, cancelled sessions among them."""
    account, headers = await desk.gate.enter(request, reads=True)
    async with transaction(desk.kernel.reads) as connection:
        await _own_plan(connection, account, plan_id)
        of = ("plan sessions", plan_id)
        after = read_cursor(cursor, of=of, kind=int) or 0
        found = await sessions_of(connection, plan_id=plan_id, after=after, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda session: session.id, of=of)
    return Answer(PlannedSessions(*shown), status_code=200, headers=headers)


@post(
    "/plans/{plan_id:int}/sessions",
    summary="Add sessions to a draft",
    tags=["plans"],
    status_code=200,
    opt=told(
        UnknownPlan,
        UnknownAuthority,
        NotYourAuthority,
        PlanPublished,
        PlanTooLarge,
        body=examples.ROWS,
        answer=examples.ADDED,
    ),
)
async def post_plan_sessions(
    request: AnyRequest, plan_id: PlanId, data: JSONBody[RowsRequest], desk: NamedDependency[Desk]
) -> Response[Added]:
    """Adds sessions, all or none; sending the same ones again adds nothing."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        plan = await _own_plan(connection, account, plan_id)
        _check_rows(data.sessions, plan.service)
        added = await add_sessions(connection, plan_id=plan_id, rows=data.sessions)
        plan = await find_plan(connection, plan_id)
    return Answer(Added(added, plan), status_code=200, headers=headers)


@post(
    "/plans/{plan_id:int}/schedules",
    summary="Lay out a recurring schedule",
    tags=["plans"],
    status_code=200,
    opt=told(
        UnknownPlan,
        UnknownAuthority,
        NotYourAuthority,
        PlanPublished,
        PlanTooLarge,
        body=examples.SCHEDULE,
        answer=examples.ADDED,
    ),
)
async def post_plan_schedule(
    request: AnyRequest, plan_id: PlanId, data: JSONBody[Schedule], desk: NamedDependency[Desk]
) -> Response[Added]:
    """Adds a week's pattern over a span of days, without exception days and the authority's days off."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        plan = await _own_plan(connection, account, plan_id)
        lineage = (await read_lineage(connection)).up(plan.authority)
        try:
            rows = list(expand(data, days_off=await read_days_off(connection, lineage=lineage)))
        except ValueError as error:
            raise InvalidRequest(errors=[{"field": "slots", "reason": str(error)}]) from None
        _check_rows(rows, plan.service)
        added = await add_sessions(connection, plan_id=plan_id, rows=rows)
        plan = await find_plan(connection, plan_id)
    return Answer(Added(added, plan), status_code=200, headers=headers)


@delete(
    "/plans/{plan_id:int}",
    summary="Delete a draft",
    tags=["plans"],
    status_code=204,
    opt=told(UnknownPlan, UnknownAuthority, NotYourAuthority, PlanPublished),
)
async def delete_plan(request: AnyRequest, plan_id: PlanId, desk: NamedDependency[Desk]) -> Response[None]:
    """Throws a draft away. A published plan is never deleted."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        await _own_plan(connection, account, plan_id)
        await delete_draft(connection, plan_id)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/plans/{plan_id:int}/publish",
    summary="Publish a plan",
    tags=["plans"],
    status_code=200,
    opt=told(
        UnknownPlan,
        UnknownAuthority,
        NotYourAuthority,
        PlanPublished,
        PlanEmpty,
        TooShortNotice,
        answer=examples.PLAN,
    ),
)
async def post_publish(request: AnyRequest, plan_id: PlanId, desk: NamedDependency[Desk]) -> Response[Plan]:
    """Makes every session bookable, for good: from here on the plan is not changed, only cancelled or closed."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        plan = await _own_plan(connection, account, plan_id)
        published = await publish_by_figures(connection, plan, by=account.id, today=clock.today())
        plan = await find_plan(connection, plan_id)
        await note_published_plan(connection, plan, at=clock.now())
    for effect in published.effects:
        await desk.kernel.tell(effect)
    return Answer(plan, status_code=200, headers=headers)


@post(
    "/plans/{plan_id:int}/close",
    summary="Close a plan",
    tags=["plans"],
    status_code=200,
    opt=told(UnknownPlan, UnknownAuthority, NotYourAuthority, PlanNotPublished, answer=examples.PLAN),
)
async def post_close(request: AnyRequest, plan_id: PlanId, desk: NamedDependency[Desk]) -> Response[Plan]:
    """Ends booking for every session, within seconds. What is booked stands; closing again changes nothing."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        plan = await _own_plan(connection, account, plan_id)
        if plan.state == "draft":
            raise PlanNotPublished(plan=plan_id)
        plan = await close_plan(connection, plan_id=plan_id, by=account.id)
    return Answer(plan, status_code=200, headers=headers)


@post(
    "/plans/{plan_id:int}/sessions/{session_id:int}/cancel",
    summary="Cancel a session",
    tags=["plans"],
    status_code=200,
    opt=told(
        UnknownPlan,
        UnknownSession,
        UnknownAuthority,
        NotYourAuthority,
        PlanNotPublished,
        UnknownPool,
        UnknownUnit,
        UnitOver,
        body=examples.SESSION_CANCEL,
        answer=examples.SESSION_CANCELLED,
    ),
)
async def post_session_cancel(
    request: AnyRequest,
    plan_id: PlanId,
    session_id: PlanId,
    data: JSONBody[CancelRequest],
    desk: NamedDependency[Desk],
) -> Response[SessionCancelled]:
    """Ends a session with a reason: its bookings end without counting against anybody, and everybody is told."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.reads) as connection:
        await _own_plan(connection, account, plan_id)
    done = await cancel_planned_session(
        desk.kernel,
        plan_id=plan_id,
        session_id=session_id,
        by=account.id,
        reason=data.reason,
        now=clock.now(),
    )
    return Answer(SessionCancelled(done.unit, len(done.bookings)), status_code=200, headers=headers)


async def _own_plan(connection: AsyncConnection, account: Account, plan_id: int) -> Plan:
    """The plan, if it is of an authority that the operator's role is for."""
    plan = await find_plan(connection, plan_id)
    (await read_lineage(connection)).check_scope(account.scopes("operator"), plan.authority)
    return plan


def _check_rows(rows: Sequence[SessionRow], service: str) -> None:
    errors = [
        {"field": f"sessions[{number}]", "reason": reason}
        for number, row in enumerate(rows)
        if (reason := check_service(row, service)) is not None
    ]
    if errors:
        raise InvalidRequest(errors=errors)
