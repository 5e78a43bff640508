"""The bound against counting every seating, and who may load the solver."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator import bound
from allocator.bound import SolverFailed, bound_of
from fairness.rounds.cut import Cut, CutRefused, cut_value
from tests.allocator.playing import KINDS, drawn, play
from tests.allocator.rounds import ready
from tests.allocator.told_by_the_rule import bound_of as most_of
from tests.allocator.told_by_the_rule import cut_of, subsets
from tests.allocator.told_by_the_rule import cut_value as value_of

ROOT = Path(__file__).parents[2]
CHANCE = st.randoms(use_true_random=True)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(CHANCE)
def test_the_bound_is_the_most_that_can_be_seated_and_its_cut_shows_it(kind, chance):
    problem = drawn(chance, **KINDS[kind])
    told = json.loads(play(problem))
    assert told["bound"] == most_of(problem) == value_of(problem, told["cut"], told["cut_schools"])
    assert (told["cut"], told["cut_schools"]) == cut_of(problem)
    assert told["measures"]["seated"] <= told["bound"]


@settings(max_examples=40, deadline=None)
@given(CHANCE)
def test_no_cut_shows_less_than_the_bound(chance):
    problem = drawn(chance, sessions=3, **KINDS["everything"])
    round_ = ready(problem)
    limited = [number for number, most in enumerate(round_.maxima) if most < 2**31]
    values = [
        cut_value(round_, Cut(sessions, schools))
        for sessions in subsets(range(len(round_.capacities)))
        for schools in subsets(limited)
    ]
    assert min(values) == bound_of(round_)[0]


@pytest.mark.parametrize("cut", [Cut(frozenset({9}), frozenset()), Cut(frozenset(), frozenset({0}))])
def test_a_cut_of_what_there_is_not_is_refused(cut):
    problem = {
        "version": 1,
        "sessions": [],
        "applications": [{"id": "p", "class": 0, "lines": [], "school": "free"}],
    }
    with pytest.raises(CutRefused):
        cut_value(ready(problem), cut)


def test_a_solver_whose_cut_does_not_show_its_flow_is_not_believed(monkeypatch):
    monkeypatch.setattr(bound.SimpleMaxFlow, "get_source_side_min_cut", lambda _: [])
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 1}],
        "applications": [{"id": one, "class": 0, "lines": [["s"]]} for one in "pq"],
    }
    with pytest.raises(SolverFailed, match="a flow of 1, and a cut of 2"):
        bound_of(ready(problem))


@pytest.mark.parametrize(
    ("modules", "status"),
    [
        (["fairness.rounds.check", "fairness.__main__"], 0),
        (["allocator.promise_pass", "allocator.allocation"], 0),
        (["allocator.bound"], 1),
    ],
)
def test_the_bound_alone_loads_a_solver(modules, status):
    code = f"import sys\nsys.modules['ortools'] = None\nimport {', '.join(modules)}"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == status, run.stderr
    assert ("ortools" in run.stderr) == bool(status)
