"""What verification without a counter refuses."""

from booking_api.errors import ApiError


class VerificationOff(ApiError):
    """This installation has no source or no way to send a code."""

    code = "verification_off"
    status = 404
    sentence = "Here people are verified at a service counter only."


class NotMatched(ApiError):
    """No source knows a person with this number, name and phone; which of the three is wrong is not said."""

    code = "not_matched"
    status = 403
    sentence = (
        "Identity number, name and phone of your account do not match what the authority has on record. "
        "Show your card at a service counter."
    )


class SourceUnavailable(ApiError):
    """A source did not answer, or not in a way that can be believed."""

    code = "source_unavailable"
    status = 503
    sentence = "The service that knows identities does not answer. Try again later."

    def __init__(self, *, source: str) -> None:
        super().__init__(headers={"Retry-After": "30"}, source=source)


class MessageNotSent(ApiError):
    """The gateway for text messages did not take the message."""

    code = "message_not_sent"
    status = 503
    sentence = "The code could not be sent. Try again later."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})


class CodeRefused(ApiError):
    """Wrong, expired, replaced by a newer one, tried too often, or never sent; it is not said which."""

    code = "verification_code_refused"
    status = 403
    sentence = (
        "This code is wrong or not good any more. Ask for a new one if it was sent more than ten minutes ago."
    )
