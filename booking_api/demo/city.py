"""Founds the demo city: what `plan` says and PostgreSQL does not have yet. Imports `reservation`.

What a crash leaves: some of the pools, each whole with its units (one transaction per pool). The next start finds the
missing ones by (authority, service, rule) and adds them. Two founders at once: an advisory lock lets one work.
"""

import asyncio
import logging
from datetime import date
from typing import NamedTuple

from sqlalchemy import select, text

from booking_api import clock
from booking_api.demo.organisations import BY, add_demo_people
from booking_api.demo.plan import AUTHORITIES, DemoPlan, count_units, plan_demo_city
from booking_api.gate.limits import gate_library
from booking_api.plans import tables as plan_tables
from booking_api.plans.authorities import read_lineage, set_settings, settings_history
from booking_api.plans.draft import NewPlan, add_sessions, draft_plan
from booking_api.plans.publishing import publish_plan
from booking_api.rules.settings import PlanRules
from booking_api.settings import Settings
from reservation import Kernel, add_authority, rebuild, tables
from reservation.database import create_engine
from reservation.errors import Busy, Rebuilding, Unavailable
from reservation.transaction import transaction

log = logging.getLogger(__name__)

FOUNDING_LOCK = 0x6764636D
FOUNDING_ATTEMPTS = 5
FOUNDING_PAUSE_S = 0.5
CONNECTIONS = 3
RULES = PlanRules(publish_ahead_days=0)
FIGURES = {
    ("cn-zj", "driving_test"): {
        "plans": {"return_window_s": 0},
        "schools": {"batches": True, "substitutions": True},
    },
    ("cn-zj", "inspection"): {"plans": {"return_window_s": 0}},
    ("cn-zj-nb", "driving_test"): {"plans": {"return_window_s": 600}},
}
"""What the demo's authorities have set: places that are left come back at once, in Ningbo within ten minutes."""


class Founded(NamedTuple):
    """What a founding added; nothing when the city was there."""

    pools: int
    units: int


async def found_demo_city(settings: Settings) -> None:
    """Founds the demo city on the servers of these settings, or finds it there, and opens its pools.

    Raises:
        ValueError: the settings name no servers.
        Unavailable, Busy, Rebuilding: a server did not answer in FOUNDING_ATTEMPTS; a start later continues.
    """
    if settings.database_url is None or settings.valkey_url is None:
        raise ValueError("found_demo_city needs both server URLs")
    kernel = Kernel(
        create_engine(settings.database_url, connections=CONNECTIONS),
        settings.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
    )
    await kernel.open()
    try:
        founded = await found(kernel, founding_day=clock.today())
    finally:
        await kernel.close()
    log.info("demo city: %d pools and %d units added", founded.pools, founded.units)


async def found(kernel: Kernel, *, founding_day: date) -> Founded:
    """Adds the pools that are missing, as of this day in Shanghai, and builds their view in Valkey.

    Raises:
        Unavailable, Busy, Rebuilding: a server did not answer in FOUNDING_ATTEMPTS.
    """
    added: list[DemoPlan] = []
    for attempt in range(1, FOUNDING_ATTEMPTS + 1):
        try:
            await _add_missing(kernel, founding_day, added)
            await _open_pools(kernel)
            break
        except (Busy, Rebuilding, Unavailable):
            # A COMMIT whose answer was lost may have been done: the next attempt looks at what is there.
            if attempt == FOUNDING_ATTEMPTS:
                raise
            await asyncio.sleep(FOUNDING_PAUSE_S)
    return Founded(len(added), count_units(added))


async def demo_pools(kernel: Kernel) -> dict[tuple[str, str, str], int]:
    """(authority, service, rule) -> pool id of every demo pool there is.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    pool = tables.pool
    query = select(pool.c.id, pool.c.authority, pool.c.service, pool.c.rule).where(pool.c.demo)
    async with transaction(kernel.engine) as connection:
        rows = (await connection.execute(query)).all()
    return {(row.authority, row.service, row.rule): row.id for row in rows}


async def _add_missing(kernel: Kernel, founding_day: date, added: list[DemoPlan]) -> None:
    async with transaction(kernel.engine) as alone:
        # The lock lasts as long as this transaction, which is silent while the pools are published beside it.
        await alone.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await alone.execute(text("SET LOCAL lock_timeout = 0"))
        await alone.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FOUNDING_LOCK})
        for authority in AUTHORITIES:
            await add_authority(
                kernel,
                authority_id=authority.id,
                level=authority.level,
                name=authority.name,
                parent=authority.parent,
            )
        await _settle_people_and_figures(kernel, founding_day)
        there = await demo_pools(kernel)
        for plan in plan_demo_city(founding_day):
            if plan.key not in there:
                await publish_demo_plan(kernel, plan, today=founding_day)
                added.append(plan)


async def publish_demo_plan(kernel: Kernel, plan: DemoPlan, *, today: date) -> list[int]:
    """Publishes a plan of the demo's own, at once and however near its sessions are; gives its units.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    session = plan_tables.plan_session.c
    async with transaction(kernel.engine) as connection:
        new = NewPlan(authority=plan.authority, service=plan.service, title=plan.title, source="demo")
        drafted = await draft_plan(connection, new, by=BY)
        await add_sessions(connection, plan_id=drafted.id, rows=plan.sessions)
        published = await publish_plan(
            connection, plan_id=drafted.id, by=BY, rules=RULES, today=today, demo=True
        )
        units = await connection.execute(
            select(session.unit_id).where(session.plan_id == drafted.id).order_by(session.unit_id)
        )
    for effect in published.effects:
        await kernel.tell(effect)
    return list(units.scalars())


async def _settle_people_and_figures(kernel: Kernel, founding_day: date) -> None:
    """The demo's people and its authorities' figures, unless they are there."""
    async with transaction(kernel.engine) as connection:
        await add_demo_people(connection, today=founding_day)
        lineage = await read_lineage(connection)
        for (authority, service), settings in FIGURES.items():
            history = await settings_history(connection, authority=authority, service=service, limit=1)
            if not history:
                above = lineage.up(authority)
                await set_settings(
                    connection, lineage=above, service=service, settings=settings, reason=BY, by=BY
                )


async def _open_pools(kernel: Kernel) -> None:
    for pool_id in (await demo_pools(kernel)).values():
        await rebuild(kernel, pool_id=pool_id, force=False)
