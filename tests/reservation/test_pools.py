"""Publishing pools and units, and reading them."""

import pytest
from redis.exceptions import ResponseError

from reservation import (
    NewUnit,
    UnitKind,
    add_authority,
    add_units,
    free_places,
    publish_pool,
    publish_unit,
    units_of,
)
from reservation.errors import Unavailable, UnknownPool
from reservation.keys import fence_key
from reservation.model import ClaimantKind


def session(capacity, **about):
    return NewUnit(kind=UnitKind.SESSION, title={"en": "morning"}, capacity=capacity, **about)


async def publish(kernel, *units, **about):
    await add_authority(kernel, authority_id="cn-hz", level="city", name={"en": "Hangzhou"})
    return await publish_pool(
        kernel,
        authority="cn-hz",
        service="driving_test",
        rule="subject-2",
        title={"en": "Subject 2"},
        hold_ttl_s=60,
        units=units,
        **about,
    )


async def test_a_published_pool_opens_by_itself(kernel, eventually):
    pool = await publish(kernel, session(3))
    [unit] = await units_of(kernel, pool_id=pool, limit=9)
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit.id]), lambda free: free == [3])


async def test_every_published_unit_is_an_entry_in_the_log(kernel, sql, eventually):
    pool = await publish(kernel, session(3), session(5))
    added = await publish_unit(kernel, pool_id=pool, new=session(7))
    entries = await sql(kernel, "SELECT kind, pool_id, delta, operator, commitment FROM entry ORDER BY id")
    assert [tuple(row) for row in entries] == [
        ("publish", pool, capacity, "cn-hz", None) for capacity in (3, 5, 7)
    ]
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[added]), lambda free: free == [7])


async def test_more_units_than_one_statement_takes_are_published_in_one_transaction(
    kernel, sql, monkeypatch, eventually
):
    monkeypatch.setitem(add_units.__globals__, "UNITS_PER_STATEMENT", 10)
    pool = await publish(kernel, *(session(n) for n in range(25)))
    rows = await sql(
        kernel, "SELECT capacity, xmin::text AS x FROM unit WHERE pool_id = :p ORDER BY id", p=pool
    )
    assert [row.capacity for row in rows] == list(range(25))
    assert len({row.x for row in rows}) == 1
    units = [unit.id for unit in await units_of(kernel, pool_id=pool, limit=99)]
    await eventually(
        lambda: free_places(kernel, pool_id=pool, units=units), lambda free: free == list(range(25))
    )


async def test_an_authority_added_twice_is_there_once(kernel, sql):
    for name in ("Hangzhou", "Somewhere else"):
        await add_authority(kernel, authority_id="cn-hz", level="city", name={"en": name})
    assert [row.name for row in await sql(kernel, "SELECT name FROM authority")] == [{"en": "Hangzhou"}]


async def test_what_breaks_a_rule_of_the_table_publishes_nothing(kernel, sql):
    """A plate is one: two of the same number are refused, and so is the whole pool."""
    with pytest.raises(Unavailable):
        await publish(kernel, session(1), NewUnit(kind=UnitKind.ITEM, title={}, capacity=2))
    assert await sql(kernel, "SELECT 1 FROM pool") == []
    assert await sql(kernel, "SELECT 1 FROM entry") == []


async def test_a_unit_needs_its_pool(kernel):
    with pytest.raises(UnknownPool):
        await publish_unit(kernel, pool_id=404, new=session(1))
    with pytest.raises(UnknownPool):
        await units_of(kernel, pool_id=404, limit=1)


async def test_units_are_read_in_pages_with_live_counts(kernel, city, hold_as, book_as):
    pool, units = await city(capacities=(3, 2, 1))
    await book_as(kernel, "a", pool, units[0])
    await hold_as(kernel, "b", pool, units[0])
    first = await units_of(kernel, pool_id=pool, limit=2)
    rest = await units_of(kernel, pool_id=pool, after=first[-1].id, limit=2)
    assert [unit.id for unit in (*first, *rest)] == units
    assert (first[0].capacity, first[0].booked, first[0].promised, first[0].free) == (3, 1, 0, 1)
    assert await units_of(kernel, pool_id=pool, after=units[-1], limit=2) == []


async def test_units_are_shown_when_valkey_is_down(kernel, city, kernels):
    pool, units = await city(capacities=(3, 2))
    cut_off = await kernels(healing=False)
    await cut_off.pool(pool)
    await cut_off.valkey.lane(fence_key(pool)).close()
    shown = await units_of(cut_off, pool_id=pool, limit=9)
    assert [(unit.capacity, unit.free) for unit in shown] == [(3, None), (2, None)]
    assert [unit.id for unit in shown] == units


async def test_a_pool_keeps_what_it_was_published_with(kernel):
    pool = await publish(kernel, claimant_kind=ClaimantKind.VEHICLE, demo=True)
    known = await kernel.pool(pool)
    assert (known.authority, known.service, known.rule) == ("cn-hz", "driving_test", "subject-2")
    assert (known.claimant_kind, known.demo, known.hold_ttl_s, known.state) == ("vehicle", True, 60, "open")


async def test_a_wrong_command_is_our_bug_and_not_dressed_as_an_outage(kernel, valkey):
    await valkey.set(fence_key(1), "1:x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await kernel.valkey.lane(fence_key(1)).command("HGETALL", fence_key(1))
