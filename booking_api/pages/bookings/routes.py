"""This room's pages, for the router."""

from booking_api.pages.bookings.leaving import get_cancel, get_change, post_cancel, post_move
from booking_api.pages.bookings.listing import get_bookings, get_kept
from booking_api.pages.bookings.ticket import get_ticket, post_refund

BOOKING_PAGES = [
    get_bookings,
    get_kept,
    get_ticket,
    post_refund,
    get_cancel,
    post_cancel,
    get_change,
    post_move,
]
