"""Sign-ins on their way: each ten minutes long, good once, and only in the browser that began it. Imports SQLAlchemy.

Only digests are stored. Nonce (OpenID Connect Core 1.0, 3.1.2.1) and PKCE verifier (RFC 7636) are derived from the state,
the browser's cookie and a key of ours: the provider knows the first alone, a thief of the database none of them.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import UnknownAccount
from booking_api.identity.oidc.errors import AttemptRefused
from booking_api.identity.oidc.tables import authorization_attempt

LIFE = timedelta(minutes=10)
SECRET_BYTES = 32
EXPIRED_AT_ONCE = 100

_attempt = authorization_attempt.c


class Attempt(NamedTuple):
    """One sign-in. `browser` is kept in its cookie; `account` is whom to link the identity to, None to sign in."""

    state: str
    browser: str
    nonce: str
    verifier: str
    account: str | None


async def begin(engine: AsyncEngine, key: bytes, *, account: str | None) -> Attempt:
    """A new attempt. Clears some expired ones of anybody on the way.

    Raises:
        UnknownAccount: it was erased, and its token has outlived it.
    """
    state, browser = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    expired = select(_attempt.state_digest).where(_attempt.expires_at < func.now()).limit(EXPIRED_AT_ONCE)
    values = {
        "state_digest": _digest(state),
        "browser_digest": _digest(browser),
        "account": account,
        "expires_at": func.now() + LIFE,
    }
    try:
        async with engine.begin() as connection:
            await connection.execute(delete(authorization_attempt).where(_attempt.state_digest.in_(expired)))
            await connection.execute(insert(authorization_attempt).values(values))
    except IntegrityError:
        raise UnknownAccount(account=account) from None
    return _derived(key, state, browser, account)


async def take(engine: AsyncEngine, key: bytes, *, state: str, browser: str) -> Attempt:
    """The attempt of this state, which is over with that: a second callback finds nothing.

    Raises:
        AttemptRefused: unknown, expired, used before, or begun in another browser.
    """
    async with engine.begin() as connection:
        taken = await connection.execute(
            delete(authorization_attempt)
            .where(_attempt.state_digest == _digest(state))
            .returning(_attempt.browser_digest, _attempt.account, _attempt.expires_at > func.now())
        )
        row = taken.one_or_none()
    if row is None:
        raise AttemptRefused
    digest, account, lasts = row
    # Without the cookie somebody could send another person to the end of a sign-in, or of a link, of their own.
    if not hmac.compare_digest(digest, _digest(browser)) or not lasts:
        raise AttemptRefused
    return _derived(key, state, browser, account)


def _derived(key: bytes, state: str, browser: str, account: str | None) -> Attempt:
    def derive(use: str) -> str:
        made = hmac.new(key, f"{use}\n{state}\n{browser}".encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    return Attempt(state, browser, derive("nonce"), derive("verifier"), account)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
