"""The whole platform's schema: the kernel's and the application's own. Imports `reservation.database`."""

from importlib.resources import files
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from reservation.database import known_revisions, migrate

MIGRATIONS = Path(str(files("booking_api"))) / "migrations" / "versions"


async def migrate_platform(engine: AsyncEngine, *services: Path) -> None:
    """Brings every table of the platform, and of the services with these folders, to this version; see `reservation.database.migrate`.

    Raises:
        SchemaError: the server cannot be used.
    """
    await migrate(engine, MIGRATIONS, *services)


def platform_revisions(*services: Path) -> set[str]:
    """Every revision that this version's migrations, and those of the services with these folders, know."""
    return known_revisions(MIGRATIONS, *services)
