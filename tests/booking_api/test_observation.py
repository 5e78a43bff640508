"""Every request has an id, is counted exactly, and leaves a line only where somebody may have to look into it."""

import asyncio
import io
import json
import logging

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import AsyncTestClient
from prometheus_client import REGISTRY

from booking_api import access_lines, observation
from booking_api.access_lines import AccessLines, Allowance
from booking_api.log import make_handler
from booking_api.observation import Observed
from booking_api.problems import EXCEPTION_HANDLERS
from booking_api.request_id import REQUEST_ID, brought_id, make_request_ids

OF_NGINX = "5f3b1c9a7d2e4f60815f3b1c9a7d2e4f"
OF_ENVOY = "5f3b1c9a-7d2e-4f60-815f-3b1c9a7d2e4f"
PREPARED = [(b"content-type", b"text/plain")]


def counted(route: str, status: int = 200) -> float:
    labels = {"method": "GET", "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("gongdao_requests_total", labels) or 0.0


async def ask(app, kind: str = "http", *, route: str = "/asked", headers=(), client=("127.0.0.1", 1)):
    """What is sent back to one request."""
    sent = []

    async def receive():
        return {}

    async def send(message):
        sent.append(message)

    scope = {
        "type": kind,
        "method": "GET",
        "path_template": route,
        "path": f"{route}/11010519491231002X",
        "headers": list(headers),
        "client": client,
    }
    await app(scope, receive, send)
    return sent


def answering(status: int = 200):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": PREPARED})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def failing(scope, receive, send):
    raise ZeroDivisionError


def id_of(sent) -> str:
    [told] = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    return told.decode()


async def test_every_request_is_counted_after_a_flush(monkeypatch):
    monkeypatch.setattr(observation, "FLUSH_EVERY_S", 0.01)
    app = Observed(answering())
    for _ in range(2):
        for _ in range(5):
            await ask(app, route="/flushed")
        await asyncio.sleep(0.1)
    assert counted("/flushed") == 10


@pytest.mark.parametrize("requests", [1, 8])
async def test_a_stopping_worker_leaves_no_count_behind(requests):
    app = Observed(answering())
    route = f"/stopping/{requests}"
    for _ in range(requests):
        await ask(app, route=route)
    assert counted(route) == 0
    await ask(app, "lifespan", route=route)
    assert counted(route) == requests


async def test_a_request_the_application_could_not_answer_is_counted_as_failed():
    app = Observed(failing)
    with pytest.raises(ZeroDivisionError):
        await ask(app, route="/failing")
    await ask(Observed(answering()), "lifespan")
    app._flush()
    assert counted("/failing", 500) == 1


async def test_each_request_has_an_id_of_its_own_and_is_told_it():
    app = Observed(answering())
    ids = {id_of(await ask(app)) for _ in range(1_100)}
    assert len(ids) == 1_100
    assert {len(one) for one in ids} == {16}
    assert PREPARED == [(b"content-type", b"text/plain")], "an answer sent to many carries nobody's id"


def test_two_workers_make_different_ids():
    assert next(make_request_ids()) != next(make_request_ids())


@pytest.mark.parametrize("brought", [OF_NGINX, OF_ENVOY])
async def test_an_id_of_a_trusted_proxy_is_kept(brought):
    app = Observed(answering(), trusted_proxies=["10.0.0.0/8"])
    headers = [(b"x-request-id", b"0" * 32), (b"x-request-id", brought.encode())]
    assert id_of(await ask(app, headers=headers, client=("10.0.0.1", 1))) == brought


@pytest.mark.parametrize(
    ("proxies", "client", "brought"),
    [
        ([], ("10.0.0.1", 1), OF_NGINX),
        (["10.0.0.0/8"], ("192.0.2.1", 1), OF_NGINX),
        (["10.0.0.0/8"], None, OF_NGINX),
        (["10.0.0.0/8"], ("10.0.0.1", 1), "11010519491231002X"),
    ],
)
async def test_an_id_of_anybody_else_or_of_another_form_is_not(proxies, client, brought):
    app = Observed(answering(), trusted_proxies=proxies)
    assert id_of(await ask(app, headers=[(b"x-request-id", brought.encode())], client=client)) != brought


@pytest.mark.parametrize(
    "value", ["", "x" * 32, "13800138000", "浙A12345", OF_NGINX + "\n", OF_NGINX.upper(), OF_NGINX * 2]
)
def test_what_is_no_id_of_a_proxy_is_not_believed(value):
    assert brought_id(value.encode()) is None


async def test_requests_under_way_at_once_keep_their_ids_apart():
    seen: dict[str, str | None] = {}

    async def one(n: int) -> tuple[str, str]:
        async def app_of_one(scope, receive, send):
            await asyncio.sleep(0.001 * (5 - n))
            await answering()(scope, receive, send)
            seen[str(n)] = REQUEST_ID.get()

        return str(n), id_of(await ask(Observed(app_of_one)))

    told = dict(await asyncio.gather(*(asyncio.create_task(one(n)) for n in range(5))))
    assert seen == told


@pytest.fixture
def lines(caplog):
    """What was written of requests, each as its fields."""
    caplog.set_level(logging.INFO, logger=access_lines.log.name)

    def read() -> list[dict]:
        records = [record for record in caplog.records if record.name == access_lines.log.name]
        return [
            {name: getattr(record, name) for name in access_lines.FIELDS if hasattr(record, name)}
            for record in records
        ]

    return read


async def test_a_failed_request_leaves_a_line_with_its_template_and_nothing_of_its_path(lines, caplog):
    await ask(Observed(answering(503)), route="/people/{id}")
    [line] = lines()
    assert (line["method"], line["route"], line["status"]) == ("GET", "/people/{id}", 503)
    assert line["duration_ms"] >= 0
    assert line["worker"] > 0
    assert "11010519491231002X" not in repr([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    ("kept", "status", "expected"),
    [
        ("failures", 200, 0),
        ("failures", 409, 1),
        ("failures", 500, 1),
        ("all", 200, 1),
        ("none", 500, 0),
        ("none", 200, 0),
    ],
)
async def test_which_requests_leave_a_line_is_a_setting(lines, kept, status, expected):
    await ask(Observed(answering(status), log_requests=kept))
    assert len(lines()) == expected


async def test_a_slow_answer_leaves_a_line(lines, monkeypatch):
    monkeypatch.setattr(access_lines, "SLOW_S", 0.0)
    await ask(Observed(answering(200)))
    assert [line["status"] for line in lines()] == [200]


def test_a_rush_of_refusals_leaves_a_few_lines_and_says_how_many_it_left_out(lines):
    now_s = 0.0
    access = AccessLines("failures", now_s=lambda: now_s)
    refused = {"method": "POST", "route": "/holds", "status": 409, "elapsed_s": 0.01}
    for _ in range(1_000):
        access.write(**refused)
    assert len(lines()) == 20
    # A failure is of another kind: it is not drowned by refusals.
    access.write(**refused | {"status": 500})
    assert len(lines()) == 21
    now_s = 0.2
    access.write(**refused)
    assert lines()[-1]["left_out"] == 980


def test_an_allowance_does_not_grow_beyond_its_burst():
    now_s = 0.0
    allowance = Allowance(5, 20, now_s=lambda: now_s)
    now_s = 3_600.0
    assert sum(allowance.take() is not None for _ in range(100)) == 20


async def test_every_line_of_a_request_carries_its_id_and_only_fields_of_access_lines(caplog):
    out = io.StringIO()
    handler = make_handler(out, "json")
    logger = logging.getLogger("of-this-test")
    caplog.set_level(logging.INFO, logger=logger.name)
    logger.addHandler(handler)

    async def app(scope, receive, send):
        logger.info("said on the way", extra={"phone": "no business of the log", "route": "/x"})
        await answering()(scope, receive, send)

    request_id = id_of(await ask(Observed(app)))
    REQUEST_ID.set(None)
    logger.warning("said by a job")
    logger.removeHandler(handler)
    of_request, of_job = map(json.loads, out.getvalue().splitlines())
    assert of_request["request_id"] == request_id
    assert of_request["route"] == "/x"
    assert "phone" not in of_request
    assert "request_id" not in of_job


async def test_our_own_failure_names_the_request_by_which_the_log_is_found(caplog):
    @get("/people/{person:str}")
    async def broken(person: FromPath[str]) -> None:
        raise ZeroDivisionError

    app = Litestar([broken], exception_handlers=EXCEPTION_HANDLERS, logging_config=None, openapi_config=None)
    async with AsyncTestClient(Observed(app)) as client:
        answer = await client.get("/people/zhang.wei")
        refused = await client.get("/nothing")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "request_id" not in refused.json()
    [failure] = [record.getMessage() for record in caplog.records if record.name == "booking_api.problems"]
    assert failure.startswith("GET /people/{person} failed")
    assert "zhang.wei" not in failure
