"""The counter clerk's pages: verify a person, and book for somebody who has no phone, in the same queue."""

from booking_api.pages.counter import bookings, entering, fees, kept, people

COUNTER_PAGES = [
    entering.get_counters,
    people.get_counter,
    people.get_today,
    people.post_visit,
    people.post_account,
    people.get_person,
    people.get_verify,
    people.post_verify,
    people.get_factors,
    people.post_factors,
    people.get_password,
    people.post_password,
    people.post_end,
    bookings.get_find,
    bookings.get_unit,
    bookings.post_unit,
    bookings.get_hold,
    bookings.post_confirm,
    bookings.post_release,
    bookings.post_move,
    kept.get_ticket,
    kept.get_code,
    kept.get_cancel,
    kept.post_cancel,
    fees.get_fees,
    fees.post_fee,
    fees.post_refund,
]
