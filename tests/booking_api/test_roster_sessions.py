"""A roster and its staff, as a simulation takes them: held against every rule before a board is drawn."""

import json

import pytest

from allocator.roster.making import make_roster
from allocator.roster.staff import read_staff
from booking_api.cli import Unusable
from booking_api.cli.roster_sessions import read_board
from fairness.canonical import encode
from tests.allocator.roster.towns import plain


@pytest.fixture
def files(tmp_path):
    roster, staff = tmp_path / "sessions.json", tmp_path / "staff.json"
    staff.write_text(json.dumps(plain()))
    made = make_roster(read_staff(staff.read_bytes()), rounds=0, seconds_left=lambda: 60.0)
    roster.write_bytes(encode(made.roster.plain()))
    return roster, staff


def test_a_roster_of_its_staff_has_a_board(files):
    board = read_board(*files)
    assert board.examiners == 2
    assert board.drawing.startswith("<svg")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("start", "zz", "start: 'zz' is no clock time, write 08:30"),
        ("end", "99:99", "end: '99:99' is no clock time, write 08:30"),
        ("start", "18:00", "minutes, yard lasts 60"),
        ("start", "08:10", "minutes, yard lasts 60"),
        ("vehicle", "moon", "there is no vehicle moon"),
        ("lane", "moon", "there is no lane moon"),
        ("room", "moon", "there is no room moon"),
        ("examiner", "a\nb", "there is no examiner a\\nb"),
        ("day", "2026-12-15", "there is no day 2026-12-15"),
    ],
)
def test_a_roster_that_is_not_of_the_staff_is_refused_with_the_rule(files, field, value, said):
    roster, staff = files
    told = json.loads(roster.read_text())
    next(one for one in told["sessions"] if one["type"] == "yard")[field] = value
    roster.write_text(json.dumps(told))
    with pytest.raises(Unusable) as refused:
        read_board(roster, staff)
    assert refused.value.message.startswith(f"--staff: {roster} is no roster of {staff}: ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message
