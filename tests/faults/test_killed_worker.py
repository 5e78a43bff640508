"""A worker is killed (SIGKILL) at every step outside its process, before the step and after it was done unheard.

The steps are found by a dry run of the same act. What is left is repeated by another worker with the same key, or never
repeated and swept up.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, NamedTuple

import pytest

from reservation import Kernel, sweep
from reservation.model import Effect
from tests.faults.acts import Refused, act
from tests.faults.driver import Fate
from tests.faults.drivers import Driver
from tests.faults.worlds import City, World, check_world, make_city, read_rows

pytestmark = [pytest.mark.fault, pytest.mark.slow]

SHORT_HOLD_S = 3
LONG_HOLD_S = 300
UNITS = 120
UNTIL = "2100-01-01T00:00:00+00:00"
PAST = "2000-01-01T00:00:00+00:00"

CONFIRMED = "SELECT 1 FROM booking WHERE id = :claim AND unit_id = :unit"
CANCELLED = "SELECT 1 FROM booking WHERE id = :claim AND state = 'cancelled'"
MOVED = """
    SELECT 1 FROM booking o JOIN booking n ON n.id = o.moved_to
    WHERE o.id = :claim AND o.state = 'moved' AND n.unit_id = :unit AND n.state = 'booked'
"""
PROMISED = "SELECT 1 FROM promise WHERE id = :claim"
WITHDRAWN = "SELECT 1 FROM promise WHERE id = :claim AND state = 'withdrawn'"
ABANDONED = "SELECT 1 FROM hold_verdict WHERE hold_id = :claim AND verdict = 'abandoned'"
NEVER = "SELECT 1 WHERE false"


class Scene(NamedTuple):
    """What is asked of the worker that will be killed, and the question whether it came to pass."""

    act: str
    given: dict[str, Any]
    done: str
    about: dict[str, Any]


class Stage:
    """Owns two pools, of which every scene takes units and people of its own."""

    def __init__(self, kernel: Kernel, cities: list[City], *, people: str = "person") -> None:
        self.kernel = kernel
        self.cities = cities
        self._called = people
        self._people = count()
        self._taken = [iter(city.units) for city in cities]

    @classmethod
    async def build(cls, kernel: Kernel, *, hold_ttl_s: int) -> "Stage":
        cities = [await make_city(kernel, capacities=[1] * UNITS, hold_ttl_s=hold_ttl_s) for _ in range(2)]
        return cls(kernel, cities)

    async def hold(self, owner: str | None = None, *, units: int = 1, city: int = 0) -> dict[str, Any]:
        """A hold of somebody's (somebody new, unless told) on units nobody else has: what the act was given, and it."""
        owner = owner or f"{self._called}-{next(self._people)}"
        wanted = [next(self._taken[city]) for _ in range(units)]
        given = {
            "pool_id": self.cities[city].pool,
            "units": wanted,
            "claimant": f"person:{owner}",
            "owner": owner,
        }
        held = await act(self.kernel, "hold", given)
        return {"given": given, "id": held["id"], "owner": owner, "unit": wanted[-1]}

    async def booking(self) -> dict[str, Any]:
        """A hold that was confirmed."""
        held = await self.hold()
        await act(self.kernel, "confirm", {"claim_id": held["id"], "owner": held["owner"], "key": "key"})
        return held

    async def promise(self, until: str) -> dict[str, Any]:
        """A hold that became a promise."""
        held = await self.hold()
        await act(self.kernel, "promise", {"hold_id": held["id"], "owner": held["owner"], "until": until})
        return held


async def to_hold(stage: Stage) -> Scene:
    held = await stage.hold()
    await act(stage.kernel, "release", {"claim_id": held["id"], "owner": held["owner"]})
    return Scene("hold", held["given"], NEVER, {})


async def to_release(stage: Stage) -> Scene:
    held = await stage.hold()
    return Scene("release", {"claim_id": held["id"], "owner": held["owner"]}, NEVER, {})


async def to_confirm(stage: Stage) -> Scene:
    held = await stage.hold()
    given = {"claim_id": held["id"], "owner": held["owner"], "key": "key"}
    return Scene("confirm", given, CONFIRMED, {"claim": held["id"], "unit": held["unit"]})


