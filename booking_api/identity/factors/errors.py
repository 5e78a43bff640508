"""What the factors' room refuses."""

from booking_api.errors import ApiError


class SecondFactorNeeded(ApiError):
    """The password was right; one of `kinds` is still owed, with the ticket."""

    code = "second_factor_needed"
    status = 401
    sentence = "The password is right. Send `ticket` with your second factor to finish signing in."


class TicketRefused(ApiError):
    """The ticket is unknown, expired, used, or has had its tries."""

    code = "ticket_refused"
    status = 401
    sentence = "This sign-in has taken too long or too many tries. Begin again with your password."


class SecondFactorRefused(ApiError):
    """The code, recovery code or key is not right; a code is good once."""

    code = "second_factor_refused"
    status = 401
    sentence = "The second factor was not right, or was used before. An app's code is good once."


class FactorClosed(ApiError):
    """Too many wrong codes in a row: codes are not looked at any more."""

    code = "factor_closed"
    status = 403
    sentence = "There have been too many wrong codes. Sign in with a recovery code or a security key; that opens codes again."


class FactorUnreadable(ApiError):
    """The secret was sealed with another installation's key."""

    code = "factor_unreadable"
    status = 409
    sentence = (
        "Your authenticator app's secret cannot be read any more, because the installation's key was changed. "
        "Sign in with a recovery code or a security key and set the app up again."
    )


class FactorExists(ApiError):
    """The account has this already."""

    code = "factor_exists"
    status = 409
    sentence = "This is set up already. Remove it first."


class UnknownFactor(ApiError):
    """The account has no such app or key."""

    code = "unknown_factor"
    status = 404
    sentence = "Your account has no such second factor."


class CodeRefused(ApiError):
    """The code does not prove that the app is set up."""

    code = "code_refused"
    status = 403
    sentence = (
        "The code is not right, or was used before. Wait for the app's next one; check the device's clock."
    )


class KeyRefused(ApiError):
    """The security key's answer does not fit what it was asked."""

    code = "security_key_refused"
    status = 403
    sentence = (
        "The security key's answer cannot be used. Begin again, in the browser and at the address you use."
    )


class TooManyKeys(ApiError):
    """The account has as many security keys as it may."""

    code = "too_many_security_keys"
    status = 409
    sentence = "Your account has as many security keys as it may. Remove one first."


class NoSecondFactor(ApiError):
    """There is nothing to reset."""

    code = "no_second_factor"
    status = 409
    sentence = "This account has no second factor. Nothing was changed."


class PublicUrlNeeded(ApiError):
    """The installation has not been told the address that people use."""

    code = "public_url_needed"
    status = 409
    sentence = (
        "This needs the setting GONGDAO_PUBLIC_URL: the address people use, with https, and with a name for "
        "security keys. On one's own machine http://localhost will do."
    )
