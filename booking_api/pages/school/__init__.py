"""A driving school's pages: its day, learners, batches, places, keys and webhooks."""

from booking_api.pages.school.batches import batch_pages
from booking_api.pages.school.hooks import hook_pages
from booking_api.pages.school.keys import key_pages
from booking_api.pages.school.overview import overview_pages
from booking_api.pages.school.places import place_pages
from booking_api.pages.school.results import result_pages
from booking_api.pages.school.roll import roll_pages

school_pages = [
    *overview_pages,
    *roll_pages,
    *batch_pages,
    *result_pages,
    *place_pages,
    *key_pages,
    *hook_pages,
]
"""Every route of this room."""
