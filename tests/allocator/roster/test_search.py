"""The roster that is found is the best there is: against every roster of tiny staffs, and in the same bytes again."""

import json
from random import Random  # noqa: TID251 - seeded staffs of a test

import pytest

from allocator.roster import search
from allocator.roster.check import broken
from allocator.roster.conflict import conflict_of
from allocator.roster.making import NoRoster, make_roster
from allocator.roster.program import SCALE, bound_of, program_of, whole
from allocator.roster.staff import read_staff
from allocator.roster.town import town_of
from fairness.canonical import encode
from tests.allocator.roster.towns import best_by_force, plain, staff_of, window


def made(staff, rounds=20):
    return make_roster(staff, rounds=rounds, seconds_left=lambda: 100.0).roster


def worth(roster):
    return roster.met, -roster.trips, -len(roster.sessions)


def odd(seed):
    """A tiny staff drawn by lot."""
    dice = Random(seed)  # noqa: S311
    hours = [("08:00", "11:00"), ("09:00", "12:00"), ("08:00", "12:00")]
    minimum = [{"type": "yard", "seats": dice.choice([4, 8, 12])}] if dice.random() < 0.5 else []
    return plain(
        types=[
            {"id": "yard", "minutes": 60, "seats": dice.choice([3, 4]), "needs": ["lane", "vehicle"]},
            {"id": "theory", "minutes": dice.choice([60, 120]), "seats": 10, "needs": ["room"]},
        ],
        places=[
            {"id": "lane", "site": "east", "kind": "lane", "types": ["yard"], "at_once": dice.choice([1, 2])},
            {"id": "west-lane", "site": "west", "kind": "lane", "types": ["yard"]},
            {"id": "hall", "site": "west", "kind": "room", "types": ["theory"]},
        ],
        vehicles=[
            {"id": f"car{n}", "site": dice.choice(["east", "west"]), "types": ["yard"]} for n in range(2)
        ],
        examiners=[
            {
                "id": f"e{n}",
                "types": dice.choice([["yard"], ["theory"], ["theory", "yard"]]),
                "hours": [window(*dice.choice(hours))],
                "breaks": dice.choice([[], [window("10:00", "11:00")]]),
                "most_minutes": dice.choice([120, 150, 180, 240]),
            }
            for n in range(2)
        ],
        travel=[{"between": ["east", "west"], "minutes": dice.choice([20, 60, 90])}],
        demand=[
            {"type": "yard", "site": "east", "seats": dice.randint(1, 14), "weight": 3},
            {"type": "yard", "site": "west", "seats": dice.randint(1, 9), "weight": dice.choice([2, 3])},
            {"type": "theory", "seats": dice.randint(5, 25)},
        ],
        minimum=minimum,
    )


@pytest.mark.parametrize("seed", range(24))
def test_no_roster_of_a_tiny_staff_is_better_and_none_means_none(seed):
    staff = read_staff(json.dumps(odd(seed)).encode())
    expected = best_by_force(staff)
    if expected is None:
        with pytest.raises(NoRoster) as refused:
            made(staff)
        assert refused.value.proved_by
        return
    roster = made(staff)
    assert worth(roster) == expected
    assert roster.bound == expected[0]
    assert broken(staff, roster) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_search_for_many_duties_never_passes_the_best_nor_its_bound_falls_below(seed, monkeypatch):
    staff = read_staff(json.dumps(odd(seed)).encode())
    expected = best_by_force(staff)
    monkeypatch.setattr(search, "EVERY_DUTY_LIMIT", 0)
    if expected is None:
        with pytest.raises(NoRoster):
            made(staff)
        return
    roster = made(staff)
    assert roster.met <= expected[0] <= roster.bound
    assert roster.met >= expected[0] * 0.8
    assert broken(staff, roster) == []


@pytest.mark.parametrize("seed", range(6))
def test_any_prices_prove_a_bound_and_good_ones_prove_more(seed):
    dice = Random(seed)  # noqa: S311
    staff = read_staff(json.dumps({**odd(seed), "minimum": []}).encode())
    best = best_by_force(staff)[0]
    program = program_of(town_of(staff))
    for _ in range(20):
        prices = {row: dice.randrange(5 * SCALE) for row in program.bounds}
        assert bound_of(program, "met", prices, whole(program)).bound >= best * SCALE
    assert bound_of(program, "met", {}, whole(program)).bound >= best * SCALE


def test_the_same_input_gives_the_same_bytes(monkeypatch):
    staff = staff_of()
    assert encode(made(staff).plain()) == encode(made(staff).plain())
    monkeypatch.setattr(search, "EVERY_DUTY_LIMIT", 0)
    assert encode(made(staff).plain()) == encode(made(staff).plain())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_input_changes_nothing(seed):
    dice = Random(seed)  # noqa: S311
    given = odd(seed) | {"minimum": []}
    mixed = {
        name: dice.sample(part, len(part)) if isinstance(part, list) and name != "days" else part
        for name, part in given.items()
    }
    assert mixed != given
    one, other = (made(read_staff(json.dumps(staff).encode())) for staff in (given, mixed))
    assert encode(one.plain()) == encode(other.plain())


def test_a_limit_over_all_days_is_kept_and_a_row_of_one_day_is_met_on_it():
    days = ["2026-12-14", "2026-12-15"]
    examiner = {"id": "li", "types": ["yard"], "hours": [window()], "most_minutes_in_all": 300}
    demand = [{"type": "yard", "seats": 12, "day": days[1], "weight": 9}, {"type": "yard", "seats": 40}]
    staff = staff_of(days=days, examiners=[examiner], demand=demand)
    roster = made(staff)
    assert [row.met for row in roster.demand] == [8, 12]
    assert sum(one.day == days[1] for one in roster.sessions) >= 3
    assert len(roster.sessions) == 5


def test_of_several_cars_that_serve_each_session_has_its_own():
    cars = [
        {"id": "any", "site": "east", "types": ["yard", "road"]},
        {"id": "road", "site": "east", "types": ["road"]},
    ]
    kinds = [
        {"id": "yard", "minutes": 60, "seats": 4, "needs": ["vehicle"]},
        {"id": "road", "minutes": 60, "seats": 4, "needs": ["vehicle"]},
    ]
    examiners = [{"id": f"e{n}", "types": ["yard", "road"], "hours": [window()]} for n in range(3)]
    demand = [{"type": "yard", "seats": 16, "weight": 2}, {"type": "road", "seats": 16}]
    staff = staff_of(types=kinds, vehicles=cars, places=[], examiners=examiners, demand=demand)
    roster = made(staff)
    assert roster.met == 48
    assert {one.vehicle for one in roster.sessions if one.type == "yard"} == {"any"}
    assert {one.vehicle for one in roster.sessions if one.type == "road"} == {"road"}


def test_no_conflict_is_named_where_the_minimums_can_be_kept():
    assert conflict_of(staff_of(minimum=[{"type": "yard", "seats": 4}])) is None
