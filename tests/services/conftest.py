"""The application with the disclosure service, loaded by an entry point as an installed package declares it."""

from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from booking_api.app import create_app
from booking_api.identity.tokens import make_key
from booking_api.services import GROUP, Service, load_services
from booking_api.settings import Settings


@pytest.fixture
def services() -> tuple[Service, ...]:
    return load_services([EntryPoint("disclosure", "services.disclosure:service", GROUP)])


@pytest.fixture
async def client(
    services: tuple[Service, ...], tmp_path: Path, database_url: str, valkey_url: str
) -> AsyncIterator[AsyncTestClient]:
    settings = Settings(data=tmp_path, database_url=database_url, valkey_url=valkey_url)
    make_key(settings.key_file)
    async with AsyncTestClient(create_app(settings, services)) as started:
        yield started
