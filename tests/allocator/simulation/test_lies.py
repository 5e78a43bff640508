"""What lies earn: nothing where everybody in turn gets the best that is left, something where they do not."""

import pytest

from allocator.simulation.demand import BOT
from allocator.simulation.lies import (
    FIRST_ONLY,
    FIRST_TWO,
    LIES,
    NOTHING,
    SAFE_FIRST,
    TRUTH,
    crowding_of,
    earned,
    forms_told,
    lying_alone,
    with_lies,
)
from allocator.simulation.rules import DRAW, FIRST_COME, PROMISE, SEAT_MOST, TIMESTAMP, seat
from fairness.rounds.round import NOBODY
from tests.allocator.simulation.towns import SEEDS, a_town, asked_of, person


def silent(_done, _of):
    """No progress."""


def people_of(asked):
    return [number for number, one in enumerate(asked.people) if one.kind != BOT]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rule", [FIRST_COME, TIMESTAMP, PROMISE])
def test_where_everybody_in_turn_gets_the_best_left_nobody_gains_by_any_lie(rule, seed):
    asked = a_town(seed)
    lying = lying_alone(rule, asked, people_of(asked), silent)
    assert lying.better_off == 0
    assert lying.best == lying.by_lie[TRUTH]
    assert set(lying.chosen.values()) == {TRUTH}
    # The lies are no idle ones: told, they cost something.
    assert lying.by_lie[FIRST_ONLY].rank_sum > lying.by_lie[TRUTH].rank_sum


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rule", [SEAT_MOST, DRAW])
def test_where_the_most_are_seated_and_in_a_draw_many_gain_by_a_lie(rule, seed):
    asked = a_town(seed)
    lying = lying_alone(rule, asked, people_of(asked)[:60], silent)
    assert lying.better_off > 6
    assert lying.best.rank_sum < lying.by_lie[TRUTH].rank_sum


def test_naming_the_first_choice_alone_raises_its_chance_where_the_most_are_seated():
    asked = a_town(SEEDS[0])
    lying = lying_alone(SEAT_MOST, asked, people_of(asked)[:80], silent)
    assert lying.by_lie[FIRST_ONLY].first > lying.by_lie[TRUTH].first


def run_with_each_lie(rule, asked, liars):
    """The long way: the whole rule again for every lie of everybody. By person, what each lie earns."""
    return {
        liar: {
            lie: earned(asked.forms[liar], seat(rule, with_lies(asked, {liar: lie}))[liar])
            for lie in (TRUTH, *LIES)
        }
        for liar in liars
    }


@pytest.mark.parametrize("rule", [FIRST_COME, TIMESTAMP, DRAW, PROMISE])
def test_what_a_liar_finds_at_their_turn_is_what_the_rule_gives_when_it_is_run_with_the_lie(rule):
    asked = a_town(SEEDS[1], applications=60, sessions=8)
    liars = people_of(asked)
    found = run_with_each_lie(rule, asked, liars)
    lying = lying_alone(rule, asked, liars, silent)
    # Who has a promise of several sessions may be moved within it later, to one that is a better line of the true form.
    for lie in (TRUTH, FIRST_ONLY, FIRST_TWO) if rule == PROMISE else (TRUTH, *LIES):
        assert lying.by_lie[lie] == sum((found[liar][lie] for liar in liars), NOTHING)


def test_no_later_move_makes_a_lie_pay_by_the_promise_pass():
    asked = a_town(SEEDS[1], applications=60, sessions=8)
    for of_lies in run_with_each_lie(PROMISE, asked, people_of(asked)).values():
        assert min(what.rank_sum for what in of_lies.values()) == of_lies[TRUTH].rank_sum


def test_a_seat_on_no_true_line_is_worth_no_more_than_none():
    form = ((0,), (1, 2))
    assert earned(form, 0) == (1, 1, 1, 1)
    assert earned(form, 2) == (1, 0, 1, 2)
    assert earned(form, 7) == earned(form, NOBODY) == (1, 0, 0, 3)


def test_lies_are_true_lines_told_shorter_or_in_another_order():
    people = [person("a", [(0,), (1,), (2,)]), person("b", [(0,)]), person("c", [(1,), (0,)])]
    asked = asked_of(people, [1, 1, 1])
    told = forms_told(people[0].form, crowding_of(asked))
    assert told[FIRST_ONLY] == ((0,),)
    assert told[SAFE_FIRST] == ((2,), (1,), (0,))
    assert all(set(form) <= set(people[0].form) for form in told.values())


def test_a_lie_told_by_all_who_gain_is_told_by_them_alone():
    asked = a_town(SEEDS[0], applications=60, sessions=8)
    lied = with_lies(asked, {3: FIRST_ONLY})
    assert [one for one in range(60) if lied.forms[one] != asked.forms[one]] == [3]
