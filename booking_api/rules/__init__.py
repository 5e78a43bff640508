"""Who may take part, and why not: pure rules over a person's facts and an authority's figures.

Nothing here reads a clock, a database or the network; the day is an argument. Every refusal names the rule, the facts
it rests on, and the first day on which it would pass. Imports the standard library and msgspec only.
"""

from booking_api.rules.driving_test import (
    Attempt,
    Certificate,
    Learner,
    Outcome,
    Quota,
    Reach,
    TestRules,
    TestWish,
    check_test,
    first_test_day,
    has_priority,
    waiting_since,
)
from booking_api.rules.inspection import (
    InspectionRules,
    Vehicle,
    check_inspection,
    first_inspection_day,
    inspection_window,
)
from booking_api.rules.leaving import LeavingRules, check_leaving
from booking_api.rules.refusal import Refusal
from booking_api.rules.settings import (
    InspectionSettings,
    PlanRules,
    SchoolRules,
    TestSettings,
)

__all__ = [
    "Attempt",
    "Certificate",
    "InspectionRules",
    "InspectionSettings",
    "Learner",
    "LeavingRules",
    "Outcome",
    "PlanRules",
    "Quota",
    "Reach",
    "Refusal",
    "SchoolRules",
    "TestRules",
    "TestSettings",
    "TestWish",
    "Vehicle",
    "check_inspection",
    "check_leaving",
    "check_test",
    "first_inspection_day",
    "first_test_day",
    "has_priority",
    "inspection_window",
    "waiting_since",
]
