"""What this room refuses."""

from booking_api.errors import ApiError


class NoAppointment(ApiError):
    """A calendar entry was asked for, and the booking has no time."""

    code = "no_appointment"
    status = 409
    sentence = "This booking is for something without a time, so there is no calendar entry."
