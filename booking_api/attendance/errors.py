"""What this room refuses. Imports the application's errors."""

from booking_api.errors import ApiError


class UnknownCode(ApiError):
    """The code was not made here, or its booking is not there."""

    code = "unknown_code"
    status = 404
    sentence = "This is no check-in code of a booking here. Scan it again, or type the letters below it."


class AnotherSite(ApiError):
    """The booking is for another site than the reader's."""

    code = "another_site"
    status = 409
    sentence = "This booking is for another site."


class CardDiffers(ApiError):
    """What was typed from the card is not the end of the number on record."""

    code = "card_differs"
    status = 409
    sentence = "These are not the last six characters of the number on record. Nobody was checked in."


class CheckInClosed(ApiError):
    """Too early or too late."""

    code = "check_in_closed"
    status = 409
    sentence = "Check-in is open from `opens_at` to `closes_at`."
