"""What an operator sees of a real `gongdao serve`: its log, its metrics and its traces, while somebody books."""

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.otlp import attributes, collecting
from tests.serving import Serving

BROUGHT = "5f3b1c9a7d2e4f60815f3b1c9a7d2e4f"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WITHIN_S = 20.0


@pytest.fixture(scope="module")
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def seen(tmp_path_factory, collector):
    """A demo behind a proxy of its own, with everything that can be seen switched on, after one booking."""
    serving = Serving(
        tmp_path_factory.mktemp("seeing") / "data",
        "--demo",
        GONGDAO_WORKERS="1",
        GONGDAO_LOG_FORMAT="json",
        GONGDAO_LOG_REQUESTS="all",
        GONGDAO_TRUSTED_PROXIES="127.0.0.0/8",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    try:
        serving.wait_ready()
        yield serving
    finally:
        serving.stop()


@pytest.fixture(scope="module")
def token(seen) -> str:
    return seen.run("demo", "token", "--account", "applicant-1").stdout.strip()


@pytest.fixture(scope="module")
def booked(seen, token) -> dict[str, httpx.Response]:
    """Each request of one booking, and a refused one."""
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": BROUGHT, "X-Forwarded-For": "203.0.113.7"}
    with httpx.Client(base_url=f"{seen.url}/api/v1", headers=headers, timeout=10) as client:
        pools = client.get("/pools?service=driving_test").json()["pools"]
        for pool in pools:
            units = client.get(f"/pools/{pool['id']}/units?limit=100").json()["units"]
            for unit in (unit for unit in units if unit["free"]):
                held = client.post(
                    "/holds",
                    json={"pool": pool["id"], "units": [unit["id"]]},
                    headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
                )
                if held.status_code == 201:
                    path = f"/holds/{held.json()['id']}/confirm"
                    confirmed = client.post(path, headers={"Idempotency-Key": "seen"})
                    return {"hold": held, "confirm": confirmed, "refused": client.delete("/holds/nothing")}
                if held.status_code == 429:
                    time.sleep(1)
    raise AssertionError("nothing could be held")


def log_lines(seen: Serving) -> list[dict]:
    return [json.loads(line) for line in seen.said().splitlines() if line.startswith("{")]


def scrape(seen: Serving) -> dict[str, list]:
    text = httpx.get(f"http://127.0.0.1:{seen.env['GONGDAO_METRICS_PORT']}/metrics", timeout=10).text
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def eventually(good, ask):
    deadline = time.monotonic() + WITHIN_S
    while not good(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def test_the_id_a_proxy_brings_comes_back_and_is_in_the_log(seen, booked):
    assert booked["confirm"].status_code == 201, booked["confirm"].text
    assert {answer.headers["x-request-id"] for answer in booked.values()} == {BROUGHT}
    lines = [line for line in log_lines(seen) if line.get("request_id") == BROUGHT and "route" in line]
    told = {(line["method"], line["route"], line["status"]) for line in lines}
    assert ("POST", "/api/v1/holds", 201) in told
    assert ("POST", "/api/v1/holds/{hold_id}/confirm", 201) in told
    assert ("DELETE", "/api/v1/holds/{hold_id}", 404) in told


def test_requests_at_once_have_lines_of_their_own(seen, booked):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: seen.get("/api/v1/pools"), range(40)))
    told = [answer.headers["x-request-id"] for answer in answers]
    written = [line["request_id"] for line in log_lines(seen) if line.get("route") == "/api/v1/pools"]
    assert len(set(told)) == 40
    assert all(written.count(one) == 1 for one in told)


def test_no_line_names_who_asked(seen, booked, token):
    said = json.dumps(log_lines(seen))
    assert booked["hold"].json()["id"] not in said
    for secret in (token, "applicant-1", "203.0.113.7"):
        assert secret not in said


