"""May this vehicle be inspected on this day? Imports the standard library, msgspec and `refusal`."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from booking_api.rules.refusal import Days, Months, Refusal, Times, add_months, latest_first_day


class InspectionRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authority's figures."""

    window_months: Months = 3
    ahead_working_days: Days = 15
    no_shows_limit: Times = 2
    lock_months: Months = 2
    no_shows_in_a_row_limit: Times = 2


class Vehicle(msgspec.Struct, frozen=True):
    """What rules ask about a vehicle.

    `valid_until`: its present inspection's last day. `no_shows`: days of appointments missed since the last
    inspection. `missed_in_a_row`: how many appointments up to now were missed one after the other.
    """

    valid_until: date
    open_violations: int = 0
    no_shows: Sequence[date] = ()
    missed_in_a_row: int = 0


def inspection_window(vehicle: Vehicle, rules: InspectionRules) -> date:
    """The first day of the window; it has no end, for a late vehicle must be inspected too."""
    return add_months(vehicle.valid_until, -rules.window_months)


def check_inspection(
    vehicle: Vehicle, *, day: date, today: date, days_off: frozenset[date], rules: InspectionRules
) -> list[Refusal]:
    """Every rule that stands against an appointment on this day, booked today. `days_off`: holidays beside weekends.

    The first day of `too_far_ahead` is the day to ask again; that of every other rule is a day for the appointment.
    """
    found = [
        _too_early(vehicle, day, rules),
        _too_far_ahead(day, today, days_off, rules),
        _violations(vehicle),
        _locked(vehicle, day, rules),
        _blacklisted(vehicle, rules),
    ]
    return [refusal for refusal in found if refusal is not None]


def first_inspection_day(vehicle: Vehicle, *, today: date, rules: InspectionRules) -> date | None:
    """The first day from today on for which this vehicle could have an appointment once it is near enough to book."""
    found = [_too_early(vehicle, today, rules), _violations(vehicle), _locked(vehicle, today, rules)]
    refusals = [refusal for refusal in (*found, _blacklisted(vehicle, rules)) if refusal is not None]
    return latest_first_day(refusals) if refusals else today


def working_days_later(start: date, days: int, *, days_off: frozenset[date]) -> date:
    """The working day so many working days after `start`; weekends and `days_off` do not count.

    >>> working_days_later(date(2026, 11, 27), 1, days_off=frozenset())
    datetime.date(2026, 11, 30)
    """
    day = start
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in days_off
    return day


def _too_early(vehicle: Vehicle, day: date, rules: InspectionRules) -> Refusal | None:
    opens = inspection_window(vehicle, rules)
    if day >= opens:
        return None
    facts = {"valid_until": vehicle.valid_until, "window_months": rules.window_months}
    return Refusal("inspection_too_early", facts, opens)


def _too_far_ahead(
    day: date, today: date, days_off: frozenset[date], rules: InspectionRules
) -> Refusal | None:
    last = working_days_later(today, rules.ahead_working_days, days_off=days_off)
    if day <= last:
        return None
    facts = {"last_bookable": last, "ahead_working_days": rules.ahead_working_days}
    return Refusal("too_far_ahead", facts, _bookable_from(day, days_off, rules))


def _bookable_from(day: date, days_off: frozenset[date], rules: InspectionRules) -> date:
    """The day to ask on: the first one from which `day` is near enough."""
    asked = day
    while working_days_later(asked - timedelta(days=1), rules.ahead_working_days, days_off=days_off) >= day:
        asked -= timedelta(days=1)
    return asked


def _violations(vehicle: Vehicle) -> Refusal | None:
    if not vehicle.open_violations:
        return None
    return Refusal("violations_open", {"open": vehicle.open_violations}, None)


def _locked(vehicle: Vehicle, day: date, rules: InspectionRules) -> Refusal | None:
    if len(vehicle.no_shows) <= rules.no_shows_limit:
        return None
    ends = add_months(max(vehicle.no_shows), rules.lock_months)
    if day >= ends:
        return None
    facts = {
        "no_shows": len(vehicle.no_shows),
        "limit": rules.no_shows_limit,
        "lock_months": rules.lock_months,
    }
    return Refusal("locked_after_no_shows", facts, ends)


def _blacklisted(vehicle: Vehicle, rules: InspectionRules) -> Refusal | None:
    if vehicle.missed_in_a_row < rules.no_shows_in_a_row_limit:
        return None
    return Refusal("missed_in_a_row", {"missed": vehicle.missed_in_a_row}, None)
