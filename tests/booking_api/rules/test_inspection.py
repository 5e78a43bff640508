"""Inspection eligibility and leaving a booking: real cases, and first days that hold."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_api.rules import (
    InspectionRules,
    LeavingRules,
    Vehicle,
    check_inspection,
    check_leaving,
    first_inspection_day,
    inspection_window,
)
from booking_api.rules.inspection import working_days_later
from booking_api.rules.refusal import add_months

RULES = InspectionRules()
TODAY = date(2026, 11, 25)  # a Wednesday
NONE_OFF: frozenset[date] = frozenset()


def refused(vehicle: Vehicle, day: date, *, today: date = TODAY, days_off=NONE_OFF) -> dict[str, date | None]:
    found = check_inspection(vehicle, day=day, today=today, days_off=days_off, rules=RULES)
    return {refusal.rule: refusal.first_day for refusal in found}


SOON = date(2026, 12, 31)
CASES = [
    ("within the window", Vehicle(SOON), date(2026, 12, 1), {}),
    ("late is still inspected", Vehicle(date(2026, 1, 1)), date(2026, 12, 1), {}),
    ("first day of the window", Vehicle(date(2027, 2, 28)), date(2026, 11, 28), {}),
    ("the day before it", Vehicle(date(2027, 2, 28)), date(2026, 11, 27), {"inspection_too_early": date(2026, 11, 28)}),
    ("15 working days ahead", Vehicle(SOON), date(2026, 12, 16), {}),
    ("16 working days ahead", Vehicle(SOON), date(2026, 12, 17), {"too_far_ahead": date(2026, 11, 26)}),
    ("violations", Vehicle(SOON, open_violations=2), date(2026, 12, 1), {"violations_open": None}),
    ("two no-shows", Vehicle(SOON, no_shows=[date(2026, 10, 1), date(2026, 11, 2)]), date(2026, 12, 1), {}),
    ("three no-shows", Vehicle(SOON, no_shows=[date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 2)]), date(2026, 12, 1), {"locked_after_no_shows": date(2027, 1, 2)}),
    ("two in a row", Vehicle(SOON, missed_in_a_row=2), date(2026, 12, 1), {"missed_in_a_row": None}),
]  # fmt: skip


@pytest.mark.parametrize(("vehicle", "day", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_case_is_refused_by_its_rules_and_no_other(vehicle, day, expected):
    assert refused(vehicle, day) == expected


vehicles = st.builds(
    Vehicle,
    st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    st.integers(0, 1),
    st.lists(st.dates(date(2026, 1, 1), TODAY), max_size=4),
    st.integers(0, 2),
)
holidays = st.frozensets(st.dates(TODAY, date(2027, 12, 31)), max_size=20)


@given(vehicle=vehicles, ahead=st.integers(0, 300), days_off=holidays)
def test_a_rules_first_day_ends_that_rule_and_the_day_before_does_not(vehicle, ahead, days_off):
    day = TODAY + timedelta(days=ahead)
    for rule, first in refused(vehicle, day, days_off=days_off).items():
        if first is None:
            continue
        eve = first - timedelta(days=1)
        if rule == "too_far_ahead":
            assert rule in refused(vehicle, day, today=eve, days_off=days_off)
            assert rule not in refused(vehicle, day, today=first, days_off=days_off)
        else:
            assert rule in refused(vehicle, eve, days_off=days_off)
            assert rule not in refused(vehicle, first, days_off=days_off)


@given(vehicle=vehicles)
def test_the_first_day_for_a_vehicle_is_free_of_refusals_when_it_comes(vehicle):
    first = first_inspection_day(vehicle, today=TODAY, rules=RULES)
    if first is None:
        assert set(refused(vehicle, TODAY)) & {"violations_open", "missed_in_a_row"}
        return
    assert refused(vehicle, first, today=first) == {}
    if first > TODAY:
        eve = first - timedelta(days=1)
        assert refused(vehicle, eve, today=eve)


@given(start=st.dates(TODAY, date(2027, 6, 1)), count=st.integers(1, 20), days_off=holidays)
def test_working_days_are_counted_one_by_one(start, count, days_off):
    end = working_days_later(start, count, days_off=days_off)
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(day.weekday() < 5 and day not in days_off for day in between) == count
    assert end.weekday() < 5
    assert end not in days_off


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
    ],
)
def test_months_end_where_months_end(day, months, expected):
    assert add_months(day, months) == expected


def test_the_window_opens_three_months_before():
    assert inspection_window(Vehicle(date(2027, 5, 31)), RULES) == date(2027, 2, 28)


START = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "left_before", "expected"),
    [
        (START - timedelta(hours=24), 2, set()),
        (START - timedelta(hours=24) + timedelta(seconds=1), 0, {"leaving_too_late"}),
        (START - timedelta(days=3), 3, {"leaving_limit"}),
        (START, 7, {"leaving_limit", "leaving_too_late"}),
    ],
)
def test_leaving_has_a_last_moment_and_a_limit(now, left_before, expected):
    found = check_leaving(starts_at=START, now=now, left_before=left_before, rules=LeavingRules())
    assert {refusal.rule for refusal in found} == expected
    assert all(refusal.first_day is None for refusal in found)
