"""One document with everything stored about a person, as it was at one moment. Imports SQLAlchemy and this room."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.errors import UnknownAccount
from booking_api.identity.tables import account
from booking_api.privacy.contributor import Subject
from booking_api.privacy.records import RECORDS

FORMAT = "gongdao-person/1"


async def export_person(engine: AsyncEngine, *, account_id: str) -> dict[str, Any]:
    """The document: `format`, and a list of rows for every kind of record, empty where there are none.

    Raises:
        UnknownAccount: there is no such account.
    """
    document: dict[str, Any] = {"format": FORMAT}
    async with engine.begin() as connection:
        # All rows of one snapshot: a booking made meanwhile is in it with its entry, or not at all.
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        query = select(account.c.identity_number, account.c.verified_at).where(account.c.id == account_id)
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownAccount(account=account_id)
        subject = Subject(account_id, row.identity_number if row.verified_at is not None else None)
        for contributor in RECORDS:
            for name, export in contributor.exports.items():
                document[name] = await export(connection, subject)
    return document
