"""A world in which things happen to a school that has a server of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api import clock
from booking_api.identity.tokens import make_key
from booking_api.outbox.courier import Courier
from booking_api.outbox.delivering import deliver_due
from booking_api.outbox.events import note_event
from booking_api.outbox.webhooks import NewWebhook, RegisteredWebhook, register_webhook
from reservation.database import create_engine
from tests.booking_api.outbox.receiver import Receiver

AT = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
SCHOOL = "school:s-1"


class World:
    """Owns the database, a courier that may call this machine, and a receiver."""

    def __init__(self, engine: AsyncEngine, key: OKPKey) -> None:
        self.engine = engine
        self.key = key
        self.receiver = Receiver()
        self.courier = Courier(loopback=True)

    async def close(self) -> None:
        await self.courier.close()
        self.receiver.close()

    async def deliver(self, courier: Courier | None = None) -> bool:
        """One round of one worker."""
        return await deliver_due(self.engine, courier or self.courier, self.key, now=clock.now)

    async def register(
        self, url: str | None = None, *, kinds=("batch.finished",), account="p1"
    ) -> RegisteredWebhook:
        return await register_webhook(
            self.engine,
            self.key,
            NewWebhook(SCHOOL, url or self.receiver.url, list(kinds)),
            organisations=[SCHOOL],
            account=account,
            loopback=True,
        )

    async def happen(self, kind="batch.finished", *, organisation=SCHOOL, account=None, **facts: Any) -> None:
        """Something happens, in a transaction of its own."""
        async with self.engine.begin() as connection:
            await note_event(
                connection, kind=kind, at=AT, organisation=organisation, account=account, facts=facts
            )

    async def rows(self, statement: str, **bound: Any):
        async with self.engine.begin() as connection:
            done = await connection.execute(text(statement), bound)
            return done.all() if done.returns_rows else []

    async def deliveries(self):
        return await self.rows(
            "SELECT *, extract(epoch from next_at - now()) AS due_in_s FROM delivery ORDER BY event, webhook"
        )

    async def time_passes(self) -> None:
        """Whatever waits is due now: its pause or lease is over."""
        await self.rows("UPDATE delivery SET next_at = now() - interval '1 second' WHERE state = 'waiting'")


@pytest.fixture
async def world(database_url: str, settings) -> AsyncIterator[World]:
    engine = create_engine(database_url)
    world = World(engine, make_key(settings.key_file))
    yield world
    await world.close()
    await engine.dispose()
