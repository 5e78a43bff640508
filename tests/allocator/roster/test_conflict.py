"""What cannot be met is told as a set of rules that really conflict, each of them needed."""

from itertools import combinations

import pytest

from allocator.roster.conflict import attainable, conflict_of, impossible, with_only
from allocator.roster.making import NoRoster, make_roster
from allocator.roster.search import Limits, find
from allocator.roster.staff import StaffUnusable
from allocator.roster.town import town_of
from tests.allocator.roster.towns import best_by_force, staff_of, window

CASES = {
    "one lane": ({"minimum": [{"type": "yard", "seats": 20}], "vehicles": [{"id": f"c{n}", "site": "east", "types": ["yard"]} for n in range(9)]}, {"lane", "open"}),
    "one car": ({"minimum": [{"type": "yard", "site": "east", "seats": 20}], "places": [{"id": "l", "site": "east", "kind": "lane", "types": ["yard"], "at_once": 9}]}, {"vehicle", "open"}),
    "nobody qualified": ({"minimum": [{"type": "theory", "seats": 10}], "examiners": [{"id": "wu", "types": ["yard"], "hours": [window()]}]}, {"staff", "qualified"}),
    "hours": ({"minimum": [{"type": "theory", "seats": 10}], "examiners": [{"id": "wu", "types": ["theory"], "hours": [window("08:00", "10:00")]}]}, {"staff", "hours"}),
    "break": ({"minimum": [{"type": "theory", "seats": 10}], "examiners": [{"id": "wu", "types": ["theory"], "hours": [window()], "breaks": [window("10:00", "11:00")]}]}, {"staff", "breaks"}),
    "minutes": ({"minimum": [{"type": "yard", "seats": 8}], "examiners": [{"id": "wu", "types": ["yard"], "hours": [window()], "most_minutes": 60}]}, {"staff", "most"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_rules_named_conflict_and_no_fewer_of_them_do(name):
    changes, kinds = CASES[name]
    staff = staff_of(**changes)
    assert best_by_force(staff) is None
    conflict = conflict_of(staff)
    assert conflict.minimal
    assert kinds <= {rule.kind for rule in conflict.rules}
    assert impossible(with_only(staff, conflict.rules))
    for size in range(len(conflict.rules)):
        for fewer in combinations(conflict.rules, size):
            assert attainable(with_only(staff, fewer))


def test_a_way_too_long_is_named():
    examiner = {"id": "wu", "types": ["theory", "yard"], "hours": [window()]}
    way = {"between": ["east", "west"], "minutes": 120}
    minimum = [{"type": "theory", "seats": 10}, {"type": "yard", "seats": 4}]
    staff = staff_of(minimum=minimum, examiners=[examiner], travel=[way])
    assert best_by_force(staff) is None
    conflict = conflict_of(staff)
    assert "travel" in {rule.kind for rule in conflict.rules}
    assert impossible(with_only(staff, conflict.rules))


def test_a_conflict_is_told_in_sentences_with_figures():
    staff = staff_of(minimum=[{"type": "yard", "site": "east", "seats": 20}])
    with pytest.raises(NoRoster) as refused:
        make_roster(staff, rounds=5, seconds_left=lambda: 60.0)
    assert (
        "At least 20 seats of yard at east are asked for: 5 sessions of 60 minutes with 4 seats."
        in refused.value.reasons
    )
    assert any("08:00-12:00; 20 seats there need 2 at once" in reason for reason in refused.value.reasons)
    assert "Site east is open 08:00-12:00." in refused.value.reasons
    assert refused.value.minimal


def test_a_lane_that_is_missing_is_told_as_missing():
    with pytest.raises(NoRoster) as refused:
        make_roster(
            staff_of(minimum=[{"type": "yard", "site": "west", "seats": 1}]),
            rounds=1,
            seconds_left=lambda: 60.0,
        )
    assert any(reason.startswith("Site west has no ") for reason in refused.value.reasons)


def test_what_is_not_proved_is_said_to_be_unproved(monkeypatch):
    staff = staff_of(minimum=[{"type": "yard", "site": "east", "seats": 20}])
    monkeypatch.setattr("allocator.roster.making.conflict_of", lambda *_: None)
    with pytest.raises(NoRoster) as refused:
        make_roster(staff, rounds=1, seconds_left=lambda: 60.0)
    assert refused.value.proved_by is None
    assert "1 sessions short. That there is none is not proved" in refused.value.reasons[0]


def test_prices_prove_what_the_solver_finds():
    found = find(
        town_of(staff_of(minimum=[{"type": "yard", "seats": 20}])), Limits(5, lambda: 60.0), lambda _: None
    )
    assert found.worth[0] == -1
    assert found.short_proved == "prices"


def test_minimums_beyond_any_centre_are_refused_as_input():
    with pytest.raises(StaffUnusable, match="minimum: seats"):
        staff_of(minimum=[{"type": "yard", "seats": 100_001}])
