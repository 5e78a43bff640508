"""People who have signed in before the opening: accounts and page sessions, made in bulk. Imports SQLAlchemy.

A sign-in costs a password hash of a tenth of a second on purpose; thousands of them would be another test. What a
session's cookie is, both sides compute from one secret of the test's own.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from booking_api.identity.sessions import tables as sessions
from booking_api.identity.sessions.rows import id_digest
from booking_api.identity.tables import account as account_table
from loadtest.stage import Stage
from reservation.database import create_engine

ROWS_AT_ONCE = 1_000
LIFE = timedelta(hours=1)


def cookie_of(secret: str, account: str) -> str:
    """The session id in this account's browser.

    >>> len(cookie_of("s", "first-1"))
    43
    """
    digest = hashlib.sha256(f"{secret}:{account}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def sign_in_everybody(stage: Stage, *, accounts: list[str], secret: str, until: datetime) -> None:
    """Each of these accounts, verified, with a session in a browser of its own."""
    engine = create_engine(stage.addresses.database_url, connections=1)
    try:
        for first in range(0, len(accounts), ROWS_AT_ONCE):
            some = list(enumerate(accounts[first : first + ROWS_AT_ONCE], start=first))
            async with engine.begin() as connection:
                await connection.execute(insert(account_table), [_account(n, name) for n, name in some])
                await connection.execute(
                    insert(sessions.session),
                    [
                        {"id": _session(secret, name), "account": name, "expires_at": until}
                        for _, name in some
                    ],
                )
                await connection.execute(
                    insert(sessions.session_cookie),
                    [
                        {
                            "digest": id_digest(cookie_of(secret, name)),
                            "session": _session(secret, name),
                            # Used before, so that the first request of the rush writes nothing.
                            "first_used_at": until - LIFE,
                        }
                        for _, name in some
                    ],
                )
    finally:
        await engine.dispose()


def until_over(seconds: int) -> datetime:
    """When the sessions end."""
    return datetime.now(UTC) + LIFE + timedelta(seconds=seconds)


def _account(number: int, name: str) -> dict[str, object]:
    return {
        "id": name,
        "login": name,
        "identity_number": f"load-{name}",
        "name": f"Load {number}",
        "phone": "13800138000",
        "password_hash": "none",
        "verified_at": datetime.now(UTC),
        "verified_by": "load test",
    }


def _session(secret: str, account: str) -> str:
    return str(UUID(bytes=hashlib.sha256(f"session:{secret}:{account}".encode()).digest()[:16], version=4))
