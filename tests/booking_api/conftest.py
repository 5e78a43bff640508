"""The application in-process against the run's servers, with tokens for anybody."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from booking_api import clock
from booking_api.identity import passwords
from booking_api.identity.tokens import issue_token, make_key
from booking_api.settings import Settings
from tests.apps import app_of, apps_go_back


@pytest.fixture
def settings(tmp_path: Path, database_url: str, valkey_url: str) -> Settings:
    return Settings(data=tmp_path, database_url=database_url, valkey_url=valkey_url)


@pytest.fixture
def token(settings: Settings) -> Callable[..., dict[str, str]]:
    """Makes the headers of an account."""
    key = make_key(settings.key_file)

    def headers(
        account: str = "a",
        *,
        vehicles: tuple[str, ...] = (),
        life_s: int = 600,
        verified: bool = True,
        roles: tuple[str, ...] = (),
    ) -> dict[str, str]:
        made = issue_token(
            key,
            account=account,
            now_s=clock.now_s(),
            life_s=life_s,
            verified=verified,
            roles=roles,
            vehicles=vehicles,
        )
        return {"Authorization": f"Bearer {made}"}

    return headers


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with small parameters: its cost is argon2-cffi's own affair, and every application starts with a hash."""
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: quick)


@pytest.fixture
async def client(settings: Settings, token, quick_hashes) -> AsyncIterator[AsyncTestClient]:
    async with AsyncTestClient(app_of(settings)) as started:
        yield started


__all__ = ["apps_go_back"]
