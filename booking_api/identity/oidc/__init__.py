"""Signing in through an identity provider (OpenID Connect Core 1.0): authorization code with PKCE.

An identity signs in as the account its owner has linked it to. One that is linked to none is refused: an account is opened
and a person verified elsewhere.
"""

from booking_api.identity.oidc.attempts import LIFE, Attempt, begin, take
from booking_api.identity.oidc.errors import AttemptRefused, OidcOff, ProviderRefused, UnknownIdentity
from booking_api.identity.oidc.links import ExternalIdentity, account_linked_to, link, links_of, unlink
from booking_api.identity.oidc.parts import build_provider
from booking_api.identity.oidc.provider import Provider

__all__ = [
    "LIFE",
    "Attempt",
    "AttemptRefused",
    "ExternalIdentity",
    "OidcOff",
    "Provider",
    "ProviderRefused",
    "UnknownIdentity",
    "account_linked_to",
    "begin",
    "build_provider",
    "link",
    "links_of",
    "take",
    "unlink",
]
