"""Traces go to a collector that speaks OTLP/HTTP, named by template, without a person in them; or the start is refused."""

import asyncio
import threading

import pytest

from booking_api.observation import Observed
from booking_api.telemetry import TelemetryUnusable, check_telemetry, open_tracing
from tests.otlp import attributes, collecting
from tests.serving import environment, gongdao

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
NUMBER = "11010519491231002X"


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture
def traced(collector, monkeypatch):
    """Builds an observed application whose spans go to the collector."""

    def build(app, **options):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        tracing = open_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        return Observed(app, tracing=tracing, **options), tracing

    return build


async def ask(app, kind: str = "http", *, client: str = "10.0.0.1"):
    async def nothing(*_):
        return {}

    headers = [
        (b"traceparent", TRACEPARENT.encode()),
        (b"authorization", b"Bearer eyJhbGciOiJFZERTQSJ9.x.y"),
        (b"cookie", b"gongdao_session=secret"),
    ]
    scope = {
        "type": kind,
        "method": "GET",
        "path": f"/people/{NUMBER}",
        "query_string": b"name=zhang",
        "path_template": "/people/{number}",
        "headers": headers,
        "client": (client, 1),
    }
    await app(scope, nothing, nothing)


async def answering(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def failing(scope, receive, send):
    if scope["type"] == "http":
        raise ZeroDivisionError(NUMBER)


async def sent(app, collector):
    """The spans, once the worker has stopped."""
    await ask(app, "lifespan")
    return collector.spans


async def test_a_span_has_the_template_and_nothing_of_who_asked(traced, collector):
    app, _ = traced(answering)
    await ask(app)
    [span] = await sent(app, collector)
    about = attributes(span)
    assert span.name == "GET /people/{number}"
    assert about.pop("gongdao.request_id")
    assert about == {
        "http.request.method": "GET",
        "http.route": "/people/{number}",
        "http.response.status_code": 200,
    }
    assert collector.services == {"gongdao"}
    for secret in (NUMBER, "10.0.0.1", "eyJ", "gongdao_session", "name=zhang"):
        assert not any(secret.encode() in body for body in collector.bodies)


async def test_a_failure_is_marked_and_its_text_is_not_sent(traced, collector):
    app, _ = traced(failing)
    with pytest.raises(ZeroDivisionError):
        await ask(app)
    [span] = await sent(app, collector)
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert not span.events
    assert not any(NUMBER.encode() in body for body in collector.bodies)


@pytest.mark.parametrize(("client", "continued"), [("10.0.0.1", True), ("192.0.2.1", False)])
async def test_only_a_trusted_proxys_trace_is_gone_on_with(traced, collector, client, continued):
    app, _ = traced(answering, trusted_proxies=["10.0.0.0/8"])
    await ask(app, client=client)
    [span] = await sent(app, collector)
    assert (span.trace_id.hex() == TRACE) is continued


async def test_steps_of_requests_at_once_are_children_of_their_own(traced, collector):
    async def stepping(scope, receive, send):
        if scope["type"] != "http":
            return
        with tracing.stage("hold"):
            await asyncio.sleep(0.01)
        await answering(scope, receive, send)

    app, tracing = traced(stepping)
    await asyncio.gather(*(asyncio.create_task(ask(app)) for _ in range(3)))
    await sent(app, collector)
    parents = {span.span_id: span for span in collector.named("GET /people/{number}")}
    steps = collector.named("hold")
    assert len(parents) == 3
    assert {span.parent_span_id for span in steps} == parents.keys()
    assert all(span.trace_id == parents[span.parent_span_id].trace_id for span in steps)


async def test_a_collector_that_is_away_holds_up_no_stop(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    monkeypatch.setattr("booking_api.telemetry.FLUSH_S", 0.1)
    before = set(threading.enumerate())
    tracing = open_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    app = Observed(answering, tracing=tracing)
    await ask(app)
    await ask(app, "lifespan")
    sending = set(threading.enumerate()) - before
    assert "last-spans" in {thread.name for thread in sending}, "the stop has waited for the collector"
    # Its pauses are drawn by `random`, which other tests must have to themselves.
    for thread in sending:
        thread.join()


@pytest.mark.parametrize("given", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_SERVICE_NAME": "x"}])
def test_without_an_endpoint_nothing_is_traced(given):
    assert open_tracing(given) is None


@pytest.mark.parametrize(
    "given",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
        },
    ],
)
def test_what_cannot_be_sent_is_told(given):
    with pytest.raises(TelemetryUnusable, match="OTEL_EXPORTER_OTLP"):
        check_telemetry(given)


def test_a_start_without_the_extra_is_refused_in_one_line(tmp_path):
    # An empty package of that name stands before the real one: as where the extra is not installed.
    (tmp_path / "without" / "opentelemetry").mkdir(parents=True)
    (tmp_path / "without" / "opentelemetry" / "__init__.py").touch()
    env = environment(
        tmp_path / "data",
        PYTHONPATH=str(tmp_path / "without"),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318",
    )
    told = gongdao(env, "serve")
    assert told.returncode == 2
    assert len(told.stderr.strip().splitlines()) == 1
    assert "gongdao[telemetry]" in told.stderr
    assert not (tmp_path / "data").exists()
