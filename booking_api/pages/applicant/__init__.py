"""The applicant's pages: find a session, hold it, confirm it, and look after one's bookings."""
