"""Against brute force: the specification's own steps to the byte, and what the rule promises by trying everything."""

import itertools
import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.promise_pass import promise_pass
from tests.allocator.by_the_rule import (
    both_passes,
    can_honour,
    lines_by_trying_all,
    maxima_of,
    public_order,
    reserves_of,
    schools_of,
    seats_of,
)
from tests.allocator.playing import KINDS, SEED, drawn, drawn_with_chains, play
from tests.allocator.rounds import ready
from tests.allocator.told_by_the_rule import result_of

CHANCE = st.randoms(use_true_random=True)
SEEDS = st.binary(min_size=32, max_size=32)
kinds = pytest.mark.parametrize("kind", KINDS)
individuals = pytest.mark.parametrize("kind", ["individuals", "maxima"])


def played(examples):
    return settings(max_examples=examples, deadline=None)


@kinds
@played(100)
@given(CHANCE, SEEDS)
def test_a_result_is_the_specifications_to_the_byte(kind, chance, seed):
    """Order, chains, movers, closings, witnesses, both passes, bound, cut, measures."""
    problem = drawn(chance, **KINDS[kind])
    assert play(problem, seed) == rfc8785.dumps(result_of(problem, seed))


@played(80)
@given(CHANCE)
def test_moves_are_the_specifications_to_the_byte(chance):
    problem = drawn_with_chains(chance)
    assert play(problem) == rfc8785.dumps(result_of(problem, SEED))


@pytest.mark.parametrize(
    ("capacities", "lines", "seats"),
    [
        # Of two free seats the one first in order: a to b, not a to c.
        ({"a": 2, "b": 1, "c": 1}, ["ac", "ab", "a"], "aba"),
        # The shorter chain, though the longer comes first in order: a to c, not a to b to d.
        ({"a": 2, "b": 1, "c": 1, "d": 1}, ["ac", "ab", "bd", "a"], "caba"),
        # Of two chains of one length the one first in order: a to b to d, not a to c to d.
        ({"a": 2, "b": 1, "c": 1, "d": 1}, ["ac", "ab", "bd", "cd", "a"], "abdca"),
        # From the first place of the line, though another's free seat comes first: a to d, not b to c.
        ({"a": 1, "b": 1, "c": 1, "d": 1}, ["ad", "bc", "ab"], "dba"),
        # Of those who could move the one with the lowest position, of one line or of several.
        ({"a": 2, "b": 1}, ["ab", "ab", "a"], "baa"),
        ({"a": 2, "b": 1, "c": 0}, ["abc", "ab", "a"], "baa"),
        # Whoever was moved can be moved on.
        ({"a": 1, "b": 1, "c": 1}, ["abc", "a", "b"], "cab"),
        # Nobody leaves their line.
        ({"a": 1, "b": 1}, ["a", "a"], "a-"),
    ],
)
def test_the_shortest_chain_counts_then_the_first_and_the_one_ahead_moves(capacities, lines, seats):
    problem = {
        "version": 1,
        "sessions": [{"id": name, "capacity": size} for name, size in capacities.items()],
        "applications": [
            {"id": f"p{number}", "class": number, "lines": [list(line)]} for number, line in enumerate(lines)
        ],
    }
    told = json.loads(play(problem))
    assert "".join(one["session"] or "-" for one in told["applications"]) == seats
    assert play(problem) == rfc8785.dumps(result_of(problem, SEED))


@kinds
@played(50)
@given(CHANCE)
def test_everyone_gets_the_best_line_that_breaks_no_promise_by_trying_every_seating(kind, chance):
    problem = drawn(chance, people=5, sessions=3, **KINDS[kind])
    told = json.loads(play(problem))
    passes = [(told, {(one["session"], one["school"]): one["seats"] for one in told["reserved"]})]
    if told["first_pass"]:
        passes.append((told["first_pass"], reserves_of(problem)))
    for found, reserved in passes:
        reserved_places = {place: reserved[place.session, place.school] for place in reserves_of(problem)}
        sessions = {one["id"]: one["session"] for one in found["batches"]}
        lines = {one["id"]: one["line"] for one in found["applications"] if one["line"] is not None}
        assert lines == lines_by_trying_all(problem, SEED, reserved_places, sessions)


def every_outcome(problem):
    """Every {application: line or None} that can be, best first for the first in the order, then for the second..."""
    order, schools, maxima = public_order(problem, SEED), schools_of(problem), maxima_of(problem)
    forms = {one["id"]: one["lines"] for one in problem["applications"]}
    seats = {place.session: count for place, count in seats_of(problem, {}).items()}
    for lines in itertools.product(*([*range(len(forms[one])), None] for one in order)):
        got = {one: line for one, line in zip(order, lines, strict=True) if line is not None}
        taken = [schools[one] for one in got]
        if all(taken.count(school) <= most for school, most in maxima.items()) and can_honour(
            [forms[one][line] for one, line in got.items()], seats
        ):
            yield dict(zip(order, lines, strict=True))


def lines_of(problem):
    round_ = ready(problem, SEED)
    numbers = promise_pass(round_, {}).line_at
    return {
        one: None if line < 0 else line for one, line in zip(round_.application_ids, numbers, strict=True)
    }