async def to_confirm_one_of_a_set(stage: Stage) -> Scene:
    held = await stage.hold(units=3)
    given = {"claim_id": held["id"], "owner": held["owner"], "key": "key", "unit": held["unit"]}
    return Scene("confirm", given, CONFIRMED, {"claim": held["id"], "unit": held["unit"]})


async def to_cancel(stage: Stage) -> Scene:
    held = await stage.booking()
    return Scene(
        "cancel", {"booking_id": held["id"], "owner": held["owner"]}, CANCELLED, {"claim": held["id"]}
    )


async def _to_move(stage: Stage, city: int) -> Scene:
    old = await stage.booking()
    new = await stage.hold(old["owner"], city=city)
    given = {"booking_id": old["id"], "hold_id": new["id"], "owner": old["owner"]}
    return Scene("reschedule", given, MOVED, {"claim": old["id"], "unit": new["unit"]})


async def to_reschedule(stage: Stage) -> Scene:
    return await _to_move(stage, 0)


async def to_reschedule_to_another_pool(stage: Stage) -> Scene:
    return await _to_move(stage, 1)


async def to_promise(stage: Stage) -> Scene:
    held = await stage.hold()
    given = {"hold_id": held["id"], "owner": held["owner"], "until": UNTIL}
    return Scene("promise", given, PROMISED, {"claim": held["id"]})


async def to_confirm_a_promise(stage: Stage) -> Scene:
    held = await stage.promise(UNTIL)
    given = {"promise_id": held["id"], "owner": held["owner"]}
    return Scene("confirm_promise", given, CONFIRMED, {"claim": held["id"], "unit": held["unit"]})


async def to_withdraw(stage: Stage) -> Scene:
    held = await stage.promise(UNTIL)
    return Scene(
        "withdraw", {"promise_id": held["id"], "owner": held["owner"]}, WITHDRAWN, {"claim": held["id"]}
    )


Preparing = Callable[[Stage], Awaitable[Scene]]
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
    stage: Stage,
    driver: Driver,
    prepare: Preparing,
    *,
    after_each: Callable[[Killed], Awaitable[None]] | None = None,
    early: bool = True,
) -> list[Killed]:
    """Kills a worker at every step of a scene of its own; the first case is the one left alone.

    Without `early` only after each step. That leaves the same outside as before the next one, less the proof.
    """
    scene = await prepare(stage)
    dry = await driver.run(scene.act, scene.given)
    assert not dry.killed
    assert len(dry.steps) > 1, dry
    commit = max((n for n, step in enumerate(dry.steps) if step == "COMMIT"), default=None)
    cases = [Killed(scene, "nowhere", committed=commit is not None, fate=dry)]
    if after_each is not None:
        await after_each(cases[0])
    for at, step in enumerate(dry.steps):
        for late in (False, True) if early else (True,):
            scene = await prepare(stage)
            fate = await driver.run(scene.act, scene.given, at=(at,), late=late)
            where = f"{'after' if late else 'before'} {at} {step}"
            assert fate.killed, f"not killed {where}: {fate}"
            committed = commit is not None and (at > commit or (at == commit and late))
            cases.append(Killed(scene, where, committed, fate))
            if after_each is not None:
                await after_each(cases[-1])
    return cases


async def is_done(kernel: Kernel, scene: Scene) -> bool:
    return len(await read_rows(kernel, scene.done, **scene.about)) == 1


@pytest.mark.parametrize("prepare", [*FLEETING, *LASTING])
async def test_another_worker_finishes_what_a_killed_one_began(
    world: World, driver: Driver, prepare: Preparing
):
    kernel = await world.open_kernel()
    stage = await Stage.build(kernel, hold_ttl_s=LONG_HOLD_S)

    async def repeat(case: Killed) -> None:
        told, answer = await ask_again(kernel, case)
        # A release that was done cannot be told from one whose hold has expired; nothing else may be refused.
        assert told == "ok" or (case.scene.act, told) == ("release", "hold_lost"), (told, case)
        if case.fate.answer:
            assert answer.get("id") == case.fate.answer.get("id"), case
        if case.scene.act == "hold":
            await act(kernel, "release", {"claim_id": answer["id"], "owner": case.scene.given["owner"]})
        assert await is_done(kernel, case.scene) == (prepare in LASTING), case

    cases = await kill_everywhere(stage, driver, prepare, after_each=repeat)
    # No hold is left to expire: every one was released or became a booking or a promise.
    await check_world(kernel, hold_ttl_s=0)
    print(f"\n{prepare.__name__}: {len(cases)} cases, each repeated by another worker")


