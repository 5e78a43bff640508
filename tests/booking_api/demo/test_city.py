"""Founding the demo city: once, whole, whatever happened before."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.demo import city as city_module
from booking_api.demo.city import demo_pools, found, found_demo_city
from booking_api.demo.plan import count_units, plan_demo_city
from booking_api.settings import Settings
from reservation import Kernel, free_places, watch
from reservation.database import create_engine
from reservation.errors import Unavailable

FOUNDED = date(2026, 11, 23)
POOLS = 15
UNITS = count_units(plan_demo_city(FOUNDED))


class DiedError(Exception):
    """Nothing in the founding knows this, so it ends there and then."""


async def stock(kernel: Kernel) -> dict[tuple[str, str, str], int]:
    """How many units each pool has; two pools of one key would show as twice the units."""
    query = text(
        "SELECT p.authority, p.service, p.rule, p.demo, count(u.id) AS units FROM pool p "
        "LEFT JOIN unit u ON u.pool_id = p.id GROUP BY p.authority, p.service, p.rule, p.demo"
    )
    async with kernel.engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    assert all(row.demo for row in rows)
    return {(row.authority, row.service, row.rule): row.units for row in rows}


PLANNED = {plan.key: count_units([plan]) for plan in plan_demo_city(FOUNDED)}


async def test_an_empty_platform_gets_the_whole_city(kernel):
    assert await found(kernel, founding_day=FOUNDED) == (POOLS, UNITS)
    assert await stock(kernel) == PLANNED


async def test_founding_again_adds_nothing_even_on_another_day(kernel):
    await found(kernel, founding_day=FOUNDED)
    assert await found(kernel, founding_day=date(2026, 12, 24)) == (0, 0)
    assert await stock(kernel) == PLANNED


async def test_a_founding_that_died_half_way_is_completed(kernel, monkeypatch):
    """A crash leaves whole pools or none of a pool; the next start adds those that are missing."""
    publish, published = city_module.publish_demo_plan, []

    async def dies(kernel, plan, *, today):
        if len(published) == 4:
            raise DiedError
        await publish(kernel, plan, today=today)
        published.append(plan.key)

    monkeypatch.setattr(city_module, "publish_demo_plan", dies)
    with pytest.raises(DiedError):
        await found(kernel, founding_day=FOUNDED)
    assert set(await stock(kernel)) == set(published)

    monkeypatch.setattr(city_module, "publish_demo_plan", publish)
    assert (await found(kernel, founding_day=FOUNDED)).pools == POOLS - 4
    assert await stock(kernel) == PLANNED


async def test_a_pool_whose_commit_was_done_but_not_acknowledged_is_not_made_twice(kernel, monkeypatch):
    publish, lost = city_module.publish_demo_plan, []

    async def loses_one_answer(kernel, plan, *, today):
        await publish(kernel, plan, today=today)
        if not lost:
            lost.append(plan.key)
            raise Unavailable(part="postgresql")

    monkeypatch.setattr(city_module, "publish_demo_plan", loses_one_answer)
    monkeypatch.setattr(city_module, "FOUNDING_PAUSE_S", 0.01)
    await found(kernel, founding_day=FOUNDED)
    assert lost
    assert await stock(kernel) == PLANNED


async def test_a_server_that_never_answers_is_told_after_a_few_attempts(kernel, monkeypatch):
    attempts = []

    async def fails(*_, today):
        attempts.append(1)
        raise Unavailable(part="postgresql")

    monkeypatch.setattr(city_module, "publish_demo_plan", fails)
    monkeypatch.setattr(city_module, "FOUNDING_PAUSE_S", 0.01)
    with pytest.raises(Unavailable):
        await found(kernel, founding_day=FOUNDED)
    assert len(attempts) == city_module.FOUNDING_ATTEMPTS


async def test_two_founders_at_once_found_one_city(kernel, database_url, valkey_url):
    second = Kernel(create_engine(database_url), valkey_url, clock=clock.now_ms)
    watch(second)
    await second.open()
    try:
        founded = await asyncio.gather(
            found(kernel, founding_day=FOUNDED), found(second, founding_day=FOUNDED)
        )
    finally:
        await second.close()
    assert sorted(founded) == [(0, 0), (POOLS, UNITS)]
    assert await stock(kernel) == PLANNED


async def test_the_pools_are_open_when_the_founding_is_over(kernel):
    """A visitor's first page shows live counts, not a rebuild on its way."""
    await found(kernel, founding_day=FOUNDED)
    for pool in (await demo_pools(kernel)).values():
        async with kernel.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT id, capacity FROM unit WHERE pool_id = :p"), {"p": pool}
            )
            sizes = {row.id: row.capacity for row in rows}
        free = await free_places(kernel, pool_id=pool, units=list(sizes))
        assert free == list(sizes.values())


async def test_a_start_founds_the_city_on_the_servers_of_its_settings(kernel, database_url, valkey_url):
    settings = Settings(database_url=database_url, valkey_url=valkey_url)
    await found_demo_city(settings)
    await found_demo_city(settings)
    assert await stock(kernel) == PLANNED


async def test_settings_without_servers_are_refused():
    with pytest.raises(ValueError, match="server URLs"):
        await found_demo_city(Settings())
