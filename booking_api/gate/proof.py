"""Proofs that an account's owner asks: the password again, a code of the app, the second step. Imports the gate and identity.

Each try is counted like a try at a sign-in, before it is looked at: whoever finds a signed-in browser is not to guess.
"""

from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.gate import Gate
from booking_api.identity.accounts import Person
from booking_api.identity.factors import totp
from booking_api.identity.factors.errors import CodeRefused
from booking_api.identity.factors.tickets import ticket_owner
from booking_api.identity.password_again import Credentials, check_password, credentials_of
from booking_api.identity.passwords import Passwords
from booking_api.identity.signing_in import SecondStep, second_step
from booking_api.request import AnyRequest
from booking_api.settings import Settings


async def prove_by_password(
    gate: Gate,
    request: AnyRequest,
    *,
    engine: AsyncEngine,
    passwords: Passwords,
    account: str,
    password: str,
) -> Credentials:
    """The account's credentials, when the password is right.

    Raises:
        UnknownAccount: it was erased.
        PasswordRefused: it is not the account's password.
        RateLimited: too many tries from here.
    """
    known = await credentials_of(engine, account)
    await gate.attempt_sign_in(request, login=known.login)
    await check_password(passwords, known, password)
    return known


async def prove_by_code(
    gate: Gate,
    request: AnyRequest,
    *,
    engine: AsyncEngine,
    key: OKPKey,
    account: str,
    code: str,
    now_s: int,
) -> None:
    """Passes when the code is the app's, which has used it up.

    Raises:
        CodeRefused: it is not, or was used.
        UnknownAccount, RateLimited, FactorClosed, FactorUnreadable: as the password, and as `totp.use_code`.
    """
    known = await credentials_of(engine, account)
    await gate.attempt_sign_in(request, login=known.login)
    if not await totp.use_code(engine, key, account=account, code=code, now_s=now_s):
        raise CodeRefused


async def take_second_step(
    gate: Gate,
    request: AnyRequest,
    told: SecondStep,
    *,
    engine: AsyncEngine,
    key: OKPKey,
    settings: Settings,
    now_s: int,
) -> Person:
    """`second_step`, counted per login and network like a try at the password.

    Raises:
        As `second_step`.
        RateLimited: too many tries from here.
    """
    _, login = await ticket_owner(engine, told.ticket)
    await gate.attempt_sign_in(request, login=login)
    return await second_step(engine, key, settings, told, now_s=now_s)