@individuals
@played(60)
@given(CHANCE)
def test_of_all_outcomes_it_is_the_first_in_the_public_order(kind, chance):
    problem = drawn(chance, people=4, sessions=3, **KINDS[kind])
    assert lines_of(problem) == next(every_outcome(problem))


@individuals
@played(40)
@given(CHANCE)
def test_no_outcome_is_better_for_somebody_and_worse_for_nobody(kind, chance):
    problem = drawn(chance, people=4, sessions=3, **KINDS[kind])
    got = lines_of(problem)
    nothing = len(problem["sessions"]) + 1
    for other in every_outcome(problem):
        gains = [
            (nothing if got[one] is None else got[one]) - (nothing if line is None else line)
            for one, line in other.items()
        ]
        assert min(gains) < 0 or max(gains) == 0


def every_form(names):
    """Every form of lines that do not overlap: 26 for three sessions."""
    yield []
    for size in range(1, len(names) + 1):
        for first in itertools.combinations(names, size):
            for others in every_form([name for name in names if name not in first]):
                yield [list(first), *others]


def profitable_lies(problem, give):
    """(who, what they said) where another form than their own gets somebody a better line of their own."""
    forms = list(every_form([one["id"] for one in problem["sessions"]]))
    batched = {member for batch in problem.get("batches", []) for member in batch["members"]}
    honest = give(problem)
    for place, one in enumerate(problem["applications"]):
        true, others = one["lines"], list(problem["applications"])
        for said in forms if true and one["id"] not in batched else []:
            others[place] = one | {"lines": said}
            got = give(problem | {"applications": others})
            if worth(true, got.get(one["id"])) < worth(true, honest.get(one["id"])):
                yield one["id"], said


def worth(lines, session):
    """The first of one's own lines that has the session; fewer is better."""
    return next((number for number, line in enumerate(lines) if session in line), len(lines))


def by_the_pass(problem):
    round_ = ready(problem, SEED)
    places = promise_pass(round_, {}).place_at
    return {
        one: round_.session_ids[round_.places[place].session]
        for one, place in zip(round_.application_ids, places, strict=True)
        if place >= 0
    }


@pytest.mark.parametrize("kind", ["individuals", "maxima", "batches"])
@played(14)
@given(CHANCE)
def test_no_other_form_than_the_true_one_gets_anybody_more(kind, chance):
    problem = drawn(chance, people=5, sessions=3, **KINDS[kind])
    assert list(profitable_lies(problem, by_the_pass)) == []


def by_first_choices(problem):
    """What is not done here: all first choices before any second one."""
    left = {one["id"]: one["capacity"] for one in problem["sessions"]}
    got = {}
    for number in range(len(left)):
        for one in sorted(problem["applications"], key=lambda one: one["id"]):
            for session in one["lines"][number] if number < len(one["lines"]) else []:
                if left[session] and one["id"] not in got:
                    left[session] -= 1
                    got[one["id"]] = session
    return got


def test_where_first_choices_go_first_a_lie_is_found_that_pays():
    """The search above finds one where there is one."""
    forms = {"p": [["a"]], "q": [["a"], ["b"]], "r": [["b"]]}
    problem = {
        "sessions": [{"id": name, "capacity": 1} for name in "ab"],
        "applications": [{"id": one, "class": 0, "lines": lines} for one, lines in forms.items()],
    }
    assert ("q", [["b"]]) in list(profitable_lies(problem, by_first_choices))


@kinds
@played(40)
@given(CHANCE)
def test_the_order_of_the_file_changes_no_byte(kind, chance):
    problem = drawn(chance, **KINDS[kind])
    assert play(shuffled(chance, problem)) == play(problem)


def shuffled(chance, problem):
    """Every list whose order says nothing, and the members of every object."""

    def mixed(items):
        return chance.sample(items, len(items))

    def stirred(one):
        return {name: one[name] for name in mixed(list(one))}

    parts = {
        "sessions": [stirred(one) for one in mixed(problem["sessions"])],
        "applications": [
            stirred(one | {"lines": [mixed(line) for line in one["lines"]]})
            for one in mixed(problem["applications"])
        ],
        "batches": [
            stirred(one | {"members": mixed(one["members"]), "lines": [mixed(line) for line in one["lines"]]})
            for one in mixed(problem.get("batches", []))
        ],
        "schools": [
            stirred(one | {"reserve": [stirred(kept) for kept in mixed(one.get("reserve", []))]})
            for one in mixed(problem.get("schools", []))
        ],
    }
    return stirred(problem | parts)


def test_the_second_pass_gives_to_all_what_a_school_left():
    """Two seats kept for x, whose people take one: y's second person gets the other in the second pass alone."""
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 3}],
        "applications": [
            {"id": one, "class": number, "lines": [["s"]], "school": one[0]}
            for number, one in enumerate(["y1", "y2", "x1"])
        ],
        "schools": [{"id": "x", "reserve": [{"session": "s", "seats": 2}]}],
    }
    first, kept, final = both_passes(problem, SEED)
    assert (set(first.lines), set(final.lines), list(kept.values())) == (
        {"y1", "x1"},
        {"y1", "y2", "x1"},
        [1],
    )
    told = json.loads(play(problem))
    assert [one["session"] for one in told["first_pass"]["applications"]] == ["s", None, "s"]
    assert [one["session"] for one in told["applications"]] == ["s", "s", "s"]
