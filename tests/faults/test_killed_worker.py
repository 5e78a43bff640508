"""A worker is killed (SIGKILL) at every step outside its process, before the step and after it was done unheard.

The steps are found by a dry run of the same act. What is left is repeated by another worker with the same key, or never
repeated and swept up.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from reservation import Kernel, sweep
from tests.faults.acts import Refused, act
from tests.faults.driver import Fate
from tests.faults.worlds import check_world, make_city, read_rows

pytestmark = [pytest.mark.fault, pytest.mark.slow]

SHORT_HOLD_S = 4
LONG_HOLD_S = 300
UNTIL = "2100-01-01T00:00:00+00:00"


class Scene(NamedTuple):
    """What is asked of the worker that will be killed, and the question whether it came to pass."""

    act: str
    given: dict[str, Any]
    done: str


async def to_hold(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=hold_ttl_s)
    name = f"person-{city.pool}"
    given = {"pool_id": city.pool, "units": city.units, "claimant": f"person:{name}", "owner": name}
    return Scene("hold", given, "SELECT 1 WHERE false")


async def to_release(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_hold(kernel, hold_ttl_s=hold_ttl_s)
    held = await act(kernel, "hold", first.given)
    return Scene("release", {"claim_id": held["id"], "owner": first.given["owner"]}, "SELECT 1 WHERE false")


async def to_confirm(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_hold(kernel, hold_ttl_s=hold_ttl_s)
    held = await act(kernel, "hold", first.given)
    given = {"claim_id": held["id"], "owner": first.given["owner"], "key": "key"}
    return Scene("confirm", given, f"SELECT 1 FROM booking WHERE id = '{held['id']}'")


async def to_confirm_one_of_a_set(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    city = await make_city(kernel, capacities=(1, 2, 1), hold_ttl_s=hold_ttl_s)
    name = f"person-{city.pool}"
    held = await act(
        kernel,
        "hold",
        {"pool_id": city.pool, "units": city.units, "claimant": f"person:{name}", "owner": name},
    )
    given = {"claim_id": held["id"], "owner": name, "key": "key", "unit": city.units[1]}
    done = f"SELECT 1 FROM booking WHERE id = '{held['id']}' AND unit_id = {city.units[1]}"
    return Scene("confirm", given, done)


async def to_cancel(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_confirm(kernel, hold_ttl_s=hold_ttl_s)
    booked = await act(kernel, "confirm", first.given)
    given = {"booking_id": booked["id"], "owner": first.given["owner"]}
    return Scene(
        "cancel", given, f"SELECT 1 FROM booking WHERE id = '{booked['id']}' AND state = 'cancelled'"
    )


async def _to_move(kernel: Kernel, pools: int, hold_ttl_s: int) -> Scene:
    cities = [await make_city(kernel, capacities=(1, 1), hold_ttl_s=hold_ttl_s) for _ in range(pools)]
    name = f"person-{cities[0].pool}"
    person = {"claimant": f"person:{name}", "owner": name}
    old = await act(kernel, "hold", {"pool_id": cities[0].pool, "units": cities[0].units[:1], **person})
    await act(kernel, "confirm", {"claim_id": old["id"], "owner": name, "key": "key"})
    new = await act(kernel, "hold", {"pool_id": cities[-1].pool, "units": cities[-1].units[1:], **person})
    done = f"""
        SELECT 1 FROM booking o JOIN booking n ON n.id = o.moved_to
        WHERE o.id = '{old["id"]}' AND o.state = 'moved' AND n.id = '{new["id"]}' AND n.state = 'booked'
    """
    return Scene("reschedule", {"booking_id": old["id"], "hold_id": new["id"], "owner": name}, done)


async def to_reschedule(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    return await _to_move(kernel, 1, hold_ttl_s)


async def to_reschedule_to_another_pool(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    return await _to_move(kernel, 2, hold_ttl_s)


async def to_promise(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_hold(kernel, hold_ttl_s=hold_ttl_s)
    held = await act(kernel, "hold", first.given)
    given = {"hold_id": held["id"], "owner": first.given["owner"], "until": UNTIL}
    return Scene("promise", given, f"SELECT 1 FROM promise WHERE id = '{held['id']}'")


async def to_confirm_a_promise(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_promise(kernel, hold_ttl_s=hold_ttl_s)
    promised = await act(kernel, "promise", first.given)
    given = {"promise_id": promised["id"], "owner": first.given["owner"]}
    return Scene("confirm_promise", given, f"SELECT 1 FROM booking WHERE id = '{promised['id']}'")


async def to_withdraw(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
    first = await to_confirm_a_promise(kernel, hold_ttl_s=hold_ttl_s)
    promise = first.given["promise_id"]
    done = f"SELECT 1 FROM promise WHERE id = '{promise}' AND state = 'withdrawn'"
    return Scene("withdraw", first.given, done)


Preparing = Callable[..., Awaitable[Scene]]
FLEETING: list[Preparing] = [to_hold, to_release]
LASTING: list[Preparing] = [
    to_confirm,
    to_confirm_one_of_a_set,
    to_cancel,
    to_reschedule,
    to_reschedule_to_another_pool,
    to_promise,
    to_confirm_a_promise,
    to_withdraw,
]


class Killed(NamedTuple):
    """One case: the scene, where its worker was killed, and what the client had heard by then."""

    scene: Scene
    step: str
    committed: bool
    fate: Fate


async def kill_everywhere(
    kernel: Kernel,
    driver: Any,
    prepare: Preparing,
    *,
    hold_ttl_s: int,
    after_each: Callable[[Killed], Awaitable[None]] | None = None,
) -> list[Killed]:
    """Kills a worker at every step of a scene of its own, early and late; the first case is the one left alone."""
    scene = await prepare(kernel, hold_ttl_s=hold_ttl_s)
    dry = await driver.run(scene.act, scene.given)
    assert not dry.killed
    assert len(dry.steps) > 1, dry
    commit = max((n for n, step in enumerate(dry.steps) if step == "COMMIT"), default=None)
    cases = [Killed(scene, "nowhere", committed=commit is not None, fate=dry)]
    if after_each is not None:
        await after_each(cases[0])
    for at, step in enumerate(dry.steps):
        for late in (False, True):
            scene = await prepare(kernel, hold_ttl_s=hold_ttl_s)
            fate = await driver.run(scene.act, scene.given, at=(at,), late=late)
            where = f"{'after' if late else 'before'} {at} {step}"
            assert fate.killed, f"not killed {where}: {fate}"
            committed = commit is not None and (at > commit or (at == commit and late))
            cases.append(Killed(scene, where, committed, fate))
            if after_each is not None:
                await after_each(cases[-1])
    return cases


async def is_done(kernel: Kernel, scene: Scene) -> bool:
    return len(await read_rows(kernel, scene.done)) == 1


@pytest.mark.parametrize("prepare", [*FLEETING, *LASTING])
async def test_another_worker_finishes_what_a_killed_one_began(world, driver, prepare: Preparing):
    kernel = await world.open_kernel()

    async def repeat(case: Killed) -> None:
        try:
            answer = await act(kernel, case.scene.act, case.scene.given)
        except Refused as refusal:
            # A release that was done cannot be told from one whose hold has expired; nothing else may be refused.
            assert (case.scene.act, refusal.code) == ("release", "hold_lost"), case
        else:
            if case.fate.answer:
                assert answer["id"] == case.fate.answer["id"], case
            if case.scene.act == "hold":
                await act(kernel, "release", {"claim_id": answer["id"], "owner": case.scene.given["owner"]})
        if prepare in LASTING:
            assert await is_done(kernel, case.scene), case

    cases = await kill_everywhere(kernel, driver, prepare, hold_ttl_s=LONG_HOLD_S, after_each=repeat)
    # No hold is left to expire: every one was released or became a booking or a promise.
    await check_world(kernel, hold_ttl_s=0)
    print(f"\n{prepare.__name__}: {len(cases)} kills, each repeated by another worker")


async def test_what_a_killed_worker_began_and_nobody_repeats_is_wholly_done_or_not_at_all(world, driver):
    kernel = await world.open_kernel()
    cases: list[Killed] = []
    for prepare in (*FLEETING, *LASTING):
        cases += await kill_everywhere(kernel, driver, prepare, hold_ttl_s=SHORT_HOLD_S)
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    lasting = [case for case in cases if case.scene.act not in {"hold", "release"}]
    assert [case for case in lasting if await is_done(kernel, case.scene) != case.committed] == []
    assert [case for case in lasting if case.fate.answer is not None and not case.committed] == []
    # A client that comes back after the sweeper is told what was done, or that its hold is lost, and it is.
    told = [await _repeat_late(kernel, case) for case in lasting]
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    lost = told.count("hold_lost")
    print(f"\n{len(cases)} kills swept up; of {len(told)} repeated later {lost} were told hold_lost")


async def _repeat_late(kernel: Kernel, case: Killed) -> str:
    try:
        await act(kernel, case.scene.act, case.scene.given)
    except Refused as refusal:
        assert refusal.code == "hold_lost", case
        assert not case.committed, case
        assert not await is_done(kernel, case.scene), case
        return refusal.code
    assert await is_done(kernel, case.scene), case
    return "ok"


async def test_a_rebuild_killed_at_any_step_is_done_again_by_the_next_sweep(world, driver):
    kernel = await world.open_kernel()

    async def prepare(kernel: Kernel, *, hold_ttl_s: int) -> Scene:
        first = await to_confirm(kernel, hold_ttl_s=hold_ttl_s)
        await act(kernel, "confirm", first.given)
        pool = (await read_rows(kernel, "SELECT max(id) AS id FROM pool"))[0].id
        return Scene("rebuild", {"pool_id": pool}, "")

    cases = await kill_everywhere(kernel, driver, prepare, hold_ttl_s=SHORT_HOLD_S)
    await sweep(kernel)
    for case in cases:
        units = await read_rows(
            kernel, "SELECT pool_id, id FROM unit WHERE pool_id = :p", p=case.scene.given["pool_id"]
        )
        with pytest.raises(Refused, match="full"):
            await act(
                kernel,
                "hold",
                {"pool_id": units[0].pool_id, "units": [units[0].id], "claimant": "person:b", "owner": "b"},
            )
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    print(f"\nrebuild: {len(cases)} kills; every pool opened again, its booking in place")


async def test_a_sweeper_killed_at_any_step_leaves_nothing_that_the_next_one_does_not_end(world, driver):
    kernel = await world.open_kernel()
    deaf = await world.open_kernel()

    async def tell_nobody(_effect: object) -> None:
        """As if the worker had died right after its COMMIT."""

    deaf.tell = tell_nobody

    async def prepare(_kernel: Kernel, *, hold_ttl_s: int) -> Scene:
        booked = await to_confirm(deaf, hold_ttl_s=hold_ttl_s)
        await act(deaf, "confirm", booked.given)
        marked = await to_confirm(kernel, hold_ttl_s=hold_ttl_s)
        claim, owner = marked.given["claim_id"], marked.given["owner"]
        promised = await to_promise(kernel, hold_ttl_s=hold_ttl_s)
        await act(kernel, "promise", {**promised.given, "until": "2000-01-01T00:00:00+00:00"})
        pool = await read_rows(kernel, "SELECT max(id) - 1 AS id FROM pool")
        await kernel.call(pool[0].id, "mark", claim, owner, "key", "")
        given = {"confirm_patience_s": 0, "effect_patience_s": 0}
        return Scene(
            "sweep", given, f"SELECT 1 FROM hold_verdict WHERE hold_id = '{claim}' AND verdict = 'abandoned'"
        )

    cases = await kill_everywhere(kernel, driver, prepare, hold_ttl_s=SHORT_HOLD_S)
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    assert [case for case in cases if not await is_done(kernel, case.scene)] == []
    open_promises = await read_rows(kernel, "SELECT id FROM promise WHERE state = 'open'")
    assert open_promises == []
    print(f"\nsweep: {len(cases)} kills, then one sweep by another")
