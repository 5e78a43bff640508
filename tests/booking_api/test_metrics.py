"""Requests are counted exactly, though the shared counters hear of them in groups."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from booking_api import metrics
from booking_api.metrics import Measured


def counted(route: str) -> float:
    labels = {"method": "GET", "route": route, "status": "200"}
    return REGISTRY.get_sample_value("gongdao_requests_total", labels) or 0.0


async def ask(app: Measured, kind: str = "http", *, route: str) -> None:
    async def nothing(*_):
        return {}

    await app({"type": kind, "method": "GET", "path_template": route}, nothing, nothing)


async def answering(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_every_request_is_counted_after_a_flush(monkeypatch):
    monkeypatch.setattr(metrics, "FLUSH_EVERY_S", 0.01)
    app = Measured(answering)
    for _ in range(2):
        for _ in range(5):
            await ask(app, route="/flushed")
        await asyncio.sleep(0.1)
    assert counted("/flushed") == 10


@pytest.mark.parametrize("requests", [1, 8])
async def test_a_stopping_worker_leaves_no_count_behind(requests):
    app = Measured(answering)
    route = f"/stopping/{requests}"
    for _ in range(requests):
        await ask(app, route=route)
    assert counted(route) == 0
    await ask(app, "lifespan", route=route)
    assert counted(route) == requests
