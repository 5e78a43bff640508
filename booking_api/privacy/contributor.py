"""How a room says what it keeps about a person. Imports SQLAlchemy."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import FromClause, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

Row = dict[str, Any]


class Subject(NamedTuple):
    """Whose records are meant. `verified_number` is None for an account nobody has verified.

    Such an account has typed a number that may be anybody's: what is on record under it is not its to see.
    """

    account: str
    verified_number: str | None


Export = Callable[[AsyncConnection, Subject], Awaitable[list[Row]]]
Erase = Callable[[AsyncConnection, Subject], Awaitable[None]]
Standing = Callable[[AsyncConnection, Subject], Awaitable[list[str]]]


class Contributor(NamedTuple):
    """One room's records of a person.

    `tables` are those it answers for. `exports` gives rows by the name they have in the document. `standing` gives what
    must be ended before a person can be erased, by name. `erase` takes away or makes unlinkable what is the person's; None
    where records belong to somebody else. All join the caller's transaction.
    """

    tables: tuple[Table, ...]
    exports: Mapping[str, Export]
    standing: Mapping[str, Standing] = {}
    erase: Erase | None = None


async def rows_where(
    connection: AsyncConnection,
    columns: tuple[ColumnElement[Any], ...],
    *conditions: ColumnElement[bool],
    order_by: ColumnElement[Any],
    source: FromClause | None = None,
) -> list[Row]:
    """The rows that meet the conditions, each by its columns' names."""
    query = select(*columns).where(*conditions).order_by(order_by)
    if source is not None:
        query = query.select_from(source)
    return [dict(row) for row in (await connection.execute(query)).mappings()]
