"""The five rules on towns small enough to see through, and by brute force."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.bound import bound_of
from allocator.simulation.demand import BOT
from allocator.simulation.figures import wanting
from allocator.simulation.rules import (
    DRAW,
    FIRST_COME,
    PROMISE,
    RULES,
    SEAT_MOST,
    TIMESTAMP,
    order_of,
    round_of,
    seat,
)
from fairness.rounds.round import NOBODY
from tests.allocator.simulation.towns import SEEDS, a_town, asked_of, person

ONE, TWO = (0,), (1,)


def test_who_comes_first_is_served_first_and_a_bot_is_faster():
    people = [person("slow", [ONE], arrival_s=60), person("bot", [ONE], kind=BOT, arrival_s=1)]
    assert seat(FIRST_COME, asked_of(people, [1])) == [NOBODY, 0]
    assert seat(FIRST_COME, asked_of(people, [2])) == [0, 0]


def test_the_timestamp_ranks_whoever_was_accepted_earlier():
    people = [person("late", [ONE], accepted_at_s=9, weeks=5), person("early", [ONE, TWO], accepted_at_s=3)]
    assert seat(TIMESTAMP, asked_of(people, [1, 1])) == [NOBODY, 0]


def test_a_draw_gives_the_first_line_or_nothing():
    people = [person(name, [ONE, TWO]) for name in "abc"]
    seats = seat(DRAW, asked_of(people, [1, 3]))
    assert sorted(seats) == [NOBODY, NOBODY, 0]


def test_a_draw_asks_nobody_how_long_they_waited():
    people = [person("new", [ONE]), person("old", [ONE], weeks=9)]
    seeds = [bytes([number]) * 32 for number in range(20)]
    assert {tuple(seat(DRAW, asked_of(people, [1], seed))) for seed in seeds} == {(0, NOBODY), (NOBODY, 0)}
    assert {tuple(seat(PROMISE, asked_of(people, [1], seed))) for seed in seeds} == {(NOBODY, 0)}


def test_the_promise_pass_moves_somebody_within_their_line_where_the_timestamp_rank_does_not():
    people = [
        person("ahead", [(0, 1)], weeks=5, accepted_at_s=1),
        person("behind", [ONE], weeks=1, accepted_at_s=2),
    ]
    assert seat(PROMISE, asked_of(people, [1, 1])) == [1, 0]
    assert seat(TIMESTAMP, asked_of(people, [1, 1])) == [0, NOBODY]


def test_an_order_is_asked_only_of_rules_that_have_one():
    with pytest.raises(ValueError, match="no order"):
        order_of(SEAT_MOST, asked_of([], []))


forms = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(forms, st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_seating_the_most_is_the_best_of_all_ways(wanted, capacities):
    people = [person(f"p{number}", [(one,) for one in form]) for number, form in enumerate(wanted)]
    got = seat(SEAT_MOST, asked_of(people, capacities))
    possible = [
        chosen
        for chosen in itertools.product(*([NOBODY, *form] for form in wanted))
        if all(chosen.count(session) <= seats for session, seats in enumerate(capacities))
    ]

    def worth(chosen):
        lines = [form.index(one) for form, one in zip(wanted, chosen, strict=True) if one != NOBODY]
        return len(lines), -sum(lines)

    assert tuple(got) in possible
    assert worth(got) == max(map(worth, possible))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_oversells_and_everybody_sits_in_a_session_they_named(rule, seed):
    asked = a_town(seed)
    seats = seat(rule, asked)
    assert all(seats.count(session) <= capacity for session, capacity in enumerate(asked.capacities))
    for form, session in zip(asked.forms, seats, strict=True):
        assert session == NOBODY or any(session in line for line in form)


@pytest.mark.parametrize("seed", SEEDS)
def test_seating_the_most_reaches_the_bound_and_no_other_rule_passes_it(seed):
    asked = a_town(seed)
    bound, _ = bound_of(round_of(asked))
    seated = {rule: sum(session != NOBODY for session in seat(rule, asked)) for rule in RULES}
    assert seated[SEAT_MOST] == bound == max(seated.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_passed_over_by_the_promise_pass_and_two_who_swap_seats_are_found(seed):
    asked = a_town(seed)
    order, seats = order_of(PROMISE, asked), seat(PROMISE, asked)
    assert [one.count for one in wanting(asked.people, seats, order, asked.capacities)] == [0, 0]
    first = next(one for one in order if seats[one] in asked.forms[one][0])
    seats[first] = NOBODY
    envy, waste = wanting(asked.people, seats, order, asked.capacities)
    assert waste.count > 0
    assert envy.count > 0
    assert wanting(asked.people, seat(SEAT_MOST, asked), order, asked.capacities)[0].count > 0


def test_the_order_of_the_file_changes_nothing_where_people_have_turns():
    asked = a_town(SEEDS[0])
    turned = asked._replace(people=asked.people[::-1], forms=asked.forms[::-1])
    for rule in (FIRST_COME, TIMESTAMP, DRAW, PROMISE):
        assert seat(rule, turned)[::-1] == seat(rule, asked)
