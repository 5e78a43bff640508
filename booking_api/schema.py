"""The whole platform's schema: the kernel's and the application's own. Imports `reservation.database`."""

from importlib.resources import files
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from reservation.database import migrate


async def migrate_platform(engine: AsyncEngine, *services: Path) -> None:
    """Brings every table of the platform, and of the services with these folders, to this version; see `reservation.database.migrate`.

    Raises:
        SchemaError: the server cannot be used.
    """
    await migrate(engine, Path(str(files("booking_api"))) / "migrations" / "versions", *services)
