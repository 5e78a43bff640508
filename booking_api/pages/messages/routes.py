"""This room's pages, for the router."""

from booking_api.pages.messages.listing import get_messages, post_read, post_read_all

MESSAGE_PAGES = [get_messages, post_read, post_read_all]
