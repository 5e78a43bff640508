"""Rounds at their edges: nobody, nothing, one of all, too large, and tens of thousands who want the same."""

import json

import pytest
import rfc8785

from fairness.rounds.check import check_result
from tests.allocator.by_the_rule import public_order
from tests.allocator.playing import SEED, play
from tests.allocator.rounds import ready, text_of
from tests.allocator.told_by_the_rule import result_of

CROWD = 30_000


def problem_of(capacities, people, **more):
    """People are {id: (lines, school or None)}, all of one class."""
    return {
        "version": 1,
        "sessions": [{"id": name, "capacity": size} for name, size in capacities.items()],
        "applications": [
            {"id": name, "class": 0, "lines": lines} | ({"school": school} if school else {})
            for name, (lines, school) in people.items()
        ],
        **more,
    }


def alike(count, lines, school=None):
    return {f"p{number}": (lines, school) for number in range(count)}


def batch(members, *lines):
    return {"id": "g", "members": members, "lines": list(lines)}


MANY = {f"s{number}": number % 3 for number in range(5)}
EDGES = {
    "nothing at all": problem_of({}, {}),
    "no applications": problem_of({"a": 1}, {}),
    "no sessions": problem_of({}, alike(2, [])),
    "empty forms": problem_of({"a": 1}, alike(3, [])),
    "one session": problem_of({"a": 2}, alike(4, [["a"]])),
    "no seats": problem_of({"a": 0, "b": 0}, alike(3, [["a"], ["a", "b"]])),
    "one line with all sessions": problem_of(MANY, alike(7, [list(MANY)])),
    "lines that overlap": problem_of({"a": 1, "b": 1}, alike(4, [["a"], ["a", "b"], ["b"], ["a", "b"]])),
    "the same line again": problem_of({"a": 1, "b": 1}, alike(3, [["a"], ["a"], ["b"]])),
    "a batch of everybody": problem_of({"a": 2}, alike(2, []), batches=[batch(["p1", "p0"], ["a"])]),
    "a batch of one": problem_of({"a": 1}, alike(1, []), batches=[batch(["p0"], ["a"])]),
    "a batch larger than any session": problem_of(
        {"a": 2, "b": 1}, alike(3, []), batches=[batch(["p0", "p1", "p2"], ["a", "b"])]
    ),
    "a batch that asks for nothing": problem_of({"a": 2}, alike(2, []), batches=[batch(["p0", "p1"])]),
    "a batch of several schools, each with a reserve": problem_of(
        {"a": 3},
        {"x1": ([], "x"), "y1": ([], "y"), "z1": ([], "z"), "p": ([["a"]], None)},
        batches=[batch(["x1", "y1", "z1"], ["a"])],
        schools=[{"id": one, "reserve": [{"session": "a", "seats": 1}]} for one in "xy"],
    ),
    "a batch above the maximum of one of its schools": problem_of(
        {"a": 3},
        {"x1": ([], "x"), "x2": ([], "x"), "y1": ([], "y")},
        batches=[batch(["x1", "x2", "y1"], ["a"])],
        schools=[{"id": "x", "max": 1}],
    ),
    "everything is reserved": problem_of(
        {"a": 2},
        alike(3, [["a"]], "x") | {"q": ([["a"]], None)},
        schools=[{"id": "x", "reserve": [{"session": "a", "seats": 2}]}],
    ),
    "reserved for a school that nobody is of": problem_of(
        {"a": 2}, alike(3, [["a"]]), schools=[{"id": "x", "reserve": [{"session": "a", "seats": 2}]}]
    ),
    "a maximum of none": problem_of({"a": 2}, alike(2, [["a"]], "x"), schools=[{"id": "x", "max": 0}]),
    "a reserve of none, and rules of none": problem_of(
        {"a": 1},
        alike(2, [["a"]], "x"),
        schools=[{"id": "x", "reserve": [{"session": "a", "seats": 0}]}, {"id": "y"}],
    ),
    "the most seats that there can be": problem_of({"a": 2**31 - 1}, alike(2, [["a"]])),
}


@pytest.mark.parametrize("edge", EDGES)
def test_at_this_edge_it_is_the_specifications_to_the_byte(edge):
    text = play(EDGES[edge])
    assert text == rfc8785.dumps(result_of(EDGES[edge], SEED))
    check_result(text_of(EDGES[edge]), text)


@pytest.mark.parametrize("waiting", [0, 2**53 - 1, -(2**53) + 1])
def test_within_a_class_the_draw_decides(waiting):
    problem = problem_of({}, alike(50, []))
    for one in problem["applications"]:
        one["class"] = waiting
    orders = [ready(problem, bytes([number]) * 32).application_ids for number in range(4)]
    assert orders == [public_order(problem, bytes([number]) * 32) for number in range(4)]
    assert len({tuple(order) for order in orders}) == 4


def test_a_smaller_class_comes_first_below_zero_too():
    problem = problem_of({}, alike(5, []))
    for one, waiting in zip(problem["applications"], [1, 0, -1, 2**53 - 1, 1 - 2**53], strict=True):
        one["class"] = waiting
    assert ready(problem, SEED).application_ids == ["p4", "p2", "p1", "p0", "p3"]


def test_tens_of_thousands_who_want_one_session_cost_no_more_than_to_read_them():
    """Once it has closed nobody looks for a way into it again."""
    problem = problem_of({"a": 3, "b": 2}, alike(CROWD, [["a"], ["a", "b"]]))
    text = play(problem)
    told = json.loads(text)
    assert [one["session"] for one in told["applications"][:6]] == ["a", "a", "a", "b", "b", None]
    assert told["sessions"] == [{"closed_at": 3, "id": "a"}, {"closed_at": 5, "id": "b"}]
    assert (told["measures"]["seated"], told["bound"]) == (5, 5)
    check_result(text_of(problem), text)
