"""A small city with the demo's people in it, and browsers without scripts."""

from typing import NamedTuple

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.demo.people import add_people, demo_people
from booking_api.plans.authorities import read_lineage, set_settings
from booking_api.plans.rows import SessionRow
from reservation.transaction import transaction
from tests.apps import app_of
from tests.booking_api.pages.visitors import Shown, signed_in
from tests.booking_api.signing_in.people import open_client
from tests.planning import AUTHORITY, in_days, inspection_row, person, planned, settle
from tests.planning import test_row as row

RIVAL = "rival"
"""Somebody who may sit what `applicant-1` may."""
XIHU = {"site": "hz-xihu", "title": "西湖考场 上午", "title_en": "Xihu site, morning", "district": "西湖区"}
XIAOSHAN = {
    "site": "hz-xiaoshan",
    "title": "萧山考场 下午",
    "title_en": "Xiaoshan site, afternoon",
    "district": "萧山区",
}
SUBJECT_1 = (
    row(**XIHU, day=in_days(2), capacity=3),
    row(**XIAOSHAN, day=in_days(2), start="14:00", end="15:00", capacity=1),
    row(**XIHU, day=in_days(3), vehicle_class="C2", capacity=2),
    row(**XIHU, day=in_days(9), capacity=2),
)
SUBJECT_2: tuple[SessionRow, ...] = tuple(
    row(**XIHU, subject=2, day=in_days(day), capacity=2, priority_capacity=1) for day in (3, 6, 20)
)


class City(NamedTuple):
    """The units of its pools in order of time, and the pools."""

    first: list[int]
    second: list[int]
    inspections: list[int]
    pools: dict[str, int]


@pytest.fixture
async def city(kernel) -> City:
    first = await planned(kernel, SUBJECT_1)
    second = await planned(kernel, SUBJECT_2)
    stations = [inspection_row(title="拱墅检测站 上午", title_en="Gongshu station, morning", capacity=2)]
    inspections = await planned(kernel, stations)
    async with transaction(kernel.engine) as connection:
        await add_people(connection, demo_people(clock.today()), source="demo")
    await settle(kernel, person(RIVAL, number=901))
    return City(first, second, inspections, {pool.rule: pool.id for pool in await kernel.read_pools()})


@pytest.fixture
async def client(settings, token, quick_hashes, city):
    async with open_client(app_of(settings, forgetful=True)) as client:
        yield client


@pytest.fixture
def enter(client, database_url):
    """A browser in which somebody has signed in."""

    async def entered(account: str):
        browser = await signed_in(client, database_url, account)
        # Its forms' token comes with a page that has a form.
        await browser.get("/")
        return browser

    return entered


@pytest.fixture
def holds(city):
    """Somebody holds a unit by pressing its button; gives where they are sent."""

    async def hold(browser, unit: int, *, rule: str = "subject-1", **fields):
        answer = await browser.post("/hold", pool=city.pools[rule], unit=unit, **fields)
        return answer.headers.get("location"), answer

    return hold


@pytest.fixture
def run(kernel):
    """Asks the database."""

    async def ask(statement: str):
        async with kernel.engine.begin() as connection:
            return await connection.execute(text(statement))

    return ask


@pytest.fixture
def set_figures(kernel):
    """Sets what an authority asks of its driving tests."""

    async def change(**eligibility) -> None:
        async with transaction(kernel.engine) as connection:
            above = (await read_lineage(connection)).up(AUTHORITY)
            await set_settings(
                connection,
                lineage=above,
                service="driving_test",
                settings={"eligibility": eligibility},
                reason="test",
                by="test",
            )

    return change


def buttons(shown: Shown) -> list[int]:
    """The units that a page offers to hold."""
    return [int(button["value"]) for button in shown.all("button", name="unit")]
