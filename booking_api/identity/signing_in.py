"""Signing in, in one step or two. Imports the identity room's own modules.

Both ways in, tokens and sessions, take the same steps; what they give afterwards is theirs. Counting the tries per login
and network is the gate's, before each step.
"""

from typing import Annotated

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import InvalidRequest
from booking_api.identity.accounts import Person, find_person, sign_in
from booking_api.identity.factors import totp
from booking_api.identity.factors.active import factors_of
from booking_api.identity.factors.browser import Assertion
from booking_api.identity.factors.errors import SecondFactorNeeded, SecondFactorRefused
from booking_api.identity.factors.party import relying_party
from booking_api.identity.factors.recovery import use_recovery_code
from booking_api.identity.factors.security_keys import use_key
from booking_api.identity.factors.tickets import LIFE, give_ticket, take_try, use_ticket
from booking_api.identity.passwords import Passwords
from booking_api.settings import Settings

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SecondStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket of the first step and exactly one second factor."""

    ticket: Text
    totp_code: Text | None = None
    recovery_code: Text | None = None
    security_key: Assertion | None = None


async def first_step(engine: AsyncEngine, passwords: Passwords, *, login: str, password: str) -> Person:
    """The account with this login and password, if that is all it asks for.

    Raises:
        SignInRefused: there is none.
        SecondFactorNeeded: it has a second factor; with the kinds, and a ticket for `second_step`.
    """
    person = await sign_in(engine, passwords, login=login, password=password)
    await check_factors(engine, person.id)
    return person


async def check_factors(engine: AsyncEngine, account: str) -> None:
    """Passes when the account has no second factor; the first, whichever it was, has been right.

    Raises:
        SecondFactorNeeded: it has one; with the kinds, and a ticket for `second_step`.
    """
    kinds = (await factors_of(engine, account)).kinds
    if kinds:
        raise SecondFactorNeeded(
            headers={"Cache-Control": "no-store"},
            kinds=kinds,
            ticket=await give_ticket(engine, account),
            expires_in=int(LIFE.total_seconds()),
        )


async def second_step(
    engine: AsyncEngine, key: OKPKey, settings: Settings, told: SecondStep, *, now_s: int
) -> Person:
    """The account of the ticket, whose second factor was right.

    Each try is counted, and each factor used up, in a transaction of its own: a crash in between costs a try or a code,
    and signs nobody in.

    Raises:
        InvalidRequest: not exactly one factor.
        TicketRefused: begin again with the password.
        SecondFactorRefused: the factor is not right; with the tries left.
        FactorClosed, FactorUnreadable: codes cannot be used now.
        PublicUrlNeeded: keys cannot be used at this installation.
    """
    if [told.totp_code, told.recovery_code, told.security_key].count(None) != 2:
        reason = "exactly one of totp_code, recovery_code and security_key"
        raise InvalidRequest(errors=[{"field": "body", "reason": reason}])
    account, tries_left = await take_try(engine, told.ticket)
    if not await _is_right(engine, key, settings, told, account=account, now_s=now_s):
        raise SecondFactorRefused(tries_left=tries_left)
    await use_ticket(engine, told.ticket)
    async with engine.begin() as connection:
        await totp.open_codes(connection, account)
    return await find_person(engine, account)


async def _is_right(
    engine: AsyncEngine, key: OKPKey, settings: Settings, told: SecondStep, *, account: str, now_s: int
) -> bool:
    if told.security_key is not None:
        party = relying_party(settings)
        return await use_key(engine, party, account=account, ticket=told.ticket, assertion=told.security_key)
    if told.totp_code is not None:
        return await totp.use_code(engine, key, account=account, code=told.totp_code, now_s=now_s)
    return await use_recovery_code(engine, account=account, code=told.recovery_code or "")
