"""One-time codes: six digits, good for ten minutes and five tries, one per account. Imports SQLAlchemy.

What is stored is keyed with a key the database does not have: a million codes are soon tried against a plain digest.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.verification.errors import CodeRefused
from booking_api.verification.tables import verification_code

CODE_DIGITS = 6
LIFE = timedelta(minutes=10)
TRIES = 5
EXPIRED_AT_ONCE = 100

_code = verification_code.c


async def new_code(engine: AsyncEngine, key: bytes, *, account: str, source: str) -> str:
    """A code for this account; one from before is good no more. Clears some expired ones of anybody on the way."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    values = {
        "digest": _digest(key, account, code),
        "source": source,
        "tries_left": TRIES,
        "expires_at": func.now() + LIFE,
    }
    expired = select(_code.account).where(_code.expires_at < func.now()).limit(EXPIRED_AT_ONCE)
    async with engine.begin() as connection:
        await connection.execute(delete(verification_code).where(_code.account.in_(expired)))
        await connection.execute(
            insert(verification_code)
            .values(account=account, **values)
            .on_conflict_do_update(index_elements=["account"], set_=values)
        )
    return code


async def spend_try(engine: AsyncEngine, key: bytes, *, account: str, code: str) -> None:
    """Takes one of the account's tries, committed before the code is compared, and compares.

    Raises:
        CodeRefused: it is not this account's code, or no try is left.
    """
    async with engine.begin() as connection:
        spent = await connection.execute(
            update(verification_code)
            .where(_code.account == account, _code.expires_at > func.now(), _code.tries_left > 0)
            .values(tries_left=_code.tries_left - 1)
            .returning(_code.digest)
        )
        digest = spent.scalar_one_or_none()
    if not hmac.compare_digest(digest or b"", _digest(key, account, code)):
        raise CodeRefused


async def use_code(connection: AsyncConnection, key: bytes, *, account: str, code: str) -> str:
    """The source whose code this is; it is good no more once the caller commits.

    Raises:
        CodeRefused: a newer one has replaced it, or somebody else was quicker with the same.
    """
    used = await connection.execute(
        delete(verification_code)
        .where(_code.account == account, _code.digest == _digest(key, account, code))
        .returning(_code.source)
    )
    source = used.scalar_one_or_none()
    if source is None:
        raise CodeRefused
    return source


def _digest(key: bytes, account: str, code: str) -> bytes:
    return hmac.new(key, f"{account}\n{code}".encode(), hashlib.sha256).digest()
