"""One's own bookings: the list, each one's ticket, leaving it and moving it."""
