"""All figures of one authority in one place, by service. Imports msgspec and the rules.

An authority sets what differs; what it leaves out is its parent authority's, in the end the defaults here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec

from booking_api.rules.driving_test import TestRules
from booking_api.rules.inspection import InspectionRules
from booking_api.rules.leaving import LeavingRules

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class PlanRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an authority publishes, gives out and takes back.

    `publish_ahead_days`: between publishing and the first session. `closes_days_before`: the day before a session on
    which its bookings close, if the plan does not say. `return_window_s`: a place that was left comes back at a moment
    within so many seconds that nobody can predict; 0 is at once. `hold_ttl_s`: the life of a hold. `check_in_opens_min`: before a session's start.
    """

    publish_ahead_days: Count = 10
    closes_days_before: Count = 1
    return_window_s: Annotated[int, msgspec.Meta(ge=0, le=7 * 86_400)] = 4 * 3_600
    hold_ttl_s: Annotated[int, msgspec.Meta(ge=30, le=3_600)] = 300
    check_in_opens_min: Annotated[int, msgspec.Meta(ge=0, le=1_440)] = 90
    no_shows: bool = True
    """Whether a booking that nobody checked in counts as a no-show; off where sites do not check in."""


class SchoolRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What driving schools may do: whether at all, the largest share of one session, rows a second, substitutions."""

    batches: bool = False
    session_share: Share = 0.2
    rows_per_s: Annotated[float, msgspec.Meta(gt=0, le=1_000)] = 5.0
    substitutions: bool = False


class TestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Driving tests."""

    __test__ = False

    eligibility: TestRules = msgspec.field(default_factory=TestRules)
    leaving: LeavingRules = msgspec.field(default_factory=LeavingRules)
    plans: PlanRules = msgspec.field(default_factory=PlanRules)
    schools: SchoolRules = msgspec.field(default_factory=SchoolRules)


class InspectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vehicle inspection."""

    eligibility: InspectionRules = msgspec.field(default_factory=InspectionRules)
    leaving: LeavingRules = LeavingRules(limit=2, notice_hours=24)
    plans: PlanRules = PlanRules(publish_ahead_days=1, closes_days_before=0)


ServiceSettings = TestSettings | InspectionSettings

SETTINGS: Mapping[str, type[TestSettings] | type[InspectionSettings]] = {
    "driving_test": TestSettings,
    "inspection": InspectionSettings,
}
"""The services that have rules."""


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """What is set, from the ministry's layer down: a later layer's value counts, mappings are merged key by key.

    >>> merge({"leaving": {"limit": 3, "notice_hours": 24}}, {"leaving": {"limit": 5}})
    {'leaving': {'limit': 5, 'notice_hours': 24}}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            known = merged.get(name)
            if isinstance(known, Mapping) and isinstance(value, Mapping):
                merged[name] = merge(cast("Mapping[str, Any]", known), cast("Mapping[str, Any]", value))
            else:
                merged[name] = value
    return merged


def settings_of(service: str, *layers: Mapping[str, Any]) -> ServiceSettings:
    """The settings these layers make of the defaults.

    Raises:
        msgspec.ValidationError: a name or value that a service's settings do not have; it says where.
        KeyError: no such service.
    """
    defaults = msgspec.to_builtins(SETTINGS[service](), str_keys=True)
    return msgspec.convert(merge(defaults, *layers), SETTINGS[service], str_keys=True)
