"""The fence: data of another epoch or server process is never used, and the pool heals by itself."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from booking_api.embedded.valkey import ValkeyServer
from reservation import audit, confirm, free_places, rebuild, sweep, watch
from reservation.errors import HoldLost, Rebuilding, ReservationError, Unavailable
from reservation.keys import fence_key

HEALING = (Rebuilding, Unavailable)


@pytest.fixture
def hold_soon(hold_as, eventually):
    """Holds as a patient client does: repeats what it is told to repeat."""

    async def act(kernel, name, pool, unit):
        async def attempt():
            try:
                return await hold_as(kernel, name, pool, unit)
            except HEALING as error:
                return error

        return await eventually(attempt, lambda answer: not isinstance(answer, ReservationError))

    return act


async def test_an_emptied_valkey_heals_by_itself(kernel, *, city, book_as, hold_as, hold_soon, valkey):
    pool, [unit] = await city(capacities=(2,))
    await book_as(kernel, "a", pool, unit)
    lost = await hold_as(kernel, "b", pool, unit)
    await kernel.committer.drain()
    await valkey.flushall()
    with pytest.raises(Rebuilding):
        await hold_as(kernel, "c", pool, unit)
    assert (await hold_soon(kernel, "c", pool, unit)).units == (unit,)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=lost.id, owner="b", key="k")


async def test_flushed_functions_are_loaded_again(kernel, city, book_as, hold_soon, valkey):
    pool, [unit] = await city(capacities=(2,))
    booking = await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    await valkey.execute_command("FUNCTION", "FLUSH")
    assert (await hold_soon(kernel, "b", pool, unit)).units == (unit,)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    assert booking.unit == unit


async def test_a_view_of_another_server_process_is_not_used(kernel, city, hold_as, hold_soon, valkey):
    """A replica that was promoted has the data, and the old process's run id in the fence."""
    pool, [unit] = await city(capacities=(1,))
    lost = await hold_as(kernel, "a", pool, unit)
    epoch = (await valkey.get(fence_key(pool))).partition(":")[0]
    await valkey.set(fence_key(pool), f"{epoch}:{'0' * 40}")
    with pytest.raises(Rebuilding):
        await hold_as(kernel, "b", pool, unit)
    assert (await hold_soon(kernel, "b", pool, unit)).id != lost.id


async def test_a_call_with_an_old_epochs_token_finds_the_new_one(kernel, city, hold_as, kernels):
    pool, [unit] = await city(capacities=(2,))
    other = await kernels()
    await hold_as(other, "a", pool, unit)
    from_before = dict(other._tokens)
    assert await rebuild(kernel, pool_id=pool) is not None
    await hold_as(other, "b", pool, unit)
    assert other._tokens != from_before
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_without_a_healer_calls_are_refused_and_nothing_is_done(kernel, city, hold_as, kernels, valkey):
    pool, [unit] = await city()
    other = await kernels(healing=False)
    await valkey.delete(fence_key(pool))
    for _ in range(3):
        with pytest.raises(Rebuilding):
            await hold_as(other, "a", pool, unit)
    assert await valkey.exists(fence_key(pool)) == 0
    watch(other)
    await sweep(other)
    assert (await hold_as(other, "a", pool, unit)).units == (unit,)


@pytest.mark.parametrize("how", ["RESTART", "CRASH-AND-RECOVER"])
async def test_a_restarted_server_heals_by_itself(
    database_url, *, tmp_path, kernels, city_of, book_as, hold_as, how, hold_soon
):
    """Its append-only file brought the data back as of a moment nobody can tell: it is not used."""
    server = ValkeyServer(tmp_path, config={"enable-debug-command": "local"})
    server.start()
    server.wait_ready()
    try:
        kernel = await kernels(url=server.url)
        pool, [unit] = await city_of(kernel, capacities=(2,))
        await book_as(kernel, "a", pool, unit)
        lost = await hold_as(kernel, "b", pool, unit)
        await kernel.committer.drain()
        before = kernel.valkey.lane(fence_key(pool)).run_id
        async with Redis.from_url(server.url) as client:
            with pytest.raises(RedisError):
                await client.execute_command("DEBUG", how)
        assert (await hold_soon(kernel, "c", pool, unit)).id != lost.id
        assert kernel.valkey.lane(fence_key(pool)).run_id != before
        assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
        assert await audit(kernel) == []
        await kernel.close()
    finally:
        server.stop()
