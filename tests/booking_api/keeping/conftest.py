"""An installation to keep: a city with a booking in a database of the run's servers, and its key."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.identity.tokens import make_key
from booking_api.keeping.backing_up import back_up
from booking_api.keeping.restoring import Target, Wishes, restore
from booking_api.settings import Settings
from reservation import Kernel, confirm, hold
from reservation.database import create_engine
from tests.conftest import database_named, make_city


class Installation:
    """One of the run's databases with the run's Valkey; every act closes its connections behind it."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.database_url = settings.database_url
        self.name = self.database_url.rpartition("/")[2].partition("?")[0]
        self.target = Target(settings.database_url, settings.valkey_url, True, settings, ())

    async def with_kernel(self, work):
        kernel = Kernel(
            create_engine(self.database_url, connections=4), self.settings.valkey_url, clock=clock.now_ms
        )
        await kernel.open()
        try:
            return await work(kernel)
        finally:
            await kernel.close()

    async def found(self, *, capacity: int = 20) -> None:
        make_key(self.settings.key_file)
        self.pool, [self.unit] = await self.with_kernel(
            lambda kernel: make_city(kernel, capacities=(capacity,))
        )

    async def book(self, person: str) -> str:
        async def whole(kernel):
            held = await hold(kernel, pool_id=self.pool, units=[self.unit], claimant=person, owner=person)
            return (await confirm(kernel, claim_id=held.id, owner=person, key=f"key of {person}")).id

        return await self.with_kernel(whole)

    async def owners(self) -> set[str]:
        return {row.owner for row in await self.ask("SELECT owner FROM booking")}

    async def ask(self, query: str, *, database: str | None = None):
        engine = create_engine(
            self.database_url if database is None else database_named(self.database_url, database),
            connections=1,
        )
        try:
            async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                done = await connection.execute(text(query))
                return done.all() if done.returns_rows else []
        finally:
            await engine.dispose()

    async def databases(self) -> list[str]:
        """This installation's own, and what restores have left beside it."""
        rows = await self.ask(
            f"SELECT datname FROM pg_database WHERE datname ~ '^{self.name}(_|$)' ORDER BY 1",
            database="postgres",
        )
        return [row.datname for row in rows]

    async def back_up(self, out: Path) -> Path:
        engine = create_engine(self.database_url, connections=1)
        try:
            done = await back_up(
                engine,
                out,
                url=self.database_url,
                embedded=True,
                settings=self.settings,
                environment=os.environ,
                now=clock.now,
            )
        finally:
            await engine.dispose()
        return done.path

    async def restore(self, archive: Path, **wishes):
        return await restore(archive, self.target, Wishes(**wishes))


@pytest.fixture
async def installation(settings):
    """With one booking, of Ada."""
    made = Installation(settings)
    await made.found()
    await made.book("ada")
    yield made
    for name in await made.databases():
        if name != made.name:
            await made.ask(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")


@pytest.fixture
async def archive(installation, tmp_path):
    """With Ada's booking; Ben's came later."""
    path = await installation.back_up(tmp_path / "archive.tar")
    await installation.book("ben")
    return path
