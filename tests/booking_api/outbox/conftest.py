"""A receiver, a courier that may call it, and events for its webhooks."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import text

from booking_api import clock
from booking_api.identity.tokens import make_key
from booking_api.outbox.courier import Courier
from booking_api.outbox.delivering import deliver_due
from booking_api.outbox.events import note_event
from booking_api.outbox.webhooks import NewWebhook, register_webhook
from reservation.database import create_engine
from tests.booking_api.outbox.receiver import Receiver

AT = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
SCHOOL = "school:s-1"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.close()


@pytest.fixture
async def engine(database_url: str):
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def key(settings) -> OKPKey:
    return make_key(settings.key_file)


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    courier = Courier(loopback=True)
    yield courier
    await courier.close()


@pytest.fixture
def deliver(engine, courier, key) -> Callable:
    """One round of one worker."""
    return partial(deliver_due, engine, courier, key, now=clock.now)


@pytest.fixture
def register(engine, key, receiver) -> Callable:
    async def registered(url: str | None = None, *, kinds=("batch.finished",), account="p1"):
        return await register_webhook(
            engine,
            key,
            NewWebhook(SCHOOL, url or receiver.url, list(kinds)),
            organisations=[SCHOOL],
            account=account,
            loopback=True,
        )

    return registered


@pytest.fixture
def happen(engine) -> Callable:
    """Something happens, in a transaction of its own."""

    async def happened(kind="batch.finished", *, organisation=SCHOOL, account=None, **facts):
        async with engine.begin() as connection:
            await note_event(
                connection, kind=kind, at=AT, organisation=organisation, account=account, facts=facts
            )

    return happened


@pytest.fixture
def rows(engine) -> Callable:
    async def read(statement: str, **bound):
        async with engine.begin() as connection:
            done = await connection.execute(text(statement), bound)
            return done.all() if done.returns_rows else []

    return read


@pytest.fixture
def deliveries(rows) -> Callable:
    async def read():
        return await rows(
            "SELECT *, extract(epoch from next_at - now()) AS due_in_s FROM delivery ORDER BY event, webhook"
        )

    return read


@pytest.fixture
def time_passes(rows) -> Callable:
    """Whatever waits is due now: its pause or lease is over."""

    async def pass_by() -> None:
        await rows("UPDATE delivery SET next_at = now() - interval '1 second' WHERE state = 'waiting'")

    return pass_by
