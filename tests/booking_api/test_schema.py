"""The application's own migrations make exactly the tables that its rooms describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from booking_api.counter.tables import metadata as counter
from booking_api.identity.factors.tables import metadata as factors
from booking_api.identity.oidc.tables import metadata as oidc
from booking_api.identity.sessions.tables import metadata as sessions
from booking_api.identity.tables import metadata as identity
from booking_api.organisations.tables import metadata as organisations
from booking_api.outbox.tables import metadata as outbox
from booking_api.payments.tables import metadata as payments
from booking_api.plans.tables import metadata as plans
from booking_api.registers.tables import metadata as registers
from booking_api.schema import migrate_platform
from booking_api.schools.tables import metadata as schools
from booking_api.verification.tables import metadata as verification
from reservation.database import create_engine

# Some rooms write their tables into one description.
ROOMS = list(
    {
        id(r): r
        for r in (
            registers,
            identity,
            factors,
            oidc,
            sessions,
            plans,
            outbox,
            payments,
            verification,
            organisations,
            schools,
            counter,
        )
    }.values()
)
TABLES = {name for room in ROOMS for name in room.tables}


def differences(connection):
    def ours(_thing, name, kind, _reflected, _compare_to):
        return kind != "table" or name in TABLES

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return compare_metadata(MigrationContext.configure(connection, opts=options), ROOMS)


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
