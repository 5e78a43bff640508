"""An installation with fees and a payment provider that listens on this machine."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api import app, clock
from booking_api.app import payment_provider
from booking_api.payments.mending import mend_payments
from booking_api.payments.provider import PaymentProvider
from booking_api.payments.sittings import Sitting, refund, use_fees
from booking_api.plans.authorities import set_settings
from reservation.database import create_engine
from tests.apps import app_of
from tests.booking_api.payments.peer import KEY, Peer

FEES = {"1": 4_000, "2": 12_050, "3": 20_000}
BOOKING = "0192f3c0-1234-8056-9789-0123456789ab"


class World:
    """Owns the database of an installation, its provider, and the application in front of both."""

    def __init__(
        self, client: AsyncTestClient, engine: AsyncEngine, peer: Peer, provider: PaymentProvider, token: Any
    ) -> None:
        self.client = client
        self.engine = engine
        self.peer = peer
        self.provider = provider
        self.token = token

    async def pay(self, account="a", *, subject=2, authority="cn-hz", client=None) -> httpx.Response:
        """Asks for a fee's order, as a person does."""
        body = {"authority": authority, "subject": subject}
        return await (client or self.client).post("/api/v1/payments", json=body, headers=self.token(account))

    async def get(self, path: str, account="a") -> Any:
        return (await self.client.get(f"/api/v1/{path}", headers=self.token(account))).json()[path]

    async def tell(self, order: str, **changed: Any) -> httpx.Response:
        """The provider tells how an order stands."""
        headers, body = self.peer.message(order, **changed)
        return await self.client.post("/api/v1/payments/callback", content=body, headers=headers)

    async def paid_fee(self, account="a", *, subject=2) -> str:
        """A fee that was ordered, paid and told: its id."""
        order = (await self.pay(account, subject=subject)).json()["id"]
        self.peer.pay(order)
        assert (await self.tell(order)).status_code == 200
        return order

    async def mend(self) -> bool:
        """One round of one worker."""
        return await mend_payments(self.engine, self.provider, now=clock.now)

    async def time_passes(self) -> None:
        """Whatever is to be asked for is to be asked for now."""
        await self.rows("UPDATE fee SET next_at = now() - interval '1 second'")

    async def rows(self, statement: str, **bound: Any) -> Sequence[Any]:
        async with self.engine.begin() as connection:
            done = await connection.execute(text(statement), bound)
            return done.all() if done.returns_rows else []

    async def states(self) -> list[str]:
        return [row.state for row in await self.rows("SELECT state FROM fee ORDER BY created_at")]

    async def settled(self, *accounts: str, authority="cn-hz") -> dict[str, frozenset[int]]:
        """Account -> the subjects whose fee is paid and not used."""
        found: dict[str, frozenset[int]] = {}
        for account in accounts:
            rows = await self.rows(
                "SELECT subject FROM fee WHERE account = :account AND authority = :authority "
                "AND state = 'settled' AND used_by IS NULL",
                account=account,
                authority=authority,
            )
            if rows:
                found[account] = frozenset(row.subject for row in rows)
        return found

    async def use(self, account="a", *, booking=BOOKING, subject=2) -> int:
        async with self.engine.begin() as connection:
            return await use_fees(connection, [Sitting(booking, account, "cn-hz", subject)], at=clock.now())

    async def ask_refund(self, *, accounts=("a",), bookings=(), commit=True) -> int:
        """An authority cancels a session."""
        async with self.engine.connect() as connection:
            asked = await refund(
                connection,
                authority="cn-hz",
                subject=2,
                bookings=bookings,
                accounts=accounts,
                by="operator:o1",
                at=clock.now(),
            )
            await (connection.commit() if commit else connection.rollback())
        return asked


@pytest.fixture
def peer() -> Iterator[Peer]:
    started = Peer()
    yield started
    started.close()
    assert started.unsigned == []


@pytest.fixture
def counter_settings(settings, quick_hashes):
    return settings


@pytest.fixture
def remote_settings(counter_settings, peer, tmp_path):
    key_file = tmp_path / "payment.key"
    key_file.write_bytes(KEY + b"\n")
    return replace(
        counter_settings, payments_url=peer.url, payments_key_file=key_file, payments_merchant="m1"
    )


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        for authority in ("cn-hz", "cn-nb"):
            await connection.execute(
                text("INSERT INTO authority (id, level, name) VALUES (:id, 'city', '{}')"), {"id": authority}
            )
            await set_settings(
                connection,
                lineage=[authority],
                service="driving_test",
                settings={"eligibility": {"fees_fen": FEES}},
                reason="test",
                by="op",
            )
    yield engine
    await engine.dispose()


@pytest.fixture
async def world(remote_settings, engine, peer, token, monkeypatch) -> AsyncIterator[World]:
    """The application mends once when it starts, and then only when a test does."""
    monkeypatch.setattr(app, "MEND_EVERY_S", 3_600)
    provider = payment_provider(remote_settings)
    async with AsyncTestClient(app_of(remote_settings)) as client:
        yield World(client, engine, peer, provider, token)
    await provider.close()


@pytest.fixture
async def counter(counter_settings, engine, token) -> AsyncIterator[AsyncTestClient]:
    """The application of an installation without a provider."""
    async with AsyncTestClient(app_of(counter_settings)) as started:
        yield started


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()
