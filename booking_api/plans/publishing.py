"""Publishing a plan for good, and cancelling a session of it. Imports SQLAlchemy and `reservation`.

Each is one transaction; what Valkey is to be told is a row of it. A crash after COMMIT leaves those rows, and a pool
that is new is built by the first request that asks for it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.plans import tables
from booking_api.plans.authorities import read_lineage, read_settings
from booking_api.plans.draft import Plan, lock_draft
from booking_api.plans.errors import PlanEmpty, PlanNotPublished, TooShortNotice, UnknownSession
from booking_api.rules.settings import PlanRules
from reservation import ClaimantKind, NewUnit, Pool, UnitKind, add_units, withdraw_unit
from reservation import tables as kernel_tables
from reservation.model import Effect
from reservation.transaction import note_effect

POOL_LOCK = 0x67647070
SUBJECT_TITLES = {
    1: {"zh-CN": "科目一 · 法律法规", "en": "Subject 1 · Traffic law"},
    2: {"zh-CN": "科目二 · 场地驾驶", "en": "Subject 2 · Field driving"},
    3: {"zh-CN": "科目三 · 道路驾驶", "en": "Subject 3 · Road driving"},
    4: {"zh-CN": "科目四 · 安全文明", "en": "Subject 4 · Safe driving"},
}
INSPECTION_TITLE = {"zh-CN": "机动车检验 · 预约", "en": "Inspection · Appointments"}


class Published(NamedTuple):
    """What a publication made: the pools it added units to, how many, and what Valkey is to be told."""

    pools: list[int]
    units: int
    effects: list[Effect]


class Cancelled(NamedTuple):
    """A session that will not take place: its unit, whose bookings ended with it, and what Valkey is to be told.

    `first`: it was not cancelled before.
    """

    unit: int
    first: bool
    bookings: list[tuple[str, str]]
    effect: Effect


class _Pool(NamedTuple):
    id: int
    epoch: int


async def publish_plan(
    connection: AsyncConnection, *, plan_id: int, by: str, rules: PlanRules, today: date, demo: bool = False
) -> Published:
    """Makes every session of a draft a unit of its authority's pool. From here on the plan is not changed.

    Raises:
        UnknownPlan, PlanPublished, PlanEmpty: there is nothing to publish.
        TooShortNotice: the first session is nearer than the authority's figures allow.
    """
    await lock_draft(connection, plan_id)
    plan = (await connection.execute(select(tables.plan).where(tables.plan.c.id == plan_id))).one()
    session = tables.plan_session
    rows = (
        await connection.execute(
            select(session).where(session.c.plan_id == plan_id).order_by(session.c.starts_at, session.c.id)
        )
    ).all()
    if not rows:
        raise PlanEmpty(plan=plan_id)
    first_day = today + timedelta(days=rules.publish_ahead_days)
    if rows[0].starts_at.astimezone(SHANGHAI).date() < first_day:
        raise TooShortNotice(first_day=first_day, first_session=rows[0].starts_at)
    pools: list[int] = []
    effects: list[Effect] = []
    by_subject: dict[int | None, list[Row[Any]]] = {}
    for row in rows:
        by_subject.setdefault(row.subject, []).append(row)
    for subject, sessions in by_subject.items():
        pool = await _open_pool(connection, plan, subject, hold_ttl_s=rules.hold_ttl_s, demo=demo)
        effects.append(await _add(connection, plan.authority, pool, sessions))
        pools.append(pool.id)
    await connection.execute(
        update(tables.plan)
        .where(tables.plan.c.id == plan_id)
        .values(state="published", published_by=by, published_at=func.now())
    )
    return Published(pools, len(rows), effects)


async def publish_by_figures(connection: AsyncConnection, plan: Plan, *, by: str, today: date) -> Published:
    """Publishes a draft by the figures that its authority has in force.

    Raises:
        as `publish_plan`.
    """
    lineage = (await read_lineage(connection)).up(plan.authority)
    settings = await read_settings(connection, lineage=lineage, service=plan.service)
    return await publish_plan(connection, plan_id=plan.id, by=by, rules=settings.plans, today=today)


async def unit_of_session(connection: AsyncConnection, *, session_id: int, plan_id: int) -> tuple[int, int]:
    """(unit, pool) of a published session.

    Raises:
        UnknownSession, PlanNotPublished: there is none.
    """
    session, unit = tables.plan_session, kernel_tables.unit
    query = (
        select(session.c.unit_id, unit.c.pool_id)
        .outerjoin(unit, unit.c.id == session.c.unit_id)
        .where(session.c.id == session_id, session.c.plan_id == plan_id)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownSession(plan=plan_id, session=session_id)
    if row.unit_id is None:
        raise PlanNotPublished(plan=plan_id)
    return row.unit_id, row.pool_id


async def cancel_session(
    connection: AsyncConnection, pool: Pool, *, unit_id: int, by: str, reason: str
) -> Cancelled:
    """Cancels one session of a published plan: its bookings end on the authority's behalf, its places with them.

    Cancelling it again ends nothing more and keeps the first reason.

    Raises:
        UnitOver: it is over.
    """
    withdrawn = await withdraw_unit(connection, pool, unit_id=unit_id)
    session = tables.plan_session
    noted = await connection.execute(
        update(session)
        .where(session.c.unit_id == unit_id, session.c.cancelled_at.is_(None))
        .values(cancelled_by=by, cancelled_at=func.now(), cancel_reason=reason)
        .returning(session.c.id)
    )
    first = noted.one_or_none() is not None
    return Cancelled(unit_id, first, withdrawn.bookings, withdrawn.effect)


def rule_of(service: str, subject: int | None) -> str:
    """The rule under which one may have one active booking: a subject, or the periodic inspection."""
    return f"subject-{subject}" if subject is not None else f"periodic-{service}"


async def _open_pool(
    connection: AsyncConnection, plan: Row[Any], subject: int | None, *, hold_ttl_s: int, demo: bool
) -> _Pool:
    """The authority's open pool for this rule, made if there is none. Two publications at once make one."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": POOL_LOCK})
    pool, rule = kernel_tables.pool, rule_of(plan.service, subject)
    found = await connection.execute(
        select(pool.c.id, pool.c.epoch)
        .where(pool.c.authority == plan.authority, pool.c.service == plan.service, pool.c.rule == rule)
        .where(pool.c.state == "open")
        .order_by(pool.c.id)
        .limit(1)
        .with_for_update(read=True)
    )
    row = found.one_or_none()
    if row is None:
        title = SUBJECT_TITLES[subject] if subject is not None else INSPECTION_TITLE
        kind = ClaimantKind.PERSON if plan.service == "driving_test" else ClaimantKind.VEHICLE
        made = await connection.execute(
            insert(pool)
            .values(
                authority=plan.authority,
                service=plan.service,
                rule=rule,
                title=title,
                claimant_kind=kind,
                state="open",
                hold_ttl_s=hold_ttl_s,
                demo=demo,
            )
            .returning(pool.c.id, pool.c.epoch)
        )
        row = made.one()
    return _Pool(row.id, row.epoch)


