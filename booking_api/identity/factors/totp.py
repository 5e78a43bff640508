"""Codes of an authenticator app (RFC 6238): set up, activate, use once, remove. Imports pyotp and SQLAlchemy."""

import base64
import re
import secrets
import unicodedata
from datetime import timedelta

import msgspec
from joserfc.jwk import OKPKey
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.identity.factors import tables
from booking_api.identity.factors.active import lock_account, recovery_codes_if_first, void_codes_if_last
from booking_api.identity.factors.errors import CodeRefused, FactorClosed, FactorExists, UnknownFactor
from booking_api.identity.factors.events import EventKind, record
from booking_api.identity.factors.sealing import seal, unseal

ISSUER = "Gongdao"
SECRET_BYTES = 20
WINDOW_STEPS = 1
"""A code of the step before or after is good too: clocks differ and people type slowly (RFC 6238, section 5.2)."""
SET_UP_LIFE = timedelta(minutes=15)
FAILURES_LIMIT = 100
"""Wrong codes in a row before codes are not looked at (NIST SP 800-63B, section 5.2.2). Only somebody with the password
can make them, and recovery codes and security keys, which cannot be guessed, still let the owner in."""
_CODE = re.compile(r"[0-9]{6}")

_totp = tables.totp.c


class TotpSetUp(msgspec.Struct, frozen=True):
    """An app's secret, shown this once: in base32, and as the address that QR codes carry."""

    secret: str
    otpauth_uri: str


async def set_up(engine: AsyncEngine, key: OKPKey, *, account: str, login: str) -> TotpSetUp:
    """A secret for an app. It counts for nothing until a code of it is given to `activate`, within SET_UP_LIFE.

    Raises:
        FactorExists: an app is active already.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    fresh = {
        "sealed_secret": seal(key, secret, account=account),
        "created_at": func.now(),
        "last_step": None,
        "failures": 0,
    }
    statement = insert(tables.totp).values(account=account, **fresh)
    async with engine.begin() as connection:
        done = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[_totp.account], set_=fresh, where=_totp.activated_at.is_(None)
            )
        )
    if done.rowcount != 1:
        raise FactorExists
    app = _app(secret)
    return TotpSetUp(app.secret, app.provisioning_uri(name=login, issuer_name=ISSUER))


async def activate(engine: AsyncEngine, key: OKPKey, *, account: str, code: str, now_s: int) -> list[str]:
    """From now on the app is asked for at sign-in. The ten recovery codes if it is the first factor, else none.

    Raises:
        UnknownFactor: no app waits to be activated, or it waited longer than SET_UP_LIFE.
        FactorExists: it is active already.
        CodeRefused: the code is not the app's.
        FactorUnreadable: the installation's key has changed in between.
    """
    async with engine.begin() as connection:
        await lock_account(connection, account)
        query = select(tables.totp, (_totp.created_at < func.now() - SET_UP_LIFE).label("late"))
        row = (await connection.execute(query.where(_totp.account == account))).one_or_none()
        if row is not None and row.activated_at is not None:
            raise FactorExists
        if row is None or row.late:
            raise UnknownFactor
        step = _step_of(code, unseal(key, row.sealed_secret, account=account), now_s=now_s)
        if step is None:
            raise CodeRefused
        codes = await recovery_codes_if_first(connection, account)
        await connection.execute(
            update(tables.totp)
            .where(_totp.account == account)
            .values(activated_at=func.now(), last_step=step, failures=0)
        )
        await record(connection, EventKind.TOTP_ACTIVATED, account=account, by=account)
    return codes


async def use_code(engine: AsyncEngine, key: OKPKey, *, account: str, code: str, now_s: int) -> bool:
    """True when the code is the active app's and newer than the last one used; now it is the last one used.

    Raises:
        FactorClosed: there have been FAILURES_LIMIT wrong codes in a row.
        FactorUnreadable: the installation's key has changed.
    """
    active = (_totp.account == account) & _totp.activated_at.is_not(None)
    async with engine.begin() as connection:
        # The try is counted before the code is looked at: of many at once none is looked at beyond the limit.
        counted = await connection.execute(
            update(tables.totp)
            .where(active, _totp.failures < FAILURES_LIMIT)
            .values(failures=_totp.failures + 1)
            .returning(_totp.sealed_secret)
        )
        row = counted.one_or_none()
        if row is None:
            if (await connection.execute(select(_totp.account).where(active))).one_or_none() is None:
                return False
            raise FactorClosed
    step = _step_of(code, unseal(key, row.sealed_secret, account=account), now_s=now_s)
    if step is None:
        return False
    async with engine.begin() as connection:
        used = await connection.execute(
            update(tables.totp)
            .where(active, or_(_totp.last_step.is_(None), _totp.last_step < step))
            .values(last_step=step, failures=0)
        )
    return used.rowcount == 1


async def remove(engine: AsyncEngine, *, account: str) -> None:
    """Codes are not asked for any more. If it was the last factor, the recovery codes are void.

    Raises:
        UnknownFactor: there is no app.
    """
    async with engine.begin() as connection:
        await lock_account(connection, account)
        removed = await connection.execute(delete(tables.totp).where(_totp.account == account))
        if removed.rowcount != 1:
            raise UnknownFactor
        await void_codes_if_last(connection, account)
        await record(connection, EventKind.TOTP_REMOVED, account=account, by=account)


async def open_codes(connection: AsyncConnection, account: str) -> None:
    """Forgets wrong codes: somebody has signed in with a whole second factor."""
    await connection.execute(update(tables.totp).where(_totp.account == account).values(failures=0))


def _step_of(code: str, secret: bytes, *, now_s: int) -> int | None:
    typed = "".join(unicodedata.normalize("NFKC", code).split())
    if not _CODE.fullmatch(typed):
        return None
    try:
        return _app(secret).verify_and_get_timecode(typed, for_time=now_s, valid_window=WINDOW_STEPS)
    except OTPVerificationError:
        return None


def _app(secret: bytes) -> TOTP:
    return TOTP(base64.b32encode(secret).decode())
