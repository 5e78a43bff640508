"""Tokens against requests that other sites cause (CSRF). Imports the standard library only.

A token is made from the session's row and a key that the database does not have, so it need not be stored, and is the
same while the session's id changes: pages that are open keep working.
"""

import base64
import hashlib
import hmac

LABEL = "csrf tokens 1"


def csrf_token(key: bytes, session: str) -> str:
    """The token of this session."""
    made = hmac.digest(key, session.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def same_token(told: str, right: str) -> bool:
    """True when they are the same; the time it takes tells nothing."""
    return hmac.compare_digest(told.encode(), right.encode())
