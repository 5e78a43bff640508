"""One group commit: who wins, in which order, and what a loser leaves (nothing)."""

import pytest

from reservation import Booking, sweep
from reservation.claim_id import new_claim_id
from reservation.commit_batch import EpochEnded, Order, commit_batch, recall
from reservation.errors import AlreadyBooked, AlreadyConfirmed, Full, HoldLost, KeyReused


@pytest.fixture
async def orders_of(kernel, sql):
    """Orders as `confirm` hands them over once their claims are marked, arriving in this order."""

    async def make(pool_id, *wishes):
        [row] = await sql(kernel, "SELECT epoch FROM pool WHERE id = :pool", pool=pool_id)
        return [
            Order(
                claim_id=new_claim_id(pool=pool_id, now_ms=kernel.clock()),
                unit=unit,
                claimant=f"person:{name}",
                owner=name,
                key=f"key-{name}",
                epoch=row.epoch,
            )
            for name, unit in wishes
        ]

    yield make
    # These claims were never in Valkey: the replay of their effects puts them there.
    await sweep(kernel, effect_patience_s=0)


async def test_a_batch_of_256_is_one_transaction(kernel, city, orders_of, sql):
    pool, units = await city(capacities=(128, 128))
    orders = await orders_of(pool, *((f"p{n}", units[n % 2]) for n in range(256)))
    committed = await commit_batch(kernel.engine, await kernel.pool(pool), orders, settled=[])
    assert [outcome.id for outcome in committed.outcomes] == [order.claim_id for order in orders]
    for table in ("booking", "entry", "active_claim", "idempotency", "hold_verdict", "effect"):
        [row] = await sql(
            kernel,
            f"SELECT count(DISTINCT xmin::text) AS transactions FROM {table} "
            "WHERE xmin::text IN (SELECT xmin::text FROM booking)",
        )
        assert row.transactions == 1, table


async def test_places_are_given_in_arrival_order_when_room_is_short(kernel, city, orders_of):
    """Not in the order of claim ids or claimants: rows are sorted for locking, places are not."""
    pool, [scarce, ample] = await city(capacities=(3, 9))
    names = ["z", "a", "y", "b", "x", "c", "w"]
    orders = await orders_of(
        pool, *((name, scarce) for name in names), *((f"{name}2", ample) for name in names)
    )
    orders = [order._replace(claim_id=claim) for order, claim in _reversed_ids(orders)]
    committed = await commit_batch(kernel.engine, await kernel.pool(pool), orders, settled=[])
    seated = [isinstance(outcome, Booking) for outcome in committed.outcomes]
    assert seated == [True] * 3 + [False] * 4 + [True] * 7
    assert [type(outcome) for outcome in committed.outcomes[3:7]] == [Full] * 4
    assert committed.outcomes[3].facts == {"unit": scarce}


def _reversed_ids(orders):
    return zip(orders, sorted((order.claim_id for order in orders), reverse=True), strict=True)


async def test_a_loser_leaves_nothing_behind(kernel, city, orders_of, sql):
    pool, [unit] = await city(capacities=(1,))
    winner, loser = await orders_of(pool, ("a", unit), ("b", unit))
    await commit_batch(kernel.engine, await kernel.pool(pool), [winner, loser], settled=[])
    for table, column in (
        ("hold_verdict", "hold_id"),
        ("idempotency", "claim_id"),
        ("active_claim", "claim_id"),
    ):
        rows = await sql(kernel, f"SELECT {column}::text AS claim FROM {table}")
        assert [row.claim for row in rows] == [winner.claim_id], table


async def test_a_place_that_a_loser_does_not_take_goes_to_the_next(kernel, city, orders_of):
    """The second order loses by its key, so the third gets the place."""
    pool, [unit] = await city(capacities=(2,))
    first, second, third = await orders_of(pool, ("a", unit), ("a2", unit), ("b", unit))
    second = second._replace(owner=first.owner, key=first.key)
    committed = await commit_batch(kernel.engine, await kernel.pool(pool), [first, second, third], settled=[])
    assert [type(outcome) for outcome in committed.outcomes] == [Booking, KeyReused, Booking]


