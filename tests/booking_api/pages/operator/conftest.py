"""An office with an operator, and browsers without scripts for them and for others."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from booking_api import clock
from booking_api.plans.draft import NewPlan, add_sessions, draft_plan
from booking_api.plans.publishing import publish_plan
from booking_api.plans.rows import SessionRow
from booking_api.rules.settings import PlanRules
from reservation import Kernel, add_authority
from tests.booking_api.pages.visitors import Visiting, account_row, opened, signed_in

HZ = "/operator/cn-zj-hz"
NAMES = {"cn-zj": ("浙江", "Zhejiang"), "cn-zj-hz": ("杭州", "Hangzhou"), "cn-zj-nb": ("宁波", "Ningbo")}


@pytest.fixture
async def authorities(kernel: Kernel) -> None:
    for authority, (chinese, english) in NAMES.items():
        level, parent = ("province", None) if authority == "cn-zj" else ("city", "cn-zj")
        name = {"zh-CN": chinese, "en": english}
        await add_authority(kernel, authority_id=authority, level=level, name=name, parent=parent)


@pytest.fixture
async def client(settings, token, quick_hashes, authorities):
    async with opened(settings) as client:
        yield client


@pytest.fixture
def browser_of(client, database_url) -> Callable[..., Awaitable[Visiting]]:
    async def make(account: str, *roles: str) -> Visiting:
        await account_row(database_url, account, roles=roles)
        browser = await signed_in(client, database_url, account)
        for role in roles:
            # A page with a form, which has the session's token.
            await browser.get(f"/operator/{role.partition(':')[2]}/people")
        return browser

    return make


@pytest.fixture
async def operator(browser_of) -> Visiting:
    return await browser_of("op", "operator:cn-zj-hz")


def rows(*, day, count: int = 2, capacity: int = 3) -> list[SessionRow]:
    """Sessions of one day, an hour after the other."""
    return [
        SessionRow(
            site="hz-xihu",
            title=f"西湖 {n}",
            title_en=f"Xihu {n}",
            day=day,
            start=f"{8 + n:02}:00",
            end=f"{9 + n:02}:00",
            subject=2,
            vehicle_class="C1",
            capacity=capacity,
        )
        for n in range(count)
    ]


@pytest.fixture
def soon():
    return clock.today() + timedelta(days=12)


@pytest.fixture
def published(kernel: Kernel, authorities, soon):
    """Publishes a plan of an authority; gives its id."""

    async def make(*, authority: str = "cn-zj-hz", capacity: int = 3) -> int:
        async with kernel.engine.begin() as connection:
            new = NewPlan(
                authority=authority, service="driving_test", title={"en": "December"}, source="No. 1"
            )
            plan = await draft_plan(connection, new, by="op")
            await add_sessions(connection, plan_id=plan.id, rows=rows(day=soon, capacity=capacity))
            done = await publish_plan(
                connection, plan_id=plan.id, by="op", rules=PlanRules(), today=clock.today()
            )
        for pool in done.pools:
            await kernel.healer(pool)
        return plan.id

    return make
