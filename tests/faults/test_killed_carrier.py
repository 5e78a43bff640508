"""A worker that carries a school's batch is killed (SIGKILL) after every step; another one goes on from the rows."""

import pytest

from reservation.errors import ReservationError
from tests.faults.drivers import Driver
from tests.faults.worlds import World, check_world, settle
from tests.schooling import Town, worker

pytestmark = [pytest.mark.fault, pytest.mark.slow]


def telling(steps: list[str]) -> list[tuple[int, str]]:
    """The steps after which something is different outside, and the last one before each COMMIT.

    Killed after any other statement, a worker leaves what it leaves before that COMMIT: a transaction that is undone.
    """
    valkey = ("FCALL", "SET", "GET")
    return [
        (at, step)
        for at, step in enumerate(steps[:-1])
        if step == "COMMIT" or steps[at + 1] == "COMMIT" or step.startswith(valkey)
    ]


async def send(town: Town, units: list[int], *, mode: str, key: str) -> int:
    """Two rows, the first of which finds its first session sold out."""
    learners = await town.enrol(2)
    asked = [(learners[0].number, units), (learners[1].number, units[1:])]
    return (await town.send(asked, mode=mode, key=key)).id


async def carry_on(town: Town) -> None:
    """What the next worker does once the lease of the dead one has ended."""
    await town.ask("UPDATE school_batch SET leased_until = now() WHERE ended_at IS NULL")
    for _ in range(3):
        try:
            await town.carry()
        except ReservationError:
            # A mark of the dead worker is in the way: the sweeper ends it, as it would after its patience.
            await settle(town.kernel)
            await town.ask("UPDATE school_batch SET leased_until = now() WHERE ended_at IS NULL")
        else:
            return


async def booked_once(town: Town, batch: int) -> list[str]:
    """What is wrong with a batch whose two rows ought to be booked, each once."""
    done, rows = await town.told(batch)
    complaints = [] if (done.state, done.rows["booked"]) == ("done", 2) else [f"{done} {rows}"]
    for row in rows:
        had = await town.ask(
            "SELECT id::text, state FROM booking WHERE owner = :o ORDER BY id", o=row.account
        )
        if [(one.id, one.state) for one in had] != [(row.booking, "booked")]:
            complaints.append(f"row {row.number} has {had}")
    return complaints


@pytest.mark.parametrize("mode", ["best_effort", "all_or_nothing"])
async def test_another_worker_finishes_the_batch_of_a_killed_one(
    world: World, driver: Driver, tmp_path, mode
):
    async with worker(tmp_path, world.database_url, world.valkey_url) as parts:
        town = Town(parts)
        await town.found(session_share=1.0)
        full, unit = await town.publish(1, 1_000)
        [first] = await town.enrol(1)
        await town.send([(first.number, [full])], key="first")
        await town.carry()
        batch = await send(town, [full, unit], mode=mode, key="dry")
        dry = await driver.run("carry_batch", {})
        assert not dry.killed
        assert await booked_once(town, batch) == []
        wrong: list[tuple[str, list[str]]] = []
        for at, step in telling(dry.steps):
            batch = await send(town, [full, unit], mode=mode, key=str(at))
            fate = await driver.run("carry_batch", {}, at=(at,), late=True)
            assert fate.killed, (at, step, fate)
            await carry_on(town)
            if complaints := await booked_once(town, batch):
                wrong.append((f"after {at} {step}", complaints))
        assert wrong == []
        assert await town.seats(unit) == 2 * (len(telling(dry.steps)) + 1)
        await check_world(parts.kernel, hold_ttl_s=0)
        print(
            f"\n{mode}: killed after {len(telling(dry.steps))} of {len(dry.steps)} steps, finished by another worker"
        )


async def test_an_undoing_that_is_killed_is_finished_by_another_worker(
    world: World, driver: Driver, tmp_path
):
    async with worker(tmp_path, world.database_url, world.valkey_url) as parts:
        town = Town(parts)
        await town.found(session_share=1.0)
        full, unit = await town.publish(1, 10)
        [first] = await town.enrol(1)
        await town.send([(first.number, [full])], key="first")
        await town.carry()

        async def doomed(key: str) -> int:
            """The second row finds no place, so the first one is given up."""
            one, two = await town.enrol(2)
            rows = [(one.number, [unit]), (two.number, [full])]
            return (await town.send(rows, mode="all_or_nothing", key=key)).id

        batch = await doomed("dry")
        dry = await driver.run("carry_batch", {})
        assert (await town.told(batch))[0].state == "refused"
        for at, step in telling(dry.steps):
            batch = await doomed(str(at))
            assert (await driver.run("carry_batch", {}, at=(at,), late=True)).killed
            await carry_on(town)
            done, rows = await town.told(batch)
            assert (done.state, [row.state for row in rows]) == ("refused", ["released", "refused"]), step
        assert await town.seats(unit) == 0
        [left] = await town.ask("SELECT booked, promised FROM unit WHERE id = :u", u=unit)
        assert tuple(left) == (0, 0)
        await check_world(parts.kernel, hold_ttl_s=0)
        print(
            f"\nundone: killed after {len(telling(dry.steps))} of {len(dry.steps)} steps, finished by another worker"
        )
