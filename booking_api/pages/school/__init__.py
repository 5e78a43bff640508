"""A driving school's pages: its day, learners, batches, places, keys and webhooks."""

from booking_api.pages.school.batches import BATCH_PAGES
from booking_api.pages.school.hooks import HOOK_PAGES
from booking_api.pages.school.keys import KEY_PAGES
from booking_api.pages.school.overview import OVERVIEW_PAGES
from booking_api.pages.school.places import PLACE_PAGES
from booking_api.pages.school.results import RESULT_PAGES
from booking_api.pages.school.roll import ROLL_PAGES

SCHOOL_PAGES = [
    *OVERVIEW_PAGES,
    *ROLL_PAGES,
    *BATCH_PAGES,
    *RESULT_PAGES,
    *PLACE_PAGES,
    *KEY_PAGES,
    *HOOK_PAGES,
]
"""Every route of this room."""
