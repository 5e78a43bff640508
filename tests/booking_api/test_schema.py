"""The application's own migrations make exactly the tables that its rooms describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from booking_api.identity.tables import metadata as identity
from booking_api.plans.tables import metadata as plans
from booking_api.registers.tables import metadata as registers
from booking_api.schema import migrate_platform
from reservation.database import create_engine


def differences(connection):
    def ours(_thing, name, kind, _reflected, _compare_to):
        return kind != "table" or name in {*registers.tables, *identity.tables, *plans.tables}

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return compare_metadata(
        MigrationContext.configure(connection, opts=options), [registers, identity, plans]
    )


async def test_migrations_and_tables_agree_and_migrating_again_changes_nothing(database_url):
    engine = create_engine(database_url, connections=2)
    try:
        for _ in range(2):
            async with engine.connect() as connection:
                assert await connection.run_sync(differences) == []
            await migrate_platform(engine)
        async with engine.connect() as connection:
            await connection.exec_driver_sql("DROP INDEX vehicle_identity_number_idx")
            assert [step[0] for step in await connection.run_sync(differences)] == ["add_index"]
    finally:
        await engine.dispose()