async def _add(
    connection: AsyncConnection, authority: str, pool: _Pool, sessions: Sequence[Row[Any]]
) -> Effect:
    units = [_unit(row) for row in sessions]
    ids = await add_units(connection, pool_id=pool.id, authority=authority, units=units)
    await connection.execute(_GIVE_UNITS, {"sessions": [row.id for row in sessions], "units": ids})
    changes = [
        word
        for unit, row in zip(ids, sessions, strict=True)
        for word in ("size", str(row.capacity), str(unit))
    ]
    return await note_effect(connection, pool_id=pool.id, epoch=pool.epoch, changes=changes)


_GIVE_UNITS = text(
    """
    UPDATE plan_session s SET unit_id = u.unit_id
    FROM unnest(CAST(:sessions AS bigint[]), CAST(:units AS bigint[])) AS u (session_id, unit_id)
    WHERE s.id = u.session_id
    """
)


def _unit(row: Row[Any]) -> NewUnit:
    about = {
        "subject": str(row.subject) if row.subject is not None else None,
        "class": row.vehicle_class,
        "district": row.district,
        "quota": row.quota if row.quota != "ordinary" else None,
    }
    return NewUnit(
        kind=UnitKind.SESSION,
        title=row.title,
        capacity=row.capacity,
        site=row.site,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        attributes={name: value for name, value in about.items() if value is not None},
    )
