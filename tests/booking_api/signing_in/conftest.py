"""The application for people who sign in: quick to hash, its requests at once, its rows at hand."""

import pytest
from sqlalchemy import text

from booking_api.identity.sessions import memory
from reservation.database import create_engine
from tests.apps import app_of
from tests.booking_api.signing_in.people import Browser, open_client, quicken_hashes, register


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    quicken_hashes(monkeypatch)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    """Nothing is remembered, so that a test need not wait; memory has tests of its own."""
    monkeypatch.setattr(memory, "REMEMBERED_MS", 0)


@pytest.fixture
def app(settings, token):
    return app_of(settings)


@pytest.fixture
async def client(app):
    async with open_client(app) as client:
        yield client


@pytest.fixture
async def run(database_url):
    engine = create_engine(database_url, connections=1)

    async def execute(statement, **values):
        async with engine.begin() as connection:
            return await connection.execute(text(statement), values)

    yield execute
    await engine.dispose()


@pytest.fixture
async def browser(client):
    await register(client)
    browser = Browser(client)
    await browser.sign_in()
    return browser
