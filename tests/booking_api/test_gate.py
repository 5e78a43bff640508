"""Sign-in, limits, addresses."""

import pytest
from litestar.testing import AsyncTestClient

from booking_api import clock
from booking_api.app import create_app
from booking_api.errors import TokenExpired, TokenInvalid
from booking_api.gate.addresses import ClientAddress
from booking_api.gate.limits import Limits, gate_library, network_prefix
from booking_api.identity.tokens import KeyFileError, TokenVerifier, issue_token, load_key, make_key
from booking_api.settings import Rate, Settings
from reservation import Kernel
from reservation.database import create_engine
from reservation.errors import Unavailable


@pytest.fixture
async def limited(database_url, valkey_url):
    kernel = Kernel(create_engine(database_url), valkey_url, clock=clock.now_ms, libraries=[gate_library()])
    await kernel.open()
    yield kernel
    await kernel.close()


async def test_a_burst_passes_and_the_next_request_waits(limited):
    limits = Limits(limited.valkey, account=Rate(2.0, 3), network=Rate(100.0, 100))
    left = [(await limits.check(account="a", address="10.0.0.1", reads=False))["RateLimit"] for _ in range(3)]
    assert [text.partition("r=")[2][0] for text in left] == ["2", "1", "0"]
    with pytest.raises(Exception, match="Too many requests") as refused:
        await limits.check(account="a", address="10.0.0.1", reads=False)
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.facts == {"policy": "account"}
    assert refused.value.headers["RateLimit-Policy"] == '"account";q=3;w=2, "network";q=100;w=1'
    await limits.check(account="b", address="10.0.0.1", reads=False)


async def test_accounts_of_one_network_share_its_limit(limited):
    limits = Limits(limited.valkey, account=Rate(1.0, 100), network=Rate(1.0, 5))
    for n in range(5):
        await limits.check(account=f"a{n}", address=f"10.0.0.{n}", reads=False)
    with pytest.raises(Exception, match="Too many requests") as refused:
        await limits.check(account="other", address="10.0.0.99", reads=False)
    assert refused.value.facts == {"policy": "network"}
    await limits.check(account="other", address="10.0.1.99", reads=False)


async def test_writes_are_closed_and_reads_open_while_valkey_is_down(limited):
    limits = Limits(limited.valkey, account=Rate(1.0, 1), network=Rate(1.0, 1))
    await limited.valkey.close()
    assert await limits.check(account="a", address="10.0.0.1", reads=True) == {}
    with pytest.raises(Unavailable):
        await limits.check(account="a", address="10.0.0.1", reads=False)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_counts_under_its_network(address, prefix):
    assert network_prefix(address) == prefix


def scope(peer, *forwarded):
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", line.encode()) for line in forwarded]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.9", ["1.2.3.4"], "198.51.100.9"),
        ("10.1.1.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.1.1.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.1.1.1", ["6.6.6.6", "1.2.3.4, 10.2.2.2"], "1.2.3.4"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["10.2.2.2"], "10.2.2.2"),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, address):
    assert ClientAddress(["10.0.0.0/8"]).of(scope(peer, *forwarded)) == address


def test_without_proxies_the_header_is_ignored():
    assert ClientAddress([]).of(scope("10.1.1.1", "1.2.3.4")) == "10.1.1.1"


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "keys" / "token.jwk")


def test_a_good_token_tells_its_account(key):
    verifier = TokenVerifier(key, now_s=lambda: 1_000)
    token = issue_token(key, account="a", now_s=1_000, life_s=60, verified=True, vehicles=["浙A1"])
    for _ in range(2):
        assert verifier.account(f"Bearer {token}")[:2] == ("a", ("浙A1",))


def test_a_remembered_token_still_expires(key):
    now = [1_000]
    verifier = TokenVerifier(key, now_s=lambda: now[0])
    header = f"Bearer {issue_token(key, account='a', now_s=1_000, life_s=60, verified=True)}"
    verifier.account(header)
    now[0] = 1_060
    with pytest.raises(TokenExpired):
        verifier.account(header)
    with pytest.raises(TokenExpired):
        verifier.account(header)


def test_a_token_of_another_key_or_changed_is_invalid(key, tmp_path):
    verifier = TokenVerifier(key, now_s=lambda: 1_000)
    other = make_key(tmp_path / "other.jwk")
    foreign = issue_token(other, account="a", now_s=1_000, life_s=60, verified=True)
    good = issue_token(key, account="a", now_s=1_000, life_s=60, verified=True)
    head, body, signature = good.split(".")
    for bad in (foreign, f"{head}.{body}x.{signature}", f"{head}.{body}.", "x", "a.b.c", "x" * 5_000, "\x00"):
        with pytest.raises(TokenInvalid):
            verifier.account(f"Bearer {bad}")


def test_an_unsigned_token_is_invalid(key):
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ."
    with pytest.raises(TokenInvalid):
        TokenVerifier(key, now_s=lambda: 1_000).account(f"Bearer {unsigned}")


def test_a_key_file_is_private_and_made_once(tmp_path):
    path = tmp_path / "keys" / "token.jwk"
    assert make_key(path).as_dict(private=True) == make_key(path).as_dict(private=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["token.jwk"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"kty":"OKP","crv":"Ed25519","x":"AA"}', "\x00"])
def test_a_file_that_is_no_key_is_told(tmp_path, content):
    path = tmp_path / "token.jwk"
    path.write_text(content)
    with pytest.raises(KeyFileError, match=r"token\.jwk"):
        load_key(path)


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer "])
async def test_a_request_without_a_good_token_is_told_to_sign_in(client, header):
    headers = {"Authorization": header} if header is not None else {}
    answer = await client.post("/api/v1/holds", json={"pool": 1, "units": [1]}, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] in {"token_missing", "token_invalid"}
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_limit_is_told_over_http(settings: Settings, token):
    tight = Settings(
        data=settings.data,
        database_url=settings.database_url,
        valkey_url=settings.valkey_url,
        account_rate=Rate(0.5, 2),
    )
    async with AsyncTestClient(create_app(tight)) as client:
        headers = token()
        answers = [await client.get("/api/v1/bookings", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert answers[2].headers["retry-after"] == "2"
    assert '"account";r=0' in answers[2].headers["ratelimit"]