async def ask_again(kernel: Kernel, case: Killed) -> tuple[str, dict[str, Any]]:
    """The same request again: "ok" and its answer, or the code of a refusal."""
    try:
        return "ok", await act(kernel, case.scene.act, case.scene.given)
    except Refused as refusal:
        return refusal.code, {}


@pytest.mark.parametrize("prepare", [*FLEETING, *LASTING])
async def test_what_a_killed_worker_began_and_nobody_repeats_is_wholly_done_or_not_at_all(
    world: World, driver: Driver, prepare: Preparing
):
    kernel = await world.open_kernel()
    stage = await Stage.build(kernel, hold_ttl_s=SHORT_HOLD_S)
    cases = await kill_everywhere(stage, driver, prepare)
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    told: list[str] = []
    if prepare in LASTING:
        assert [case for case in cases if await is_done(kernel, case.scene) != case.committed] == []
        assert [case for case in cases if case.fate.answer is not None and not case.committed] == []
        # A client that comes back after the sweeper is told what was done, or that its hold is lost, and it is.
        told = [(await ask_again(kernel, case))[0] for case in cases]
        wrong = [
            (outcome, case)
            for outcome, case in zip(told, cases, strict=True)
            if outcome != ("ok" if await is_done(kernel, case.scene) else "hold_lost")
        ]
        assert wrong == []
        assert [case for case in cases if case.committed and not await is_done(kernel, case.scene)] == []
        await check_world(kernel, hold_ttl_s=0)
    print(f"\n{prepare.__name__}: {len(cases)} cases swept up, then told hold_lost {told.count('hold_lost')}")


async def test_a_rebuild_killed_at_any_step_is_done_again_by_the_next_sweep(world: World, driver: Driver):
    kernel = await world.open_kernel()
    stage = await Stage.build(kernel, hold_ttl_s=SHORT_HOLD_S)
    booked = await stage.booking()
    sold_out = {**booked["given"], "claimant": "person:b", "owner": "b"}

    async def prepare(stage: Stage) -> Scene:
        return Scene("rebuild", {"pool_id": stage.cities[0].pool}, NEVER, {})

    async def open_again(case: Killed) -> None:
        await sweep(kernel)
        with pytest.raises(Refused, match="full"):
            await act(kernel, "hold", sold_out)

    cases = await kill_everywhere(stage, driver, prepare, after_each=open_again, early=False)
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    print(f"\nrebuild: {len(cases)} cases; the pool opened again, its booking in place")


async def test_a_sweeper_killed_at_any_step_leaves_nothing_that_the_next_one_does_not_end(
    world: World, driver: Driver
):
    kernel, deaf = await world.open_kernel(), await world.open_kernel()
    stage = await Stage.build(kernel, hold_ttl_s=SHORT_HOLD_S)

    async def tell_nobody(effect: Effect) -> None:
        """As if the worker had died right after its COMMIT."""

    deaf.tell = tell_nobody
    unheard = Stage(deaf, stage.cities[1:], people="unheard")

    async def prepare(stage: Stage) -> Scene:
        await unheard.booking()
        await stage.promise(PAST)
        marked = await stage.hold()
        await kernel.call(stage.cities[0].pool, "mark", marked["id"], marked["owner"], "key", "")
        given = {"confirm_patience_s": 0, "effect_patience_s": 0}
        return Scene("sweep", given, ABANDONED, {"claim": marked["id"]})

    cases = await kill_everywhere(stage, driver, prepare, early=False)
    await check_world(kernel, hold_ttl_s=SHORT_HOLD_S)
    assert [case for case in cases if not await is_done(kernel, case.scene)] == []
    assert await read_rows(kernel, "SELECT id FROM promise WHERE state = 'open'") == []
    print(f"\nsweep: {len(cases)} cases, then one sweep by another")
