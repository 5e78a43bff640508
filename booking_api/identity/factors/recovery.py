"""Recovery codes: ten, made with the first factor, each good once. Imports SQLAlchemy.

A code is 80 random bits, so a plain hash of it will do (NIST SP 800-63B, section 5.1.2.2: 112 bits or a salt; the
account's id is the salt).
"""

import base64
import hashlib
import secrets
import unicodedata

from sqlalchemy import delete, func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.identity.factors import tables
from booking_api.identity.factors.events import EventKind, record

CODES = 10
CODE_BYTES = 10
GROUP = 4

_code = tables.recovery_code.c


async def make_codes(connection: AsyncConnection, account: str) -> list[str]:
    """Ten new codes, shown this once; earlier ones are void. In the caller's transaction."""
    codes = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower() for _ in range(CODES)]
    await void_codes(connection, account)
    await connection.execute(
        insert(tables.recovery_code),
        [{"digest": _digest(account, code), "account": account} for code in codes],
    )
    return ["-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP)) for code in codes]


async def void_codes(connection: AsyncConnection, account: str) -> None:
    """Takes the account's codes away, in the caller's transaction."""
    await connection.execute(delete(tables.recovery_code).where(_code.account == account))


async def use_recovery_code(engine: AsyncEngine, *, account: str, code: str) -> bool:
    """True when the code is one of the account's and was not used before; now it is, and recorded."""
    mine = (_code.digest == _digest(account, _spelled(code))) & (_code.account == account)
    async with engine.begin() as connection:
        used = await connection.execute(
            update(tables.recovery_code).where(mine, _code.used_at.is_(None)).values(used_at=func.now())
        )
        if used.rowcount == 1:
            await record(connection, EventKind.RECOVERY_CODE_USED, account=account, by=account)
    return used.rowcount == 1


def _spelled(code: str) -> str:
    """Codes are typed from paper: capitals, spaces and full width are all right."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKC", code).lower()
        if not letter.isspace() and letter != "-"
    )


def _digest(account: str, code: str) -> bytes:
    return hashlib.sha256(f"{account}:{code}".encode()).digest()
