"""The operators' pages. Imports this room's modules."""

from booking_api.pages.operator.filling import FILLING_PAGES
from booking_api.pages.operator.office import get_office, get_offices
from booking_api.pages.operator.organisations import ORGANISATION_PAGES
from booking_api.pages.operator.people import PEOPLE_PAGES
from booking_api.pages.operator.plans import PLAN_PAGES
from booking_api.pages.operator.publishing import PUBLISHING_PAGES
from booking_api.pages.operator.rules import RULE_PAGES
from booking_api.pages.operator.running import RUNNING_PAGES
from booking_api.pages.operator.rush import RUSH_PAGES

OPERATOR_PAGES = [
    get_offices,
    get_office,
    *PLAN_PAGES,
    *FILLING_PAGES,
    *PUBLISHING_PAGES,
    *RUNNING_PAGES,
    *RUSH_PAGES,
    *PEOPLE_PAGES,
    *ORGANISATION_PAGES,
    *RULE_PAGES,
]
