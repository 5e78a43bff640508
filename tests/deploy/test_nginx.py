"""`deploy/nginx/gongdao.conf` as it is, but for ports and paths, before a real `gongdao serve`. Debian's nginx-light."""

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from booking_api import clock
from booking_api.identity.tokens import issue_token, load_key
from booking_api.pages.assets import asset_path
from reservation import Kernel
from reservation.database import create_engine
from tests.conftest import make_city
from tests.serving import Serving, free_port

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
CONF = Path(__file__).parents[2] / "deploy" / "nginx"
WAIT_S = 20
PERSON = {
    "login": "zhang.wei",
    "identity_number": "11010519491231002X",
    "name": "张伟",
    "phone": "13800138000",
    "password": "four horses, one cart",
}
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


class Site:
    """A served installation behind nginx."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.certificate = make_certificate(folder)
        self.serving = Serving(
            folder / "data",
            GONGDAO_PUBLIC_URL=self.url,
            GONGDAO_TRUSTED_PROXIES="127.0.0.1/32",
            GONGDAO_WORKERS="1",
        )
        self.nginx = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(self.configure())])

    def configure(self) -> Path:
        """The files as they are deployed; a test that finds a line missing fails rather than goes without it."""
        conf = (CONF / "gongdao.conf").read_text()
        for theirs, ours in {
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "server_name booking.example.cn;": "server_name localhost;",
            "/etc/nginx/tls": str(self.folder),
            "/var/cache/nginx": str(self.folder),
            "/var/log/nginx": str(self.folder),
        }.items():
            assert theirs in conf
            conf = conf.replace(theirs, ours)
        (self.folder / "gongdao").mkdir()
        upstream = (CONF / "upstream.conf").read_text().replace("127.0.0.1:8000", self.serving.url[7:])
        assert self.serving.url[7:] in upstream
        (self.folder / "gongdao" / "upstream.conf").write_text(upstream)
        (self.folder / "gongdao.conf").write_text(conf)
        temporary = "".join(
            f"{name}_temp_path {self.folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        main = self.folder / "nginx.conf"
        main.write_text(
            f"{user} daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log; worker_processes 1;"
            f"events {{}} http {{ include /etc/nginx/mime.types; {temporary} include gongdao.conf; }}"
        )
        return main

    def client(self, address: str = "127.0.0.1", **options) -> httpx.Client:
        """Somebody who connects from this address."""
        context = ssl.create_default_context(cafile=self.certificate)
        transport = httpx.HTTPTransport(verify=context, local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, timeout=10, **options)

    def wait_ready(self) -> None:
        self.serving.wait_ready()
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                with self.client() as client:
                    assert client.get("/health/ready").status_code == 200
                    return
            except httpx.TransportError:
                assert self.nginx.poll() is None, (self.folder / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        self.nginx.terminate()
        self.nginx.wait(WAIT_S)
        self.serving.stop()


def make_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 - the certificate's own time
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path = folder / "fullchain.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("site"))
    try:
        made.wait_ready()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def unit(site) -> tuple[int, int]:
    """A pool and its one session."""
    told = json.loads((site.folder / "data" / "addresses.json").read_text())

    async def whole():
        kernel = Kernel(
            create_engine(told["database_url"], connections=4), told["valkey_url"], clock=clock.now_ms
        )
        await kernel.open()
        try:
            return await make_city(kernel)
        finally:
            await kernel.close()

    pool, [session] = asyncio.run(whole())
    return pool, session


def token(site, account: str) -> dict[str, str]:
    key = load_key(site.folder / "data" / "keys" / "token.jwk")
    made = issue_token(key, account=account, now_s=clock.now_s(), life_s=600, verified=True)
    return {"Authorization": f"Bearer {made}"}


def test_plain_http_is_sent_to_https(site):
    answer = httpx.get(f"http://localhost:{site.plain_port}/reference?x=1")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/reference?x=1")


def test_http_2_is_spoken(site):
    context = ssl.create_default_context(cafile=site.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", site.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() == "TLSv1.3"


def test_pages_come_compressed_with_the_headers_they_need(site):
    with site.client() as client:
        page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers.get("server") == "nginx"


def test_metrics_are_not_exposed_and_health_is_for_private_networks(site):
    with site.client() as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/health/live").status_code == 200
    assert "deny all;" in (site.folder / "gongdao.conf").read_text()


def test_a_batch_fits_and_a_flood_of_bytes_does_not(site):
    with site.client() as client:
        # 100 KiB reach the API, which says itself that it is too much for this route; 1 MiB ends at the door.
        ours = client.post("/api/v1/holds", content=b" " * 100_000, headers=token(site, "a"))
        assert ours.headers["content-type"] == "application/problem+json"
        assert client.post("/api/v1/holds", content=b" " * 1_000_000).status_code == 413


def test_events_arrive_one_by_one_while_the_stream_is_open(site, unit):
    pool, session = unit
    with site.client() as watcher, site.client() as holder:
        stream = watcher.stream(
            "GET", f"/api/v1/units/{session}/availability", headers={"Accept-Encoding": "gzip"}
        )
        with stream as answer:
            counts = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
            assert next(counts) == {str(session): 3}
            held = holder.post(
                "/api/v1/holds", json={"pool": pool, "units": [session]}, headers=token(site, "w")
            )
            assert held.status_code == 201, held.text
            assert next(counts) == {str(session): 2}
        assert "content-encoding" not in answer.headers


def try_to_sign_in(site, *, address: str, forged: str) -> int:
    body = {"login": "zhang.wei.no", "password": "not the right one"}
    with site.client(address) as client:
        return client.post("/api/v1/sign-in", json=body, headers={"X-Forwarded-For": forged}).status_code


def test_limits_count_the_network_that_connects_whatever_it_claims(site):
    tries = [try_to_sign_in(site, address="127.1.0.1", forged=f"198.51.{n}.7") for n in range(12)]
    assert tries[0] == 401
    assert tries[-1] == 429
    assert try_to_sign_in(site, address="127.2.0.1", forged="127.1.0.1") == 401


def test_a_session_over_tls_has_the_cookie_that_browsers_guard(site):
    with site.client() as client:
        assert client.post("/api/v1/accounts", json=PERSON).status_code == 201
        credentials = {name: PERSON[name] for name in ("login", "password")}
        signed_in = client.post("/api/v1/session", json=credentials, headers={"Origin": site.url})
        assert signed_in.status_code in {200, 201}, signed_in.text
        cookie = signed_in.headers["set-cookie"]
        assert cookie.startswith("__Host-gongdao_session=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert client.get("/api/v1/session").status_code == 200
        elsewhere = client.post(
            "/api/v1/session", json=credentials, headers={"Origin": "https://evil.example"}
        )
        assert elsewhere.status_code == 403


def test_no_log_line_has_an_address_or_what_was_searched_for(site):
    with site.client("127.3.0.1") as client:
        client.get("/api/v1/pools?authority=cn-somewhere")
    deadline = time.monotonic() + WAIT_S
    while "/api/v1/pools" not in (log := (site.folder / "access.log").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "cn-somewhere" not in log
    assert "127.3.0.1" not in log
    assert re.search(r" [0-9a-f]{32}$", log.splitlines()[-1])


def test_when_no_node_answers_the_refusal_is_a_problem_and_styles_still_come(site):
    style = asset_path("gongdao.css")
    with site.client() as client:
        first = client.get(style)
        assert first.status_code == 200
        assert "immutable" in first.headers["cache-control"]
        site.serving.stop()
        assert client.get(style).content == first.content
        for answer in (client.get("/api/v1/pools"), client.post("/api/v1/holds", json={})):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "2"
            assert answer.json()["code"] == "unavailable"
