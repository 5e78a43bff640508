"""What this room refuses. Imports the application's errors."""

from booking_api.errors import ApiError


class UnknownVisit(ApiError):
    """There is no such visit, it is another clerk's, or it has ended."""

    code = "unknown_visit"
    status = 404
    sentence = "There is no such visit at the counter, or it has ended. Begin another one with the card."


class NameDiffers(ApiError):
    """The person has an account under another name than the one typed."""

    code = "name_differs"
    status = 409
    sentence = "An account with this number has another name. Compare the card again, or find the account by its login."


class PasswordThere(ApiError):
    """The account has a password, and its owner alone may change it."""

    code = "password_there"
    status = 409
    sentence = "This account has a password already: only its owner changes it. Nothing was changed."


class PersonNotVerified(ApiError):
    """Nobody has compared this person with their card yet (I6)."""

    code = "person_not_verified"
    status = 409
    sentence = "This person has not been verified yet. Compare them with their card and verify them first."
