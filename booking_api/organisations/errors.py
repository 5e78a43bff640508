"""What this room refuses. Imports the application's errors."""

from booking_api.errors import ApiError


class UnknownOrganisation(ApiError):
    """There is no such school or station."""

    code = "unknown_organisation"
    status = 404
    sentence = "There is no organisation with this id."


class OrganisationExists(ApiError):
    """The id is taken."""

    code = "organisation_exists"
    status = 409
    sentence = "There is an organisation with this id already. Nothing was changed."


class OrganisationSuspended(ApiError):
    """Its authority has suspended it."""

    code = "organisation_suspended"
    status = 403
    sentence = "This organisation is suspended by its authority: until that ends it can do nothing here."


class KeyScopeMissing(ApiError):
    """An API key asks for something that none of its scopes allows."""

    code = "key_scope_missing"
    status = 403
    sentence = "This API key may not do this. `scope` is the one it would need; null: no key may do it."


class UnknownKey(ApiError):
    """The organisation has no such key."""

    code = "unknown_key"
    status = 404
    sentence = "This organisation has no API key with this id."


class TooManyKeys(ApiError):
    """An organisation has a limit of keys."""

    code = "too_many_keys"
    status = 409
    sentence = "This organisation has as many API keys as it may. Revoke one that is not used any more."


class AccountNotVerified(ApiError):
    """Who acts for an organisation must be a person somebody has seen."""

    code = "account_not_verified"
    status = 409
    sentence = "The person of this account has not been verified yet. Nothing was changed."