async def test_two_claims_of_one_claimant_in_a_batch_give_one_booking(kernel, city, orders_of):
    pool, [unit] = await city(capacities=(2,))
    first, second = await orders_of(pool, ("a", unit), ("a", unit))
    second = second._replace(key="another")
    committed = await commit_batch(kernel.engine, await kernel.pool(pool), [first, second], settled=[])
    assert sorted(type(outcome).__name__ for outcome in committed.outcomes) == ["AlreadyBooked", "Booking"]


async def test_each_refusal_has_its_reason(kernel, city, orders_of, sql):
    pool, [unit, full] = await city(capacities=(5, 0))
    booked, abandoned, again, keyed, late, crowded = await orders_of(
        pool, ("a", unit), ("b", unit), ("a", unit), ("a", unit), ("c", unit), ("d", full)
    )
    about = await kernel.pool(pool)
    await commit_batch(kernel.engine, about, [booked], settled=[])
    await sql(
        kernel, "INSERT INTO hold_verdict VALUES (CAST(:id AS uuid), 'abandoned')", id=abandoned.claim_id
    )
    [other_key] = (
        await commit_batch(kernel.engine, about, [booked._replace(key="other")], settled=[])
    ).outcomes
    assert isinstance(other_key, AlreadyConfirmed)
    orders = [
        booked,
        abandoned,
        again._replace(key="k2"),
        keyed,
        late._replace(unit=unit + 99),
        crowded,
    ]
    committed = await commit_batch(kernel.engine, about, orders, settled=[])
    assert [type(outcome) for outcome in committed.outcomes] == [
        Booking,
        HoldLost,
        AlreadyBooked,
        KeyReused,
        Full,
        Full,
    ]
    assert committed.outcomes[0].created_at is not None
    assert committed.effect_id is None
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1


async def test_an_ended_epoch_changes_nothing(kernel, city, orders_of, sql):
    pool, [unit] = await city()
    [order] = await orders_of(pool, ("a", unit))
    with pytest.raises(EpochEnded) as ended:
        await commit_batch(
            kernel.engine, await kernel.pool(pool), [order._replace(epoch=order.epoch - 1)], settled=[]
        )
    assert ended.value.epoch == order.epoch
    for table in ("booking", "hold_verdict", "active_claim", "idempotency", "effect"):
        assert await sql(kernel, f"SELECT 1 FROM {table}") == [], table


async def test_effects_that_valkey_has_acknowledged_are_deleted_with_the_batch(kernel, city, orders_of, sql):
    pool, [unit] = await city()
    first, second = await orders_of(pool, ("a", unit), ("b", unit))
    about = await kernel.pool(pool)
    told = (await commit_batch(kernel.engine, about, [first], settled=[])).effect_id
    assert await kernel.call(pool, "apply", "take", first.claim_id, str(unit)) == [b"applied"]
    kept = (await commit_batch(kernel.engine, about, [second], settled=[told])).effect_id
    assert [row.id for row in await sql(kernel, "SELECT id FROM effect")] == [kept]


async def test_one_effect_row_tells_of_all_bookings_of_the_batch(kernel, city, orders_of, sql):
    pool, [one, two] = await city(capacities=(1, 1))
    orders = await orders_of(pool, ("a", one), ("b", two), ("c", two))
    await commit_batch(kernel.engine, await kernel.pool(pool), orders, settled=[])
    [row] = await sql(kernel, "SELECT changes, epoch FROM effect")
    assert row.changes == ["take", orders[0].claim_id, str(one), "take", orders[1].claim_id, str(two)]
    assert row.epoch == orders[0].epoch


async def test_every_booking_hides_its_person_behind_a_salt_of_its_own(kernel, city, orders_of, sql):
    pool, [unit] = await city()
    orders = await orders_of(pool, ("a", unit), ("b", unit))
    await commit_batch(kernel.engine, await kernel.pool(pool), orders, settled=[])
    rows = await sql(
        kernel,
        """
        SELECT e.commitment, sha256('gongdao/claimant/v1' || E'\\n'::bytea || b.salt || b.claimant::bytea) AS again
        FROM entry e JOIN booking b ON b.id = e.claim_id
        """,
    )
    assert len({row.commitment for row in rows}) == 2
    assert all(row.commitment == row.again for row in rows)


async def test_recall_knows_nothing_of_an_order_that_never_came(kernel, city, orders_of):
    pool, [unit] = await city()
    [order] = await orders_of(pool, ("a", unit))
    async with kernel.engine.connect() as connection:
        assert await recall(connection, [order]) == [None]
