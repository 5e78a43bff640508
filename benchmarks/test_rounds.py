"""The promise pass beside what a solver takes for the same forms, its check beside it, and reading beside bare decoding.

The floors: OR-Tools' SimpleMaxFlow and SimpleMinCostFlow on the same network, arcs given (building them is told apart);
`msgspec.json.decode` into the same types with every line decoded. All of a row are timed in one run.
"""

import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import pytest
from ortools.graph.python.max_flow import SimpleMaxFlow
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from allocator.bound import Network, network_of
from allocator.promise_pass import promise_pass
from benchmarks.demand import demand
from fairness.rounds.certificate import check_pass
from fairness.rounds.passed import Passed
from fairness.rounds.problem import read_problem
from fairness.rounds.round import Round, make_ready, public_order

SIZES = [(100_000, 2_000), (500_000, 10_000)]
SMALL = (2_000, 50)
SEED = bytes(32)
ROUNDS = 3
_Value = TypeVar("_Value")


class _Form(msgspec.Struct):
    id: str
    waiting_class: int = msgspec.field(name="class")
    lines: list[list[str]]


class _Problem(msgspec.Struct):
    version: int
    sessions: list[dict[str, Any]]
    applications: list[_Form]


class _Run(NamedTuple):
    reading: float
    decoding: float
    passing: float
    checking: float
    building: float
    flow: float


def _timed(act: Callable[[], _Value]) -> tuple[float, _Value]:
    began = time.perf_counter()
    value = act()
    return time.perf_counter() - began, value


def _peak_of_the_command(text: bytes, folder: Path) -> dict[str, dict[str, float]]:
    """Seconds and peak memory of each stage of `gongdao allocate`, in a process of its own."""
    problem = folder / "problem.json"
    problem.write_bytes(text)
    command = [sys.executable, "-m", "booking_api.cli", "allocate", str(problem), "--seed", SEED.hex()]
    done = subprocess.run(
        [*command, "--out", str(folder / "result.json"), "--json"], check=True, capture_output=True
    )
    return msgspec.json.decode(done.stdout)["stages"]


def _max_flow(network: Network) -> Any:
    solver: Any = SimpleMaxFlow()
    solver.add_arcs_with_capacity(
        np.frombuffer(network.tails, np.int32),
        np.frombuffer(network.heads, np.int32),
        np.frombuffer(network.capacities, np.int64),
    )
    return solver


def _min_cost_flow(round_: Round, network: Network, flow: int) -> Any:
    """The same network, a unit more for each place down a form, and all that can be seated to be seated."""
    solver: Any = SimpleMinCostFlow()
    costs = np.zeros(len(network.tails), np.int64)
    place = len(round_.forms)
    for form in round_.forms:
        costs[place : place + len(form)] = range(len(form))
        place += len(form)
    solver.add_arcs_with_capacity_and_unit_cost(
        np.frombuffer(network.tails, np.int32),
        np.frombuffer(network.heads, np.int32),
        np.frombuffer(network.capacities, np.int64),
        costs,
    )
    supplies = np.array([flow, -flow], np.int64)
    solver.set_nodes_supplies(np.array([network.source, network.sink], np.int32), supplies)
    return solver


def _run(text: bytes, kept: list[tuple[Round, Passed]]) -> _Run:
    gc.collect()
    gc.disable()
    try:
        decoding_s, decoded = _timed(lambda: msgspec.json.decode(text, type=_Problem))
        del decoded
        reading_s, problem = _timed(lambda: read_problem(text))
        round_ = make_ready(problem, public_order(problem.applications, SEED))
        del problem
        pass_s, passed = _timed(lambda: promise_pass(round_, {}))
        check_s, _ = _timed(lambda: check_pass(round_, {}, passed))
        building_s, network = _timed(lambda: network_of(round_))
        solver = _max_flow(network)
        flow_s, _ = _timed(lambda: solver.solve(network.source, network.sink))
    finally:
        gc.enable()
    kept[:] = [(round_, passed)]
    return _Run(reading_s, decoding_s, pass_s, check_s, building_s, flow_s)


