"""Measures against counting one by one, of seatings of every kind: by the rule envy and waste would all be 0."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairness.rounds.measures import measure
from fairness.rounds.passed import BatchPassed, Passed
from fairness.rounds.round import NEVER, NOBODY
from tests.allocator.by_the_rule import Pass, Place, Told, public_order, reserves_of
from tests.allocator.playing import KINDS, SEED, drawn, play
from tests.allocator.rounds import ready
from tests.allocator.told_by_the_rule import measures_of
from tests.fairness.rounds.forging import canonical

CHANCE = st.randoms(use_true_random=True)


def some_seating(chance, problem):
    """People and batches in the order of a lot, in a line of theirs that has room, within maxima; often in none."""
    rules = Pass(problem, SEED, reserves_of(problem))
    left, told = dict(rules.maxima), Told({}, {}, {}, {}, {}, set())
    for turn in chance.sample(rules.turns, len(rules.turns)):
        schools = [rules.schools[member] for member in turn.members]
        within = all(left.get(school, 99) >= schools.count(school) for school in schools)
        lines = [number for number in range(len(turn.lines)) if chance.randint(0, 2)]
        if not lines or not within:
            continue
        number = chance.choice(lines)
        session = [chance.choice(turn.lines[number])]
        places = dict(told.places)
        for member in turn.members:
            taken = list(places.values())
            room = [one for one in rules.line_of(member, session) if taken.count(one) < rules.seats[one]]
            if room:
                places[member] = chance.choice(room)
        if places.keys() >= set(turn.members):
            told.places.update(places)
            told.lines.update(dict.fromkeys(turn.members, number))
            told.batch_lines.update({} if turn.batch is None else {turn.batch: number})
            for school in schools:
                left[school] = left.get(school, 99) - 1
    return told._replace(barred=barred_of(rules, told))


def barred_of(rules, told):
    """Who has no seat and would have been above their school's maximum with one, counted in the order of turns."""
    left, barred = dict(rules.maxima), set()
    for turn in rules.turns:
        schools = [rules.schools[member] for member in turn.members]
        if turn.members[0] in told.places:
            left |= {school: left.get(school, 99) - schools.count(school) for school in schools}
        elif turn.lines and any(left.get(school, 99) < schools.count(school) for school in schools):
            barred.update(turn.members)
    return barred


def as_passed(round_, told):
    number = {
        Place(
            round_.session_ids[place.session],
            None if place.school is None else round_.school_ids[place.school],
        ): at
        for at, place in enumerate(round_.places)
    }
    return Passed(
        [told.lines.get(one, NOBODY) for one in round_.application_ids],
        [number[told.places[one]] if one in told.places else NOBODY for one in round_.application_ids],
        [NEVER] * len(round_.places),
        [BatchPassed(told.batch_lines.get(party.id, NOBODY), ()) for party in round_.parties],
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, deadline=None)
@given(CHANCE)
def test_measures_are_what_is_counted_one_by_one(kind, chance):
    problem = drawn(chance, people=8, **KINDS[kind])
    told, round_ = some_seating(chance, problem), ready(problem, SEED)
    counted = measures_of(problem, public_order(problem, SEED), told, reserves_of(problem))
    measures = measure(round_, round_.reserves, as_passed(round_, told))
    assert json.loads(canonical_of(measures)) == counted


def canonical_of(measures):
    return canonical(
        {
            "applications": measures.applications,
            "seated": measures.seated,
            "by_line": measures.by_line,
            "barred": measures.barred,
            "envy": {"people": measures.envy.people, "batches": measures.envy.batches},
            "waste": {"people": measures.waste.people, "batches": measures.waste.batches},
            "schools": [
                {name: getattr(one, name) for name in ("id", "seated", "of", "ratio")}
                for one in measures.schools
            ],
        }
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(CHANCE)
def test_by_the_rule_nobody_envies_and_nothing_is_wasted(kind, chance):
    """Not even batches: what is refused to one is too full of those ahead of it, and stays so."""
    measures = json.loads(play(drawn(chance, people=8, **KINDS[kind])))["measures"]
    assert (measures["envy"], measures["waste"]) == ({"people": 0, "batches": 0}, {"people": 0, "batches": 0})


def seated(problem, places, batch_lines):
    round_ = ready(problem, SEED)
    told = Told(places, dict.fromkeys(places, 0), batch_lines, {}, {}, set())
    return measure(round_, round_.reserves, as_passed(round_, told))


def test_the_members_of_a_batch_each_have_their_schools_reserve():
    """A seat kept for x and one for y are two seats for a batch of x and y: free ones are waste, those of people behind envy."""
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 2}],
        "applications": [
            {"id": one, "class": number, "lines": [] if one[0] == "g" else [["s"]], "school": one[1]}
            for number, one in enumerate(["gx", "gy", "px", "py"])
        ],
        "batches": [{"id": "g", "members": ["gx", "gy"], "lines": [["s"]]}],
        "schools": [{"id": one, "reserve": [{"session": "s", "seats": 1}]} for one in "xy"],
    }
    for there, envy, waste in [([], 0, 1), (["px"], 1, 0), (["px", "py"], 1, 0)]:
        measures = seated(problem, {one: Place("s", one[1]) for one in there}, {})
        assert (measures.envy.batches, measures.waste.batches) == (envy, waste)


def test_rates_are_beside_the_best_schools():
    """29 CFR 1607.4(D): a ratio below 4/5 is generally adverse impact."""
    of = {"x": 3, "y": 2, None: 4}
    ids = [f"{school}{number}" for school, count in of.items() for number in range(count)]
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 9}],
        "applications": [
            {"id": one, "class": 0, "lines": [["s"]], **({} if one[0] == "N" else {"school": one[0]})}
            for one in ids
        ],
    }
    measures = seated(problem, {one: Place("s", None) for one in ["x0", "y0", "y1", "None0"]}, {})
    assert [(one.id, one.seated, one.of, one.ratio) for one in measures.schools] == [
        ("", 1, 4, "1/4"),
        ("x", 1, 3, "1/3"),
        ("y", 2, 2, "1"),
    ]
    assert {one.ratio for one in seated(problem, {}, {}).schools} == {None}


def test_nobody_envies_themselves():
    """The same session is in a batch's better line, and it is its own members who sit there."""
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 1}],
        "applications": [{"id": "m", "class": 0, "lines": []}],
        "batches": [{"id": "g", "members": ["m"], "lines": [["s"], ["s"]]}],
    }
    round_ = ready(problem, SEED)
    measures = measure(round_, {}, Passed([1], [0], [NEVER], [BatchPassed(1, ())]))
    assert (measures.envy.batches, measures.waste.batches, measures.by_line) == (0, 0, [0, 1])
