"""What the application itself refuses, beside the kernel's refusals. One type per failure, one code each."""

from typing import Any, ClassVar


class ApiError(Exception):
    """A refusal with its HTTP status. `facts` are safe to show to the caller."""

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]

    def __init__(self, *, headers: dict[str, str] | None = None, **facts: Any) -> None:
        super().__init__(self.sentence)
        self.headers = headers or {}
        self.facts = facts


class TokenMissing(ApiError):
    """No bearer token."""

    code = "token_missing"
    status = 401
    sentence = "Send an access token in the header `Authorization: Bearer ...`."


class TokenInvalid(ApiError):
    """The token is not ours, was changed, or is not for this API."""

    code = "token_invalid"
    status = 401
    sentence = "The access token is not valid. Sign in again."


class TokenExpired(ApiError):
    """The token's time is over."""

    code = "token_expired"
    status = 401
    sentence = "The access token has expired. Sign in again."


class RateLimited(ApiError):
    """Too many requests of this account or network."""

    code = "rate_limited"
    status = 429
    sentence = "Too many requests. Wait as long as Retry-After says."

    def __init__(self, *, headers: dict[str, str], retry_after_s: int, policy: str) -> None:
        super().__init__(headers=headers | {"Retry-After": str(max(1, retry_after_s))}, policy=policy)


class InvalidRequest(ApiError):
    """A field is missing or unusable."""

    code = "invalid_request"
    status = 400
    sentence = "The request cannot be used."


class KeyMissing(ApiError):
    """Confirming needs an Idempotency-Key."""

    code = "idempotency_key_missing"
    status = 400
    sentence = (
        "Send the header `Idempotency-Key` with 1 to 200 printable ASCII characters of your own making, and the same "
        "one when you repeat the request."
    )


class UnknownHold(ApiError):
    """The text cannot be a hold's id."""

    code = "unknown_hold"
    status = 404
    sentence = "There is no hold with this id."


class NotYourVehicle(ApiError):
    """The pool counts vehicles and the account does not have this one."""

    code = "not_your_vehicle"
    status = 403
    sentence = "This pool is given out per vehicle: name one of your own vehicles in `vehicle`."


class LoginTaken(ApiError):
    """Somebody has this login."""

    code = "login_taken"
    status = 409
    sentence = "This login is taken. Choose another one."


class SignInRefused(ApiError):
    """Login or password is wrong; it is not said which."""

    code = "sign_in_refused"
    status = 401
    sentence = "Login or password is wrong."


class RefreshRefused(ApiError):
    """The refresh token is unknown, expired or was used before."""

    code = "refresh_refused"
    status = 401
    sentence = "This refresh token is not good any more. Sign in again."


class UnknownAccount(ApiError):
    """There is no such account."""

    code = "unknown_account"
    status = 404
    sentence = "There is no such account."


class AlreadyVerified(ApiError):
    """The account is verified already."""

    code = "already_verified"
    status = 409
    sentence = "This account is verified already. Nothing was changed."


class PersonHasAccount(ApiError):
    """Another account is this person already."""

    code = "person_has_account"
    status = 409
    sentence = "Another account is verified for this person already. Nothing was changed."


class RecentlyErased(ApiError):
    """The person's former account was erased so short a time ago that its tokens may still be good."""

    code = "recently_erased"
    status = 409
    sentence = "An account of this person was erased a moment ago. Try again when `again_at` has come."


class OwnAccount(ApiError):
    """A clerk cannot do this for themselves."""

    code = "own_account"
    status = 403
    sentence = "Nobody may do this for their own account. Ask another clerk."


class PasswordRefused(ApiError):
    """The password given again is not the account's."""

    code = "password_refused"
    status = 403
    sentence = "The password is wrong. Nothing was changed."


class NotVerified(ApiError):
    """Nobody has found the person behind the account yet (I6)."""

    code = "not_verified"
    status = 403
    sentence = "Your identity has not been verified yet. Show your card at a service counter once; then sign in again."


class RoleMissing(ApiError):
    """The account has not the role this needs."""

    code = "role_missing"
    status = 403
    sentence = "Your account may not do this."


class UnknownAuthority(ApiError):
    """There is no such authority."""

    code = "unknown_authority"
    status = 404
    sentence = "There is no authority with this id."


class NotYourOrganisation(ApiError):
    """The role or key is for another school or station."""

    code = "not_your_organisation"
    status = 403
    sentence = "Your role is not for this organisation."
