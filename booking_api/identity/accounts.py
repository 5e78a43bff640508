"""Accounts: national, one per person once verified. Imports SQLAlchemy and this room's own modules.

An account starts unverified: a check digit can be computed by anyone. Anybody may also type somebody else's number, so an
unverified account blocks nobody; verification by a counter decides which account is the person (I6).
"""

import re
import secrets
import unicodedata
from datetime import date, datetime

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import (
    AlreadyVerified,
    InvalidRequest,
    LoginTaken,
    OwnAccount,
    PersonHasAccount,
    SignInRefused,
    UnknownAccount,
)
from booking_api.identity import tables
from booking_api.identity.numbers import IdentityNumberError, parse_identity_number
from booking_api.identity.passwords import Passwords, PasswordUnusable, checked_password
from booking_api.identity.phones import PhoneUnusable, masked_phone, parse_phone
from booking_api.identity.resting import check_rested

ROLES = ("clerk", "operator", "auditor", "school", "station")
"""Each is given for an authority, a school or a station: `operator:cn-zj-hz`."""
NAME_LIMIT = 60
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who registers."""

    login: str
    identity_number: str
    name: str
    phone: str
    password: str


class Person(msgspec.Struct, frozen=True):
    """An account as its owner sees it; the identity number is shown by its ends only."""

    id: str
    login: str
    name: str
    identity_number: str
    verified: bool
    roles: list[str]


async def register_account(
    engine: AsyncEngine, passwords: Passwords, new: NewAccount, *, today: date
) -> Person:
    """Opens an unverified account.

    Raises:
        InvalidRequest: fields that cannot be used, all at once.
        LoginTaken: somebody has this login.
    """
    right = _checked(new, today=today)
    values = {
        "id": f"p{secrets.token_hex(10)}",
        "login": right.login,
        "identity_number": right.identity_number,
        "name": right.name,
        "phone": right.phone,
        "password_hash": await passwords.hash(right.password),
    }
    try:
        async with engine.begin() as connection:
            row = (
                await connection.execute(insert(tables.account).values(values).returning(tables.account))
            ).one()
    except IntegrityError:
        raise LoginTaken(login=right.login) from None
    return person_of(row)


async def sign_in(engine: AsyncEngine, passwords: Passwords, *, login: str, password: str) -> Person:
    """The account with this login and password.

    Raises:
        SignInRefused: there is none; it is not said which of the two was wrong, nor by the time it takes.
    """
    row, spelled = None, spelled_login(login)
    # What cannot be a login is not asked for: PostgreSQL refuses some characters outright.
    if _LOGIN.fullmatch(spelled):
        query = select(tables.account).where(tables.account.c.login == spelled)
        async with engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
    typed = unicodedata.normalize("NFC", password)
    if not await passwords.matches(row.password_hash if row else None, typed) or row is None:
        raise SignInRefused
    return person_of(row)


async def find_person(engine: AsyncEngine, account_id: str) -> Person:
    """The account of this id.

    Raises:
        UnknownAccount: there is none.
    """
    async with engine.connect() as connection:
        query = select(tables.account).where(tables.account.c.id == account_id)
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownAccount(account=account_id[:64])
    return person_of(row)


async def phone_of(engine: AsyncEngine, account_id: str) -> str:
    """The account's phone as its owner is shown it, by its ends; empty for an account nobody has."""
    async with engine.connect() as connection:
        query = select(tables.account.c.phone).where(tables.account.c.id == account_id)
        phone = (await connection.execute(query)).scalar_one_or_none()
    return masked_phone(phone) if phone else ""


async def find_by_login(engine: AsyncEngine, login: str) -> Person:
    """The account with this login.

    Raises:
        UnknownAccount: there is none.
    """
    row, spelled = None, spelled_login(login)
    if _LOGIN.fullmatch(spelled):
        query = select(tables.account).where(tables.account.c.login == spelled)
        async with engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownAccount(account=login[:64])
    return person_of(row)


