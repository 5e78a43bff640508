"""An ID token, believed or not (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725). Imports joserfc."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

HASHES = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "Ed25519": hashlib.sha512,
}
"""The algorithms that are believed, each with a public key, and the hash each goes with."""
LENGTH_LIMIT = 16 * 1024
SUBJECT_LIMIT = 255
LEEWAY_S = 60


class Unbelievable(ValueError):
    """The token is not believed; the message says why, for the log."""


class UnknownKey(Unbelievable):
    """No key of the set signed it: the provider may have a new one."""


class Expected(NamedTuple):
    """What the token must be: whose, for whom, of which sign-in, with which access token, and when."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    now_s: int


def subject_of(token: str, keys: KeySet, expected: Expected) -> str:
    """Whom the token is about.

    (1) signature, by a key of the provider and an algorithm of ours; (2) issuer and audience; (3) authorized party;
    (4) times; (5) nonce; (6) access token; (7) subject.

    Raises:
        UnknownKey: (1) fails for want of the key.
        Unbelievable: any of them fails.
    """
    header, claims = _signed(token, keys)  # (1)
    _check_registered(claims, expected)  # (2), (4)
    audience = claims["aud"]
    party = claims.get("azp")
    if (isinstance(audience, list) and len(audience) > 1 and party is None) or (  # pyright: ignore[reportUnknownArgumentType]
        party is not None and party != expected.client_id
    ):
        raise Unbelievable("authorized party")  # (3)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise Unbelievable("nonce")  # (5)
    _check_access_token(claims.get("at_hash"), expected.access_token, str(header["alg"]))  # (6)
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LIMIT or not subject.isprintable():
        raise Unbelievable("subject")  # (7)
    return subject


def _signed(token: str, keys: KeySet) -> tuple[Mapping[str, Any], dict[str, Any]]:
    if len(token) > LENGTH_LIMIT:
        raise Unbelievable("length")
    try:
        decoded = jwt.decode(token, keys, algorithms=list(HASHES))
    except InvalidKeyIdError as error:
        raise UnknownKey("no such key") from error
    except (JoseError, ValueError, TypeError) as error:
        raise Unbelievable(f"signature: {type(error).__name__}") from error
    return decoded.header, decoded.claims


def _check_registered(claims: dict[str, Any], expected: Expected) -> None:
    registry = jwt.JWTClaimsRegistry(
        now=expected.now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Unbelievable(f"claims: {error}") from error


def _check_access_token(given: object, access_token: str | None, algorithm: str) -> None:
    if given is None:
        return
    digest = HASHES[algorithm]((access_token or "").encode()).digest()
    right = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if access_token is None or not isinstance(given, str) or not hmac.compare_digest(right, given.encode()):
        raise Unbelievable("access token hash")
