"""Rounds from relays that lie, lag and fail, and from files: each is verified, whoever brings it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from booking_api.ceremony.beacons import (
    demo_round,
    from_file,
    from_relays,
    new_demo_chain,
    read_chain_file,
)
from booking_api.ceremony.errors import CeremonyUnusable
from fairness.beacon import QUICKNET
from tests.vectors import vectors

TOLD = vectors("drand_quicknet")["rounds"][1]
GOOD = json.dumps({"round": TOLD["round"], "signature": TOLD["signature"], "randomness": "ignored"}).encode()
ANOTHER = json.dumps(
    {"round": TOLD["round"], "signature": vectors("drand_quicknet")["rounds"][0]["signature"]}
).encode()


@contextmanager
def relay(status, body):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_the_first_relay_that_has_the_round_gives_it():
    """One is not there, one fails, one lies, one is right."""
    with (
        relay(500, b"") as (failing, _),
        relay(200, ANOTHER) as (lying, _),
        relay(200, GOOD) as (good, asked),
    ):
        found = from_relays(QUICKNET, TOLD["round"], ["http://127.0.0.1:9", failing, lying, good])
    assert found.signature.hex() == TOLD["signature"]
    assert asked == [f"/{QUICKNET.hash.hex()}/public/{TOLD['round']}"]


def test_when_no_relay_has_it_each_answer_is_told():
    with (
        relay(404, b"") as (missing, _),
        relay(200, b"{}") as (empty, _),
        pytest.raises(CeremonyUnusable) as error,
    ):
        from_relays(QUICKNET, TOLD["round"], [missing, empty])
    assert missing in str(error.value)
    assert empty in str(error.value)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", ANOTHER, GOOD.replace(b"1000", b"1001"), GOOD.replace(b'"b', b'"x'), b"\xff"]
)
def test_a_file_that_is_not_the_round_is_refused(tmp_path, body):
    (tmp_path / "round").write_bytes(body)
    with pytest.raises(CeremonyUnusable):
        from_file(QUICKNET, TOLD["round"], tmp_path / "round")


def test_a_demonstrations_round_is_given_when_it_is_due(tmp_path):
    chain = new_demo_chain(tmp_path / "beacon", now_s=1_000)
    assert read_chain_file(tmp_path / "beacon" / "chain.json") == chain
    assert chain.is_demo
    with pytest.raises(CeremonyUnusable, match="due in 6 s"):
        demo_round(tmp_path / "beacon", 3, now_s=1_000)
    (tmp_path / "round").write_bytes(demo_round(tmp_path / "beacon", 3, now_s=1_006))
    assert from_file(chain, 3, tmp_path / "round").number == 3
    assert (tmp_path / "beacon" / "chain.secret").stat().st_mode & 0o777 == 0o600


def test_a_demonstrations_secret_is_never_written_over(tmp_path):
    new_demo_chain(tmp_path, now_s=1_000)
    with pytest.raises(CeremonyUnusable):
        new_demo_chain(tmp_path, now_s=2_000)
