"""The migrations make exactly the tables that `tables.py` describes."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from booking_api.schema import migrate_platform
from reservation.database import SchemaError, create_engine, migrate
from reservation.tables import metadata

PARTITIONS = {f"active_claim_{n}" for n in range(8)}


def ours(_thing, name, kind, reflected, compare_to):
    """Partitions and their indexes follow their parent; other packages' tables are theirs."""
    if kind == "table":
        return name in metadata.tables
    return not (reflected and compare_to is None and name.startswith(tuple(PARTITIONS)))


@pytest.fixture
async def engine(database_url):
    engine = create_engine(database_url, connections=3)
    yield engine
    await engine.dispose()


def differences(connection):
    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_migrations_and_tables_agree(engine):
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_difference_would_be_seen(engine):
    """The comparison is not blind to types, defaults, columns and indexes."""
    async with engine.connect() as connection:
        for change in (
            "ALTER TABLE unit ALTER COLUMN booked TYPE bigint",
            "ALTER TABLE unit ALTER COLUMN promised SET DEFAULT 7",
            "ALTER TABLE pool DROP COLUMN demo",
            "DROP INDEX booking_owner_idx",
            "ALTER TABLE booking ALTER COLUMN owner DROP NOT NULL",
        ):
            await connection.execute(text(change))
        found = [step for group in await connection.run_sync(differences) for step in _flat(group)]
        await connection.rollback()
    assert sorted(step[0] for step in found) == [
        "add_column",
        "add_index",
        "modify_default",
        "modify_nullable",
        "modify_type",
    ]


def _flat(group):
    return group if isinstance(group, list) else [group]


async def test_the_constraints_are_those_of_the_tables(engine):
    """Alembic does not compare checks: their names are."""
    described = {
        (table.name, str(constraint.name))
        for table in metadata.tables.values()
        for constraint in table.constraints
        if constraint.__visit_name__ == "table_or_column_check_constraint"
        or type(constraint).__name__ == "CheckConstraint"
    }
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                """
                SELECT conrelid::regclass::text AS place, conname FROM pg_constraint
                WHERE contype = 'c' AND connamespace = 'public'::regnamespace
                """
            )
        )
        there = {(row.place, row.conname) for row in rows if row.place in metadata.tables}
    assert {(table, _full(table, name)) for table, name in described} == there


def _full(table, name):
    return name if name.startswith(f"{table}_") and name.endswith("_check") else f"{table}_{name}_check"


async def test_active_claims_are_partitioned_by_claimant(engine):
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'active_claim'::regclass"
            )
        )
        assert {row.name for row in rows} == PARTITIONS
        keyed = await connection.execute(text("SELECT pg_get_partkeydef('active_claim'::regclass)"))
        assert keyed.scalar_one() == "HASH (claimant)"


async def test_migrating_again_changes_nothing(engine):
    await migrate_platform(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_backstop_refuses_what_the_mechanism_should_have(engine):
    """Check and unique constraints: a bug above them is an error here, and not an oversold session."""
    prepare = """
        INSERT INTO authority VALUES ('a', 'city', NULL, '{}');
        INSERT INTO pool (authority, service, rule, title, claimant_kind, state, hold_ttl_s)
        VALUES ('a', 's', 'r', '{}', 'person', 'open', 60);
        INSERT INTO unit (pool_id, kind, title, capacity) SELECT id, 'session', '{}', 1 FROM pool;
        INSERT INTO active_claim VALUES ('p', 's', 'r', gen_random_uuid());
    """
    refused = (
        "UPDATE unit SET booked = 2",
        "UPDATE unit SET booked = 1, promised = 1",
        "UPDATE unit SET booked = -1",
        "UPDATE unit SET kind = 'item', capacity = 2",
        "INSERT INTO active_claim VALUES ('p', 's', 'r', gen_random_uuid())",
        "UPDATE pool SET hold_ttl_s = 0",
        "UPDATE pool SET state = 'ajar'",
    )
    async with engine.connect() as connection:
        for statement in prepare.split(";"):
            if statement.strip():
                await connection.execute(text(statement))
        await connection.commit()
        for statement in refused:
            with pytest.raises(IntegrityError):
                await connection.execute(text(statement))
            await connection.rollback()


async def test_an_old_server_is_refused_by_its_version(engine, monkeypatch):
    monkeypatch.setitem(migrate.__globals__, "OLDEST_POSTGRESQL", 990_000)
    with pytest.raises(SchemaError, match="too old"):
        await migrate(engine)
