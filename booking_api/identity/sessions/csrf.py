"""Tokens against requests that other sites cause (CSRF). Imports the standard library only.

A token is made from the session's row and a key that the database does not have, so it need not be stored, and is the
same while the session's id changes: pages that are open keep working. In a page it is masked, differently in each, so
that the lengths of many compressed pages tell nothing about it (BREACH).
"""

import base64
import binascii
import hashlib
import hmac
import secrets

LABEL = "csrf tokens 1"
CHARACTERS = 43
"""Of a token."""


def csrf_token(key: bytes, session: str) -> str:
    """The token of this session."""
    made = hmac.digest(key, session.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def masked(token: str) -> str:
    """The token as one page carries it: chance, and the token with that chance upon it."""
    said = token.encode()
    mask = secrets.token_bytes(len(said))
    return base64.urlsafe_b64encode(mask + _upon(said, mask)).rstrip(b"=").decode()


def unmasked(told: str) -> str:
    """The token behind what a page carried; anything else as it is.

    >>> token = csrf_token(b"key", "session")
    >>> unmasked(masked(token)) == unmasked(token) == token, unmasked("")
    (True, '')
    """
    try:
        both = base64.b64decode(told + "=" * (-len(told) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return told
    if len(both) != 2 * CHARACTERS:
        return told
    return _upon(both[:CHARACTERS], both[CHARACTERS:]).decode("latin-1")


def same_token(told: str, right: str) -> bool:
    """True when they are the same; the time it takes tells nothing."""
    return hmac.compare_digest(told.encode(), right.encode())


def _upon(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
