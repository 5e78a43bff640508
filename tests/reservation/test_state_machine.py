"""Hold, confirm, release, cancel, move, promise, expire, crash, sweep, rebuild, flush: in any order, and at once.

Hypothesis draws the schedules; two kernels stand for two worker processes on one PostgreSQL and one Valkey. The model
knows only what was acknowledged. When a schedule is over, everything acknowledged must be there, the audit clean, and
no place stuck.

`GONGDAO_EXPLORE=200 pytest tests/reservation/test_state_machine.py` draws that many new schedules; without it the same
ones are run every time.
"""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reservation import (
    audit,
)
from tests.reservation.world import NAMES, REFUSALS, WISHES, World

EXPLORE = int(os.environ.get("GONGDAO_EXPLORE", "0"))
EXAMPLES = EXPLORE or 40
STEPS = 18
CALM_STEPS = 4

JOURNEYS = (
    *((kind,) for kind in REFUSALS),
    ("hold", "confirm"),
    ("hold", "confirm", "confirm"),
    ("hold", "release", "hold"),
    ("hold", "confirm", "cancel", "hold", "confirm"),
    ("hold", "confirm", "hold", "move", "cancel"),
    ("hold", "confirm", "hold", "move", "move"),
    ("hold", "promise", "keep", "cancel"),
    ("hold", "promise", "give_back", "hold"),
    ("hold", "stall", "confirm"),
    ("hold", "pause"),
)
journeys = st.tuples(
    st.integers(0, 1),  # which worker
    st.sampled_from(NAMES),
    st.sampled_from(JOURNEYS),
    st.lists(st.integers(0, len(WISHES) - 1), min_size=5, max_size=5),
)
bursts = st.lists(journeys, min_size=1, max_size=8)


class KernelMachine(RuleBasedStateMachine):
    """Draws the schedule; the world runs it on one event loop of its own."""

    urls: ClassVar[tuple[str, str]]
    make_city: ClassVar[Callable[..., Awaitable[tuple[int, list[int]]]]]
    told: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = World(*self.urls, self.told)
        self.schedule: list[str] = []
        self.calm_steps = 0

    def run(self, what: str, *steps: Awaitable[Any]) -> None:
        """Runs the steps at once. A failure tells the whole schedule: timing may never let it happen again."""
        self.schedule.append(what)
        self.calm_steps += 1

        async def all_of_them() -> None:
            await asyncio.gather(*steps)

        try:
            self.runner.run(all_of_them())
        except BaseException as error:
            error.add_note("\n".join(["schedule:", *self.schedule]))
            raise

    @initialize()
    def begin(self) -> None:
        self.run("begin", self.world.begin(type(self).make_city))

    @rule(burst=bursts)
    def people_come(self, burst) -> None:
        self.run(f"burst {burst}", self.world.burst(burst))

    @rule(wish=st.integers(0, len(WISHES) - 1), key=st.integers(0, 2))
    def a_rush_for_one_unit(self, wish, key) -> None:
        rush = [(n % 2, name, ("hold", "confirm"), [wish, key]) for n, name in enumerate(NAMES)]
        self.run(f"rush {wish} {key}", self.world.burst(rush))

    @rule(name=st.sampled_from(NAMES), journeys=st.tuples(journeys, journeys), burst=bursts)
    def somebody_has_two_devices(self, name, journeys, burst) -> None:
        """Both at once, on two workers, with the same wishes."""
        choices = journeys[0][3]
        devices = [(worker, name, journey[2], choices) for worker, journey in enumerate(journeys)]
        self.run(f"devices {devices} in {burst}", self.world.burst([*devices, *burst]))

    @rule(burst=bursts)
    def the_paused_go_on(self, burst) -> None:
        self.run(f"go on in {burst}", self.world.resume(), self.world.burst(burst))

    @rule(worker=st.integers(0, 1), burst=bursts, ticks=st.integers(0, 60))
    def a_worker_is_killed(self, worker, burst, ticks) -> None:
        self.run(f"kill {worker} after {ticks} ticks of {burst}", self.world.crash(worker, burst, ticks))

    @rule(worker=st.integers(0, 1), pool=st.sampled_from([0, 2]), burst=bursts)
    def a_pool_is_rebuilt(self, worker, pool, burst) -> None:
        self.run(f"rebuild {pool} by {worker} in {burst}", self.world.rebuild(worker, pool, burst))

    @rule(name=st.sampled_from(NAMES))
    def time_passes(self, name) -> None:
        self.run(f"expire {name}", self.world.expire(name))

    @rule(worker=st.integers(0, 1))
    def the_sweeper_has_no_patience(self, worker) -> None:
        self.run(f"sweep {worker}", self.world.sweep(worker))

    @rule(worker=st.integers(0, 1), burst=bursts)
    def the_sweeper_works_in_the_rush(self, worker, burst) -> None:
        self.run(f"sweep {worker} in {burst}", self.world.sweep(worker), self.world.burst(burst))

    @precondition(lambda self: self.calm_steps > CALM_STEPS)
    @rule(functions=st.booleans())
    def valkey_loses_everything(self, functions) -> None:
        self.calm_steps = 0
        self.run(f"flush, functions {functions}", self.world.flush(functions=functions))

    @rule()
    def the_pools_open_again(self) -> None:
        self.run("open again", self.world.open_again())

    def teardown(self) -> None:
        try:
            if self.world.units:
                self.run("check", self.world.check())
        finally:
            self.run("end", self.world.end())
            self.runner.close()


# A worker that is killed while it connects leaves a socket to the kernel of the operating system; so do we.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_whatever_happens_what_was_acknowledged_is_there_and_nothing_is_stuck(
    servers, database_url, city_of, monkeypatch
):
    """The schedules are drawn by hypothesis; see the module's docstring."""
    monkeypatch.setitem(audit.__globals__, "SETTLE_S", 0.05)  # nothing is on its way when it looks
    KernelMachine.urls = (database_url, servers.valkey.url)
    KernelMachine.make_city = staticmethod(city_of)
    KernelMachine.told = Counter()
    run_state_machine_as_test(
        KernelMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=not EXPLORE,
            phases=[Phase.generate],  # timing decides too: a failing schedule is shown as it was, not shrunk
            report_multiple_bugs=False,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    gc.collect()
    # The schedules were not idle: everything was really done, many times.
    assert {kind: KernelMachine.told[kind] >= EXAMPLES // 10 for kind in REFUSALS} == dict.fromkeys(
        REFUSALS, True
    )
    assert KernelMachine.told["confirm"] >= EXAMPLES