@pytest.mark.parametrize(("applications", "sessions"), SIZES)
def test_pass_beside_flows(benchmark, tmp_path, applications, sessions):
    """Goals: pass at most maximum flow, check at most half of the pass, reading at most twice the decoding."""
    text = msgspec.json.encode(demand(applications, sessions))
    stages = _peak_of_the_command(text, tmp_path)
    runs: list[_Run] = []
    kept: list[tuple[Round, Passed]] = []
    benchmark.pedantic(lambda: runs.append(_run(text, kept)), rounds=ROUNDS, iterations=1)
    middle = sorted(runs, key=lambda run: run.passing / run.flow)[ROUNDS // 2]
    round_, passed = kept[0]
    network = network_of(round_)
    largest = _max_flow(network)
    largest.solve(network.source, network.sink)
    cheapest = _min_cost_flow(round_, network, largest.optimal_flow())
    cheapest_s, _ = _timed(cheapest.solve)
    print(
        f"\n{applications:,} x {sessions:,}, {sum(line >= 0 for line in passed.line_at):,} seated of "
        f"{largest.optimal_flow():,} that could be; `gongdao allocate` takes "
        f"{sum(one['seconds'] for one in stages.values()):.1f} s, {stages['pass']['peak_mib']:,.0f} MiB at most up to the pass"
        f"\n  pass     {middle.passing:6.2f} s = {middle.passing / middle.flow:.2f} x maximum flow (runs "
        f"{', '.join(f'{run.passing / run.flow:.2f}' for run in runs)}; the flow's arcs took {middle.building:.2f} s more)"
        f"\n  pass     {middle.passing:6.2f} s = {middle.passing / cheapest_s:.3f} x minimum-cost flow"
        f"\n  check    {middle.checking:6.2f} s = {middle.checking / middle.passing:.2f} x the pass"
        f"\n  reading  {middle.reading:6.2f} s = {middle.reading / middle.decoding:.2f} x bare decoding"
    )


def _single_choices() -> tuple[dict[str, list[str]], dict[str, int], Round]:
    """A round of single sessions only, which is all that the packages below know."""
    written = demand(*SMALL)
    for one in written["applications"]:
        one["lines"] = [line for line in one["lines"] if len(line) == 1]
    problem = read_problem(msgspec.json.encode(written))
    round_ = make_ready(problem, public_order(problem.applications, SEED))
    forms = {
        one: [round_.session_ids[round_.lines[line][0]] for line in form]
        for one, form in zip(round_.application_ids, round_.forms, strict=True)
    }
    return forms, dict(zip(round_.session_ids, round_.capacities, strict=True)), round_


def _beside(benchmark: Any, name: str, round_: Round, theirs: Callable[[], object]) -> None:
    runs: list[tuple[float, float]] = []
    benchmark.pedantic(
        lambda: runs.append((_timed(lambda: promise_pass(round_, {}))[0], _timed(theirs)[0])),
        rounds=ROUNDS,
        iterations=1,
    )
    own_s, their_s = sorted(runs, key=lambda run: run[0] / run[1])[ROUNDS // 2]
    print(
        f"\n{SMALL[0]:,} x {SMALL[1]:,}: pass {own_s * 1000:.1f} ms = {own_s / their_s:.4f} x {name} ({their_s:.2f} s)"
    )


def test_pass_beside_matching(benchmark):
    """The package `matching`: residents are people, hospitals are sessions that prefer whoever is ahead."""
    games: Any = pytest.importorskip("matching.games")
    forms, capacities, round_ = _single_choices()
    wanted: dict[str, list[str]] = {session: [] for session in capacities}
    for one, form in forms.items():
        for session in form:
            wanted[session].append(one)
    residents = {one: form for one, form in forms.items() if form}
    hospitals = {session: people for session, people in wanted.items() if people}

    def solve() -> None:
        games.HospitalResident.create_from_dictionaries(
            residents, hospitals, {one: capacities[one] for one in hospitals}
        ).solve()

    _beside(benchmark, "matching's HospitalResident", round_, solve)


def test_pass_beside_fairpyx(benchmark):
    """The package `fairpyx`: serial dictatorship over values that fall along the form."""
    fairpyx: Any = pytest.importorskip("fairpyx")
    forms, capacities, round_ = _single_choices()
    values = {
        one: {
            session: len(form) - place if (place := _place(form, session)) is not None else 0
            for session in capacities
        }
        for one, form in forms.items()
    }

    def solve() -> None:
        instance = fairpyx.Instance(valuations=values, item_capacities=capacities, agent_capacities=1)
        fairpyx.divide(fairpyx.algorithms.serial_dictatorship, instance)

    _beside(benchmark, "fairpyx's serial_dictatorship", round_, solve)


def _place(form: list[str], session: str) -> int | None:
    return form.index(session) if session in form else None
