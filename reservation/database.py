"""The engine and the schema. Imports SQLAlchemy and Alembic."""

import logging
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

log = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 20.0
MIGRATION_LOCK = 0x676F6E67
OLDEST_POSTGRESQL = 150_000


class SchemaError(RuntimeError):
    """The server cannot be used; the message says why."""


def create_engine(
    url: str, *, connections: int = 8, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> AsyncEngine:
    """An engine whose sessions give up on locks, on statements and on their own silence in bounded time.

    `answer_timeout_s` bounds each statement on our side; commands that read whole tables ask for more.
    """
    return create_async_engine(
        url,
        # An error in a log names the statement, never the people in it.
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": answer_timeout_s,
            "server_settings": {
                "application_name": "gongdao",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )


def create_reading_engine(url: str, *, connections: int = 4) -> AsyncEngine:
    """An engine for single reads: each statement is its own transaction, so a read is one exchange and not three."""
    return create_engine(url, connections=connections).execution_options(isolation_level="AUTOCOMMIT")


async def migrate(engine: AsyncEngine, *branches: Path) -> None:
    """Brings the schema to this version. Several processes may call it at once: one works, the others wait.

    `branches` are folders with the migrations of packages above this one, each a branch of its own. A database that
    has a branch must be migrated with it ever after.

    Raises:
        SchemaError: the server is older than PostgreSQL 15.
    """
    async with engine.connect() as connection:
        version = (
            await connection.execute(text("SELECT current_setting('server_version_num')::int"))
        ).scalar_one()
        if version < OLDEST_POSTGRESQL:
            raise SchemaError(f"PostgreSQL {version // 10000} is too old: 15 or later is needed")
        await connection.execute(text("SET lock_timeout = 0"))
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        await connection.commit()
        try:
            await connection.run_sync(_upgrade, branches)
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            await connection.execute(text("RESET lock_timeout"))
            await connection.commit()


def known_revisions(*branches: Path) -> set[str]:
    """Every revision that the migrations of this version and of these branches bring a schema to."""
    return {script.revision for script in ScriptDirectory.from_config(_configure(branches)).walk_revisions()}


def _upgrade(connection: Connection, branches: Sequence[Path]) -> None:
    config = _configure(branches)
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")
    connection.commit()


def _configure(branches: Sequence[Path]) -> Config:
    config = Config()
    ours = Path(str(files("reservation"))) / "migrations"
    folders = "\n".join(map(str, (ours / "versions", *branches)))
    # The configuration reads % as the start of a reference.
    config.set_main_option("script_location", str(ours).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    return config
