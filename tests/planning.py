"""Planned sessions and people for tests: what an operator would publish, and whom the registers would know."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from booking_api import clock
from booking_api.demo.people import DemoPerson, add_people
from booking_api.plans.draft import NewPlan, add_sessions, draft_plan
from booking_api.plans.publishing import publish_plan
from booking_api.plans.rows import SessionRow
from booking_api.plans.tables import plan_session
from booking_api.rules import Outcome
from booking_api.rules.settings import PlanRules
from reservation import Kernel, add_authority, rebuild
from reservation.transaction import transaction

AUTHORITY = "cn-zj-hz"
IN_DAYS = 20


def in_days(days: int) -> date:
    return clock.today() + timedelta(days=days)


def test_row(**changed) -> SessionRow:
    about = {"site": "hz-xihu", "title": "Xihu", "day": in_days(IN_DAYS), "start": "09:00", "end": "11:00"}
    return SessionRow(**about | {"subject": 1, "vehicle_class": "C1", "capacity": 3} | changed)


test_row.__test__ = False


def inspection_row(**changed) -> SessionRow:
    about = {"site": "hz-station", "title": "Station", "day": in_days(3), "start": "09:00", "end": "10:00"}
    return SessionRow(**about | {"capacity": 3} | changed)


async def authorities(kernel: Kernel) -> None:
    """A ministry, a province, two cities of it, and a city of another province."""
    lines = (
        ("cn", None),
        ("cn-zj", "cn"),
        ("cn-zj-hz", "cn-zj"),
        ("cn-zj-nb", "cn-zj"),
        ("cn-gd", "cn"),
        ("cn-gd-gz", "cn-gd"),
    )
    for name, parent in lines:
        level = ("ministry", "province", "city")[name.count("-")]
        await add_authority(kernel, authority_id=name, level=level, name={"en": name}, parent=parent)


async def planned(
    kernel: Kernel,
    rows: Sequence[SessionRow],
    *,
    authority: str = AUTHORITY,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    demo: bool = False,
) -> list[int]:
    """Publishes a plan of these sessions; gives its units once they can be held."""
    await authorities(kernel)
    service = "driving_test" if rows[0].subject is not None else "inspection"
    new = NewPlan(
        authority=authority,
        service=service,
        title={"en": "P"},
        source="s",
        opens_at=opens_at,
        closes_at=closes_at,
    )
    async with transaction(kernel.engine) as connection:
        plan = await draft_plan(connection, new, by="op")
        await add_sessions(connection, plan_id=plan.id, rows=rows)
        published = await publish_plan(
            connection,
            plan_id=plan.id,
            by="op",
            rules=PlanRules(publish_ahead_days=0),
            today=clock.today(),
            demo=demo,
        )
        query = select(plan_session.c.unit_id).where(plan_session.c.plan_id == plan.id)
        units = list((await connection.execute(query.order_by(plan_session.c.id))).scalars())
    for effect in published.effects:
        await kernel.tell(effect)
    await asyncio.gather(*kernel._background)
    for pool in published.pools:
        # A rebuild that heals meanwhile may have looked before this plan was there; whoever comes second is told None.
        while await rebuild(kernel, pool_id=pool) is None:
            await asyncio.sleep(0.01)
    return units


def person(
    account: str = "a", *passed: int, number: int = 1, certificate_days: int = 100, **changed
) -> DemoPerson:
    """A verified learner of C1 since so many days, who has passed these subjects."""
    issued = in_days(-certificate_days)
    sittings = [(subject, in_days(-30), Outcome.PASSED) for subject in passed]
    about = {"name": "N", "issued": issued, "last_day": issued + timedelta(days=1095), "sittings": sittings}
    return DemoPerson(account=account, number=number, **about | changed)


async def settle(kernel: Kernel, *people: DemoPerson) -> None:
    """Makes these people known to the registers and gives them verified accounts."""
    async with transaction(kernel.engine) as connection:
        await add_people(connection, people, source="test")
