"""Accounts of people who have none, and a first password for them. Imports SQLAlchemy and `identity`.

An account that a counter opens has no password: nobody signs in with it, and everything is done for its person at counters,
card in hand, until they come to one and type a password of their own.
"""

import secrets
from typing import Annotated, NamedTuple

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api import clock
from booking_api.counter.acts import ActKind, note_done
from booking_api.counter.errors import NameDiffers, PasswordThere
from booking_api.counter.visits import Present, add_visit, check_other
from booking_api.errors import InvalidRequest, PersonHasAccount
from booking_api.identity import tables as identity
from booking_api.identity.accounts import NAME_LIMIT, checked_number, spelled_name
from booking_api.identity.factors.events import EventKind, record
from booking_api.identity.passwords import NO_PASSWORD, Passwords, PasswordUnusable, checked_password
from booking_api.identity.phones import PhoneUnusable, parse_phone
from booking_api.identity.resting import check_rested, resting_key

LOGIN_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another on paper."""
_account = identity.account.c
Told = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Card(msgspec.Struct, frozen=True):
    """What a clerk reads from a card, and a phone if there is one."""

    identity_number: Told
    name: Told
    phone: Annotated[str, msgspec.Meta(max_length=40)] = ""


class Opened(NamedTuple):
    """The visit that was begun, and whether the account is new."""

    visit: str
    new: bool


async def open_by_card(engine: AsyncEngine, card: Card, *, authority: str, clerk: str, key: OKPKey) -> Opened:
    """A visit of the person on this card: in the account that is theirs, or in one that is opened and verified now.

    Raises:
        InvalidRequest: fields that cannot be used, all at once.
        OwnAccount: it is the clerk.
        NameDiffers: the person's account has another name.
        RecentlyErased: their former account was erased a moment ago.
        PersonHasAccount: another counter opens one this very moment; repeat, and it is found.
    """
    right = _checked(card)
    try:
        async with engine.begin() as connection:
            await check_other(connection, clerk=clerk, identity_number=right.identity_number)
            mine = (_account.identity_number == right.identity_number) & _account.verified_at.is_not(None)
            known = await connection.execute(select(_account.id, _account.name).where(mine))
            row = known.one_or_none()
            if row is not None and spelled_name(row.name).casefold() != right.name.casefold():
                raise NameDiffers
            account = row.id if row is not None else await _insert(connection, right, clerk=clerk, key=key)
            visit = await add_visit(connection, authority=authority, clerk=clerk, account=account)
            if row is None:
                await note_done(connection, visit, ActKind.ACCOUNT_OPENED)
    except IntegrityError:
        raise PersonHasAccount from None
    return Opened(visit, row is None)


async def set_first_password(
    engine: AsyncEngine, passwords: Passwords, present: Present, *, password: str, clerk: str
) -> None:
    """The person has typed a password of their own at the counter. Once: from then on they change it themselves.

    Raises:
        InvalidRequest: the password cannot be taken.
        PasswordThere: the account has one.
        Busy: too many passwords are being hashed.
    """
    person = present.visit.person
    try:
        taken = checked_password(password, told=(person.login, present.identity_number, person.name))
    except PasswordUnusable as error:
        raise InvalidRequest(errors=[{"field": "password", "reason": str(error)}]) from None
    fresh = await passwords.hash(taken)
    async with engine.begin() as connection:
        done = await connection.execute(
            update(identity.account)
            .where(_account.id == person.id, _account.password_hash == NO_PASSWORD)
            .values(password_hash=fresh)
            .returning(_account.id)
        )
        if done.one_or_none() is None:
            raise PasswordThere
        await record(connection, EventKind.PASSWORD_CHANGED, account=person.id, by=f"counter:{clerk}")


async def _insert(connection: AsyncConnection, card: Card, *, clerk: str, key: OKPKey) -> str:
    values = {
        "id": f"p{secrets.token_hex(10)}",
        "login": new_login(),
        "identity_number": card.identity_number,
        "name": card.name,
        "phone": card.phone,
        "password_hash": NO_PASSWORD,
        "verified_by": f"counter:{clerk}",
    }
    new = insert(identity.account).values(values | {"verified_at": func.now()}).returning(_account.id)
    account = (await connection.execute(new)).scalar_one()
    await check_rested(connection, resting_key(key), card.identity_number)
    return account


def new_login() -> str:
    """A login nobody has, to be read from paper: `c-k7m2q-9px4h`."""
    letters = "".join(secrets.choice(LOGIN_LETTERS) for _ in range(10))
    return f"c-{letters[:5]}-{letters[5:]}"


def _checked(card: Card) -> Card:
    errors: list[dict[str, str]] = []
    name, number, phone = spelled_name(card.name), "", ""
    if not 0 < len(name) <= NAME_LIMIT or not name.isprintable():
        errors.append({"field": "name", "reason": f"1 to {NAME_LIMIT} characters as on the card"})
    try:
        number = checked_number(card.identity_number, today=clock.today())
    except InvalidRequest as refused:
        errors += refused.facts["errors"]
    try:
        phone = parse_phone(card.phone) if card.phone else ""
    except PhoneUnusable as error:
        errors.append({"field": "phone", "reason": str(error)})
    if errors:
        raise InvalidRequest(errors=errors)
    return Card(number, name, phone)
