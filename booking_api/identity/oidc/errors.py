"""What signing in through an identity provider refuses."""

from booking_api.errors import ApiError


class OidcOff(ApiError):
    """No identity provider is set."""

    code = "oidc_off"
    status = 404
    sentence = "This installation has no identity provider. Sign in with your login and password."


class AttemptRefused(ApiError):
    """The state is unknown, expired, used, or was begun in another browser."""

    code = "sign_in_attempt_refused"
    status = 403
    sentence = "This sign-in was not begun in this browser, or too long ago. Begin again."


class ProviderRefused(ApiError):
    """The provider says no: the person declined, or its code is used or expired."""

    code = "provider_refused"
    status = 403
    sentence = "The identity provider did not let this sign-in pass. Begin again."


class ProviderUnavailable(ApiError):
    """The provider does not answer, or not with what the standard says."""

    code = "provider_unavailable"
    status = 503
    sentence = "The identity provider does not answer. Try again later, or sign in with login and password."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})


class IdTokenRefused(ApiError):
    """The provider's token is not for us, not of this sign-in, or not signed by it."""

    code = "id_token_refused"
    status = 403
    sentence = "What the identity provider sent cannot be believed. Begin again."


class NotLinked(ApiError):
    """No account is linked to this identity; none is made."""

    code = "not_linked"
    status = 403
    sentence = (
        "No account is linked to this identity. Sign in with your login and password and link it first."
    )


class LinkedElsewhere(ApiError):
    """Another account is linked to this identity, or this account to another one of the provider."""

    code = "linked_elsewhere"
    status = 409
    sentence = (
        "This identity belongs to another account, or your account has another one. Remove that link first."
    )


class UnknownIdentity(ApiError):
    """The account has no such link."""

    code = "unknown_external_identity"
    status = 404
    sentence = "Your account is not linked to such an identity."
