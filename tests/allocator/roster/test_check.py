"""The checker refuses a roster that is bent in one place, whichever rule the place belongs to."""

import msgspec
import pytest

from allocator.roster import making
from allocator.roster.check import broken
from allocator.roster.making import SolverWrong, make_roster
from allocator.roster.outcome import Roster, Session, met_of
from allocator.roster.town import town_of
from tests.allocator.roster.towns import DAY, staff_of, window


def session(name, kind, site, hours, examiner, **things):
    start, end = hours.split("-")
    seats = {"yard": 4, "theory": 10}[kind]
    return Session(name, seats, kind, site, DAY, start, end, examiner, **things)


YARD = {"vehicle": "car", "lane": "lane"}
FIRST = session("a", "yard", "east", "08:00-09:00", "li", **YARD)
OTHER = session("b", "yard", "east", "09:00-10:00", "wu", **YARD)
THEORY = session("c", "theory", "west", "10:00-12:00", "li", room="hall")


def straight(staff, sessions):
    """A roster of these sessions whose sums are right."""
    rows, met = met_of(town_of(staff), sessions)
    trips = int({one.site for one in sessions if one.examiner == "li"} == {"east", "west"})
    seats = sum(one.capacity for one in sessions)
    return Roster(1, sessions, seats, met, met + 1, "prices", trips, rows, [])


def bent(at, **changes):
    sessions = [FIRST, OTHER, THEORY]
    sessions[at] = msgspec.structs.replace(sessions[at], **changes)
    return sessions


def test_a_straight_roster_breaks_nothing():
    staff = staff_of()
    assert broken(staff, straight(staff, [FIRST, OTHER, THEORY])) == []


BENDS = [
    (bent(1, id="a"), {}, "a is there twice"),
    (bent(0, examiner="nobody"), {}, "there is no examiner nobody"),
    (bent(0, lane="hall"), {}, "there is no lane hall"),
    (bent(0, start="8:00"), {}, "is no clock time"),
    (bent(0, day="2026-12-15"), {}, "there is no day 2026-12-15"),
    (bent(0, end="09:30"), {}, "lasts 90 minutes, yard lasts 60"),
    (bent(0, start="08:30", end="09:30"), {}, "not on a slot of 60 minutes"),
    (bent(0, capacity=5), {}, "has 5 seats, yard has 4"),
    (bent(2, start="08:00", end="10:00"), {}, "outside the opening hours of west"),
    (bent(2, examiner="wu"), {}, "wu may not examine theory"),
    (bent(1, start="10:00", end="11:00"), {}, "wu has a break within 10:00-11:00"),
    (bent(1, examiner="li", start="08:00", end="09:00"), {}, "li cannot examine both at once"),
    (bent(1, start="08:00", end="09:00"), {}, "vehicle car has 2 sessions at 08:00, it takes 1"),
    (bent(1, start="08:00", end="09:00"), {}, "lane lane has 2 sessions at 08:00, it takes 1"),
    (bent(1, vehicle=None), {}, "has no vehicle, yard needs one"),
    (bent(2, vehicle="car"), {}, "has a vehicle, theory needs none"),
    (bent(1, site="west"), {}, "vehicle car is at east"),
    ([THEORY, session("d", "yard", "east", "09:00-10:00", "li", **YARD)], {}, "li needs 30 minutes from east"),
    ([FIRST, OTHER, THEORY], {"travel": []}, "there is no way from east for li"),
    ([FIRST, OTHER, THEORY], {"vehicles": [{"id": "car", "site": "east", "types": []}]}, "does not serve yard"),
    ([FIRST, OTHER, THEORY], {"vehicles": [{"id": "car", "site": "east", "types": ["yard"], "hours": [window("09:00")]}]}, "outside the hours of vehicle car"),
    ([FIRST, OTHER, THEORY], {"examiners": [{"id": "li", "types": ["yard", "theory"], "hours": [window("09:00")]}, {"id": "wu", "types": ["yard"], "hours": [window()]}]}, "outside the hours of li"),
    ([FIRST, OTHER, THEORY], {"examiners": [{"id": "li", "types": ["yard", "theory"], "hours": [window()], "most_minutes": 209}, {"id": "wu", "types": ["yard"], "hours": [window()]}]}, "li is at work for 210 minutes on 2026-12-14, 209 are the most"),
    ([FIRST, OTHER, THEORY], {"examiners": [{"id": "li", "types": ["yard", "theory"], "hours": [window()], "most_minutes_in_all": 209}, {"id": "wu", "types": ["yard"], "hours": [window()]}]}, "210 minutes in all"),
    ([FIRST, OTHER, THEORY], {"minimum": [{"type": "yard", "site": "east", "seats": 9}]}, "8 seats of yard at east, 9 are the minimum"),
]  # fmt: skip


@pytest.mark.parametrize(("sessions", "changes", "says"), BENDS, ids=[says for _, _, says in BENDS])
def test_one_bend_is_found_and_named(sessions, changes, says):
    roster = Roster(1, sessions, 0, 0, 0, "prices", 0, [], [])
    assert any(says in sentence for sentence in broken(staff_of(**changes), roster))


@pytest.mark.parametrize(
    ("field", "value"), [("seats", 1), ("met", 1), ("bound", 1), ("trips", 5), ("demand", [])]
)
def test_sums_that_are_not_the_sessions_own_are_found(field, value):
    staff = staff_of()
    roster = msgspec.structs.replace(straight(staff, [FIRST, OTHER, THEORY]), **{field: value})
    assert any(sentence.startswith((field, "met")) for sentence in broken(staff, roster))


def test_nothing_the_checker_refuses_is_handed_out(monkeypatch):
    staff = staff_of()
    assert make_roster(staff, rounds=1, seconds_left=lambda: 60.0).roster.sessions
    monkeypatch.setattr(making, "sessions_of", lambda *_: bent(1, start="08:00", end="09:00"))
    with pytest.raises(SolverWrong, match="breaks a rule"):
        make_roster(staff, rounds=1, seconds_left=lambda: 60.0)
