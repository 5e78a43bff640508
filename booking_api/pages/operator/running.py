"""A day of an authority, over all its sites; one session; and cancelling it. Imports the plans' and the schools' rooms."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import func, select

from booking_api import clock
from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.operator.plans import day_of
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.payments.tables import fee
from booking_api.plans.errors import UnknownSession
from booking_api.plans.overview import RunSession, days_with_sessions, find_run_session, sessions_on
from booking_api.request import AnyRequest
from booking_api.rules.settings import SETTINGS
from booking_api.schools.telling import cancel_planned_session
from reservation import free_places, tables
from reservation.errors import ReservationError, UnitOver
from reservation.transaction import transaction

TAB = "day"


class Cancel(msgspec.Struct, frozen=True):
    """Why a session will not take place."""

    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A session as a day shows it. `free` and `held` are None while the live counts are not known."""

    session: RunSession
    free: int | None
    held: int | None
    state: str


@page_get("/operator/{authority:str}/day", access=Access.OPERATOR)
async def get_day(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """All sessions of a day, today's unless another one is asked for."""
    visitor, office = await enter(request, desk, authority)
    today = clock.today()
    day = day_of(visitor.query.get("day", "")) or today
    service = visitor.query.get("service") or None
    async with transaction(desk.kernel.reads) as connection:
        found = await sessions_on(connection, authority=office.id, day=day, service=service)
        days = await days_with_sessions(connection, authority=office.id, since=min(day, today))
    sites = sorted({session.site for session in found})
    site = visitor.query.get("site") or ""
    shown = await _shown(desk, [session for session in found if site in {"", session.site}])
    return show(
        "day",
        visitor,
        office,
        tab=TAB,
        day=day,
        days=sorted({*days, day}),
        today=today,
        service=service or "",
        services=list(SETTINGS),
        site=site,
        sites=sites,
        shown=shown,
    )


@page_get("/operator/{authority:str}/sessions/{session_id:int}", access=Access.OPERATOR)
async def get_session_page(
    request: AnyRequest, authority: FromPath[str], session_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """One session: its places, who came, and what was done about it."""
    visitor, office = await enter(request, desk, authority)
    session = await _own_session(desk, office, session_id)
    [shown] = await _shown(desk, [session])
    day = session.starts_at.astimezone(SHANGHAI).date()
    return show("session", visitor, office, tab=TAB, shown=shown, session=session, day=day)


@page_get("/operator/{authority:str}/sessions/{session_id:int}/cancel", access=Access.OPERATOR)
async def get_cancel(
    request: AnyRequest, authority: FromPath[str], session_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """How many people it concerns, what they are told, and what becomes of their fees."""
    visitor, office = await enter(request, desk, authority)
    return await _cancel_form(desk, visitor, office, await _own_session(desk, office, session_id))


@page_post("/operator/{authority:str}/sessions/{session_id:int}/cancel", access=Access.OPERATOR)
async def post_cancel(
    request: AnyRequest, authority: FromPath[str], session_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Cancels the session; everybody who booked it is told."""
    visitor, form, office = await enter_posted(request, desk, authority)
    session = await _own_session(desk, office, session_id)
    try:
        told = form.read(Cancel)
        await cancel_planned_session(
            desk.kernel,
            plan_id=session.plan,
            session_id=session.id,
            by=visitor.me.id,
            reason=told.reason,
            now=clock.now(),
        )
    except (FieldsRefused, UnitOver) as error:
        refused = refusal_of(visitor.words, error)
        return await _cancel_form(desk, visitor, office, session, reason=form.one("reason"), refused=refused)
    return go_to(visitor, f"{office.path}/sessions/{session.id}", told="session_cancelled")


async def _own_session(desk: Desk, office: Office, session_id: int) -> RunSession:
    if not 0 < session_id < 2**53:
        raise UnknownSession(session=session_id)
    async with transaction(desk.kernel.reads) as connection:
        session = await find_run_session(connection, session_id)
    if session.authority != office.id:
        raise UnknownSession(session=session_id)
    return session


async def _shown(desk: Desk, sessions: Sequence[RunSession]) -> list[Shown]:
    free: dict[int, int | None] = {}
    for pool in {session.pool for session in sessions}:
        units = [session.unit for session in sessions if session.pool == pool]
        try:
            counts = await free_places(desk.kernel, pool_id=pool, units=units)
        except ReservationError:
            # What PostgreSQL knows is still shown while the live counts are not known.
            counts = [None] * len(units)
        free.update(zip(units, counts, strict=True))
    return [_as_shown(session, free[session.unit]) for session in sessions]


def _as_shown(session: RunSession, free: int | None) -> Shown:
    taken = session.booked + session.promised
    held = None if free is None else max(0, session.capacity - taken - free)
    now = clock.now()
    state = "over" if session.ends_at <= now else "running" if session.starts_at <= now else "to_come"
    if session.cancelled_at is not None:
        return Shown(session=session, free=0, held=0, state="cancelled")
    return Shown(session=session, free=free, held=held, state=state)


async def _cancel_form(
    desk: Desk,
    visitor: Visitor,
    office: Office,
    session: RunSession,
    *,
    reason: str = "",
    refused: Refusal | None = None,
) -> Response[Any]:
    owners = select(tables.booking.c.owner).where(
        tables.booking.c.unit_id == session.unit, tables.booking.c.state == "booked"
    )
    paid = select(func.count()).where(
        fee.c.account.in_(owners),
        fee.c.authority == session.authority,
        fee.c.subject == session.subject,
        fee.c.state == "settled",
        fee.c.used_by.is_(None),
    )
    async with transaction(desk.kernel.reads) as connection:
        fees = (await connection.execute(paid)).scalar_one()
    return show(
        "session_cancel",
        visitor,
        office,
        tab=TAB,
        session=session,
        fees=fees,
        reason=reason,
        refused=refused,
    )


RUNNING_PAGES = [get_day, get_session_page, get_cancel, post_cancel]