def test_a_booking_is_two_traces_with_their_steps_and_the_batch(seen, booked, collector):
    confirm = "POST /api/v1/holds/{hold_id}/confirm"
    wanted = {"POST /api/v1/holds", confirm, "commit batch"}
    collector.wait_for(lambda spans: wanted <= {span.name for span in spans})
    [held] = [
        span
        for span in collector.named("POST /api/v1/holds")
        if attributes(span)["http.response.status_code"] == 201
    ]
    assert held.trace_id.hex() == TRACE
    assert attributes(held)["gongdao.request_id"] == BROUGHT
    [confirmed] = collector.named(confirm)
    for request, steps in ((held, {"gate", "hold"}), (confirmed, {"gate", "confirm"})):
        assert {span.name for span in collector.spans if span.parent_span_id == request.span_id} == steps
    # Many requests share a batch: it belongs to none of them.
    assert not collector.named("commit batch")[0].parent_span_id


def test_no_span_names_who_asked(seen, booked, token, collector):
    collector.wait_for(lambda spans: any(span.name.startswith("POST") for span in spans))
    for body in collector.bodies:
        for secret in (token, "applicant-1", "203.0.113.7", booked["hold"].json()["id"]):
            assert secret.encode() not in body


def test_what_was_done_is_counted(seen, booked):
    def acts() -> dict[str, float]:
        return {s.labels["act"]: s.value for s in scrape(seen)["gongdao_acts"]}

    done = eventually(lambda acts: acts.get("held") and acts.get("booked"), acts)
    assert (done["held"], done["booked"]) == (1, 1)
    assert done["cancelled"] == 0


def test_the_places_of_every_open_pool_add_up(seen, booked):
    samples = scrape(seen)["gongdao_pool_places"]
    assert {sample.labels["state"] for sample in samples} == {"free", "held", "booked", "promised"}
    pool = str(booked["hold"].json()["pool"])
    of_pool = {s.labels["state"]: s.value for s in samples if s.labels["pool"] == pool}
    assert of_pool["booked"] >= 1
    assert all(value >= 0 for value in of_pool.values())
    assert set(samples[0].labels) == {"pool", "authority", "service", "rule", "state"}


def test_stores_queues_memory_and_jobs_are_told(seen, booked):
    families = scrape(seen)
    assert {s.labels["store"]: s.value for s in families["gongdao_store_up"]} == {
        "postgresql": 1,
        "valkey": 1,
    }
    assert {s.labels["queue"] for s in families["gongdao_queue_rows"]} == {"webhooks", "batches", "effects"}
    [worker] = families["gongdao_worker_resident_bytes"]
    assert worker.value > 10_000_000
    jobs = {s.labels["task"] for s in families["gongdao_job_rounds"] if s.value}
    assert {"sweep", "deliver webhooks", "prune outbox", "conclude", "report figures"} <= jobs


def test_a_worker_that_was_killed_is_forgotten_and_a_store_that_is_down_is_told(seen, booked):
    [before] = scrape(seen)["gongdao_worker_resident_bytes"]
    pid = int(before.labels["pid"])
    children = seen_children(seen)
    os.kill(pid, signal.SIGKILL)
    eventually(
        lambda workers: len(workers) == 1 and workers[0].labels["pid"] != before.labels["pid"],
        lambda: scrape(seen).get("gongdao_worker_resident_bytes", []),
    )
    # What the killed one counted stays.
    assert {s.labels["act"]: s.value for s in scrape(seen)["gongdao_acts"]}["booked"] == 1
    os.kill(children["valkey-server"], signal.SIGSTOP)
    try:
        up = {s.labels["store"]: s.value for s in scrape(seen)["gongdao_store_up"]}
    finally:
        os.kill(children["valkey-server"], signal.SIGCONT)
    assert up == {"postgresql": 1, "valkey": 0}


def seen_children(seen: Serving) -> dict[str, int]:
    return {child.name(): child.pid for child in psutil.Process(seen.process.pid).children()}


def test_labels_name_no_person(seen, booked, token):
    text = httpx.get(f"http://127.0.0.1:{seen.env['GONGDAO_METRICS_PORT']}/metrics", timeout=10).text
    assert "applicant-1" not in text
    assert booked["hold"].json()["id"] not in text
    assert not re.search(r"[0-9]{17}[0-9X]\"", text)
