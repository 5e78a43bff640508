"""The databases of a server: a restore fills one beside the installation's and changes the names in one transaction.

    gongdao              the installation's, which servers use
    gongdao_restoring    filled by a restore; one that was killed leaves it, and the next restore drops it
    gongdao_replaced_... what was there before, until a person drops it

May import SQLAlchemy, `reservation.database`, `errors`.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.keeping.errors import KeepingError
from reservation.database import create_engine

MAINTENANCE_DATABASE = "postgres"
RESTORE_LOCK = 0x67647273
NAME_LENGTH_LIMIT = 38
"""Beside what is appended, within PostgreSQL's 63."""
ANSWER_TIMEOUT_S = 600.0

_OBJECTS = text(
    """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    """
)
# Another role's sessions show neither their kind nor the name of their application.
_SESSIONS = text(
    """
    SELECT count(*) AS sessions, count(*) FILTER (WHERE application_name = 'gongdao') AS ours FROM pg_stat_activity
    WHERE datname = :name AND pid <> pg_backend_pid() AND COALESCE(backend_type, 'client backend') = 'client backend'
    """
)


def database_named(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


class Staging:
    """Owns the restore lock of one database on a session of its server's maintenance database."""

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, name: str) -> None:
        """`connection` holds the lock, and commits each statement by itself."""
        self._engine = engine
        self._connection = connection
        self.name = name
        self.building = f"{name}_restoring"

    async def exists(self, name: str) -> bool:
        """True when the server has this database."""
        found = await self._connection.execute(
            text("SELECT count(*) FROM pg_database WHERE datname = :name"), {"name": name}
        )
        return found.scalar_one() > 0

    async def server_major(self) -> int:
        """The server's major version."""
        found = await self._connection.execute(
            text("SELECT current_setting('server_version_num')::int / 10000")
        )
        return found.scalar_one()

    async def refuse_sessions(self) -> None:
        """Passes when nobody is connected to the installation's database.

        Raises:
            KeepingError: somebody is.
        """
        found = (await self._connection.execute(_SESSIONS, {"name": self.name})).one()
        if found.sessions:
            raise KeepingError(
                f"database {self.name}: {found.sessions} sessions are open, {found.ours} of them Gongdao's: "
                "stop every server and command that uses it"
            )

    async def create(self) -> None:
        """Makes the database to fill, in place of one that a killed restore left.

        Raises:
            SQLAlchemyError: the role may not create databases.
        """
        await self.drop(self.building)
        await self._connection.execute(
            text(f"CREATE DATABASE {self._quoted(self.building)} TEMPLATE template0 ENCODING 'UTF8'")
        )

    async def drop(self, name: str) -> None:
        """Drops a database if it is there, and whoever is connected to it."""
        await self._connection.execute(text(f"DROP DATABASE IF EXISTS {self._quoted(name)} WITH (FORCE)"))

    async def swap(self, *, now: datetime) -> str | None:
        """Puts the filled database in the installation's place, whole or not at all; gives the name of the one before.

        Raises:
            SQLAlchemyError: somebody is connected to the installation's database; nothing was changed.
        """
        before = f"{self.name}_replaced_{now:%Y%m%d%H%M%S}" if await self.exists(self.name) else None
        # A kill before the commit leaves the old database under its name, after it the new one.
        async with self._engine.begin() as connection:
            if before is not None:
                await connection.execute(self._renaming(self.name, before))
            await connection.execute(self._renaming(self.building, self.name))
        return before

    def _renaming(self, old: str, new: str) -> TextClause:
        return text(f"ALTER DATABASE {self._quoted(old)} RENAME TO {self._quoted(new)}")

    def _quoted(self, name: str) -> str:
        return self._connection.dialect.identifier_preparer.quote_identifier(name)


@asynccontextmanager
async def open_staging(url: str) -> AsyncGenerator[Staging]:
    """The only restore of this database, for the length of the block.

    Raises:
        KeepingError: another restore of it runs, or its name is too long.
        SQLAlchemyError, OSError: the server refuses, or does not answer.
    """
    name = make_url(url).database or ""
    if not 0 < len(name.encode()) <= NAME_LENGTH_LIMIT:
        raise KeepingError(f"database {name!r}: a restore needs a name of 1 to {NAME_LENGTH_LIMIT} bytes")
    maintenance = database_named(url, MAINTENANCE_DATABASE)
    engine = create_engine(maintenance, connections=2, answer_timeout_s=ANSWER_TIMEOUT_S)
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("SET statement_timeout = 0"))
            got = await connection.execute(
                text("SELECT pg_try_advisory_lock(:space, hashtext(:name))"),
                {"space": RESTORE_LOCK, "name": name},
            )
            if not got.scalar_one():
                raise KeepingError(f"database {name}: another restore of it is running")
            yield Staging(engine, connection, name)
    finally:
        await engine.dispose()


async def count_objects(url: str) -> int:
    """How many tables and views a database has; 0 when it is empty."""
    engine = create_engine(url, connections=1)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(_OBJECTS)).scalar_one()
    finally:
        await engine.dispose()
