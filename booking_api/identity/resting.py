"""Identity numbers of accounts just erased. Imports SQLAlchemy and this room's tables.

Access tokens of an erased account live on for some minutes. Until they have ended the person is verified for no other
account, or one person would be two claimants. What is kept is a keyed digest: it names nobody to whoever has the table.
"""

import hashlib
import hmac
from datetime import timedelta

from joserfc.jwk import OKPKey
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.errors import RecentlyErased
from booking_api.identity.derivation import derive_key
from booking_api.identity.tables import resting_number

REST = timedelta(minutes=20)
"""Longer than an access token lives."""

_resting = resting_number.c


def resting_key(key: OKPKey) -> bytes:
    """What numbers are digested with here."""
    return derive_key(key, label="resting numbers")


async def let_rest(connection: AsyncConnection, key: bytes, identity_number: str) -> None:
    """Nobody is verified with this number for a while. Joins the caller's transaction."""
    until = func.now() + REST
    await connection.execute(
        insert(resting_number)
        .values(digest=_digest(key, identity_number), until=until)
        .on_conflict_do_update(index_elements=["digest"], set_={"until": until})
    )


async def check_rested(connection: AsyncConnection, key: bytes, identity_number: str) -> None:
    """To be asked after the statement that verifies: it has waited for an erasure that was on its way.

    Forgets the numbers that have rested.

    Raises:
        RecentlyErased: the number rests.
    """
    await connection.execute(delete(resting_number).where(_resting.until <= func.now()))
    query = select(_resting.until).where(
        _resting.digest == _digest(key, identity_number), _resting.until > func.now()
    )
    until = (await connection.execute(query)).scalar_one_or_none()
    if until is not None:
        raise RecentlyErased(again_at=until)


def _digest(key: bytes, identity_number: str) -> bytes:
    return hmac.new(key, identity_number.encode(), hashlib.sha256).digest()