async def verify_at_counter(
    engine: AsyncEngine, *, login: str, identity_number: str, clerk: str, resting_key: bytes, today: date
) -> Person:
    """A clerk has seen the person and their card: from now on this account is that person.

    The clerk types the number from the card, so that a number mistyped at registration is found here.

    Raises:
        InvalidRequest: the number cannot be one.
        OwnAccount: it is the clerk's own account, or another one of the same person.
        UnknownAccount: no account has this login and this number.
        PersonHasAccount: another account is this person already.
        RecentlyErased: another one was until a moment ago.
        AlreadyVerified: this one is; nothing was changed.
    """
    number = checked_number(identity_number, today=today)
    if not _LOGIN.fullmatch(spelled_login(login)):
        raise UnknownAccount(account=login[:64])
    table = tables.account.c
    mine = (table.login == spelled_login(login)) & (table.identity_number == number)
    try:
        async with engine.begin() as connection:
            # The account must have this number too, so the clerk's own account is refused by the same comparison.
            own = await connection.execute(select(table.identity_number).where(table.id == clerk))
            if own.scalar_one_or_none() == number:
                raise OwnAccount
            done = await connection.execute(
                update(tables.account)
                .where(mine, table.verified_at.is_(None))
                .values(verified_at=func.now(), verified_by=f"counter:{clerk}")
                .returning(tables.account)
            )
            row = done.one_or_none()
            if row is None:
                known = (await connection.execute(select(table.id).where(mine))).scalar_one_or_none()
                raise UnknownAccount(account=login[:64]) if known is None else AlreadyVerified(account=known)
            await check_rested(connection, resting_key, number)
    except IntegrityError:
        raise PersonHasAccount from None
    return person_of(row)


async def find_at_counter(engine: AsyncEngine, *, login: str, identity_number: str, today: date) -> Person:
    """The account with this login and the number that a clerk has read from the card.

    Raises:
        InvalidRequest: the number cannot be one.
        UnknownAccount: there is no such account.
    """
    number, spelled = checked_number(identity_number, today=today), spelled_login(login)
    row = None
    if _LOGIN.fullmatch(spelled):
        table = tables.account.c
        query = select(tables.account).where(table.login == spelled, table.identity_number == number)
        async with engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownAccount(account=login[:64])
    return person_of(row)


async def set_roles(engine: AsyncEngine, *, login: str, roles: list[str]) -> Person:
    """Gives an account exactly these roles, beside applicant. For the command line of the installation's owner.

    Raises:
        UnknownAccount: nobody has this login.
    """
    async with engine.begin() as connection:
        done = await connection.execute(
            update(tables.account)
            .where(tables.account.c.login == spelled_login(login))
            .values(roles=sorted(set(roles)))
            .returning(tables.account)
        )
        row = done.one_or_none()
    if row is None:
        raise UnknownAccount(account=login[:64])
    return person_of(row)


def spelled_login(login: str) -> str:
    """A login as it is stored: people may type it in capitals or full width."""
    return unicodedata.normalize("NFKC", login[:100]).strip().lower()


def person_of(row: Row[tuple[str, str, str, str, datetime | None, list[str]]]) -> Person:
    """The owner's view of a row of `account`."""
    return Person(
        id=row.id,
        login=row.login,
        name=row.name,
        identity_number=masked_number(row.identity_number),
        verified=row.verified_at is not None,
        roles=list(row.roles),
    )


def masked_number(number: str) -> str:
    """An identity number by its ends.

    >>> masked_number("11010519491231002X")
    '110*************2X'
    """
    return f"{number[:3]}{'*' * (len(number) - 5)}{number[-2:]}"


def masked_name(name: str) -> str:
    """A name by its first character.

    >>> masked_name("张伟")
    '张*'
    """
    return name[:1] + "*" * (len(name) - 1)


def _checked(new: NewAccount, *, today: date) -> NewAccount:
    errors: list[dict[str, str]] = []

    def wrong(field: str, reason: str) -> None:
        errors.append({"field": field, "reason": reason})

    login, name = spelled_login(new.login), spelled_name(new.name)
    phone, number, password = "", "", ""
    if not _LOGIN.fullmatch(login):
        wrong("login", "3 to 40 letters, digits, dots, hyphens or underscores, first a letter or digit")
    if not 0 < len(name) <= NAME_LIMIT or not name.isprintable():
        wrong("name", f"1 to {NAME_LIMIT} characters as on the card")
    try:
        phone = parse_phone(new.phone)
    except PhoneUnusable as error:
        wrong("phone", str(error))
    try:
        number = parse_identity_number(new.identity_number, today=today).text
    except IdentityNumberError as error:
        wrong("identity_number", str(error))
    try:
        password = checked_password(new.password, told=(login, number, phone, name))
    except PasswordUnusable as error:
        wrong("password", str(error))
    if errors:
        raise InvalidRequest(errors=errors)
    return NewAccount(login, number, name, phone, password)


def spelled_name(name: str) -> str:
    """A name as it is stored: blanks about and between its parts are one each."""
    return " ".join(name.split())


def checked_number(text: str, *, today: date) -> str:
    """A number in canonical text.

    Raises:
        InvalidRequest: it cannot be one.
    """
    try:
        return parse_identity_number(text, today=today).text
    except IdentityNumberError as error:
        raise InvalidRequest(errors=[{"field": "identity_number", "reason": str(error)}]) from None
