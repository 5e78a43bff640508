"""The two steps of a verification without a counter. Imports SQLAlchemy, `identity` and this room."""

from typing import NamedTuple

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import AlreadyVerified, PersonHasAccount, UnknownAccount
from booking_api.identity.accounts import Person, person_of
from booking_api.identity.phones import masked_phone
from booking_api.identity.resting import check_rested
from booking_api.identity.tables import account as accounts
from booking_api.verification.codes import LIFE, new_code, spend_try, use_code
from booking_api.verification.errors import NotMatched, VerificationOff
from booking_api.verification.sources import Claimed, VerificationSource
from booking_api.verification.text_messages import TextMessages

TEXT = "【公道】验证码 {code}，10 分钟内有效，请勿告诉任何人。Gongdao code {code}, good for 10 minutes; tell nobody."


class Verification(NamedTuple):
    """What an installation verifies people with. `key`: what codes are digested with; `resting_key`: erased numbers."""

    sources: tuple[VerificationSource, ...]
    messages: TextMessages
    key: bytes
    resting_key: bytes


class Match(NamedTuple):
    """A source that knows the account's person, and the phone it has on record."""

    source: str
    phone: str


class Started(msgspec.Struct, frozen=True):
    """Which source knows the person, and the phone, masked, that a code of `expires_in` seconds was sent to."""

    source: str
    sent_to: str
    expires_in: int


def switched_on(verification: Verification | None) -> Verification:
    """What this installation verifies people with.

    Raises:
        VerificationOff: there is no source here, or no way to send a code.
    """
    if verification is None:
        raise VerificationOff
    return verification


async def match(engine: AsyncEngine, verification: Verification, *, account: str) -> Match:
    """The first source that has the account's person on record as the account has them.

    Raises:
        UnknownAccount, AlreadyVerified: there is nobody to verify.
        NotMatched: no source; it is not said what is wrong.
        SourceUnavailable: a source that was needed does not answer.
    """
    claimed = await _claimed(engine, account)
    for source in verification.sources:
        phone = await source.phone_of(claimed)
        if phone is not None:
            return Match(source.name, phone)
    raise NotMatched


async def send_code(engine: AsyncEngine, verification: Verification, *, account: str, to: Match) -> Started:
    """Sends a code to the phone the source has on record. A crash before it is sent leaves a code nobody knows.

    Raises:
        MessageNotSent: it was not taken.
    """
    code = await new_code(engine, verification.key, account=account, source=to.source)
    await verification.messages.send(to=to.phone, text=TEXT.format(code=code))
    return Started(to.source, masked_phone(to.phone), int(LIFE.total_seconds()))


async def try_code(engine: AsyncEngine, verification: Verification, *, account: str, code: str) -> Person:
    """Verifies the account of whoever has read the code: from now on it is that person.

    Raises:
        CodeRefused: wrong, expired, replaced, or tried too often.
        PersonHasAccount: another account is this person already.
        RecentlyErased: another one was until a moment ago.
        AlreadyVerified: this one is.
    """
    await spend_try(engine, verification.key, account=account, code=code)
    table = accounts.c
    try:
        async with engine.begin() as connection:
            source = await use_code(connection, verification.key, account=account, code=code)
            done = await connection.execute(
                update(accounts)
                .where(table.id == account, table.verified_at.is_(None))
                .values(verified_at=func.now(), verified_by=f"source:{source}")
                .returning(accounts)
            )
            row = done.one_or_none()
            if row is None:
                raise AlreadyVerified(account=account)
            await check_rested(connection, verification.resting_key, row.identity_number)
    except IntegrityError:
        raise PersonHasAccount from None
    return person_of(row)


async def _claimed(engine: AsyncEngine, account: str) -> Claimed:
    table = accounts.c
    query = select(table.identity_number, table.name, table.phone, table.verified_at).where(
        table.id == account
    )
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownAccount(account=account)
    if row.verified_at is not None:
        raise AlreadyVerified(account=account)
    return Claimed(row.identity_number, row.name, row.phone)
