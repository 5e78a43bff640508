"""Which URLs may be called: nothing of this machine, its links or its private networks, however it is written."""

import asyncio
import socket

import pytest

from booking_api.outbox.addresses import AddressRefused, resolve_target

PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.fixture
def names(monkeypatch):
    """A name server of the test's own: what each name resolves to."""
    known: dict[str, list[str]] = {}

    async def getaddrinfo(_loop, host, port, **_):
        if host not in known:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_resolves_to_an_address_that_is_not_public_is_refused(names, address):
    names["hooks.example.com"] = [address]
    with pytest.raises(AddressRefused, match="public"):
        await resolve_target("https://hooks.example.com/", loopback=False)


async def test_one_private_address_among_public_ones_is_refused(names):
    names["hooks.example.com"] = ["93.184.216.34", "10.0.0.1"]
    with pytest.raises(AddressRefused, match="public"):
        await resolve_target("https://hooks.example.com/", loopback=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::6810:85e5"])
async def test_a_public_address_is_pinned_and_the_name_is_kept(names, address):
    names["hooks.example.com"] = [address]
    target = await resolve_target("https://hooks.example.com:8443/in?x=1", loopback=False)
    assert (target.url.host, target.url.port, target.url.raw_path) == (address, 8443, b"/in?x=1")
    assert (target.host_header, target.tls_name) == ("hooks.example.com:8443", "hooks.example.com")


async def test_loopback_where_it_is_allowed_opens_no_other_network(names):
    names["here"] = ["127.0.0.1"]
    names["inside"] = ["10.0.0.1"]
    names["outside"] = ["93.184.216.34"]
    assert (await resolve_target("http://here:81/", loopback=True)).url.host == "127.0.0.1"
    for url in ("http://inside/", "https://inside/", "http://outside/"):
        with pytest.raises(AddressRefused):
            await resolve_target(url, loopback=True)
    with pytest.raises(AddressRefused, match="https"):
        await resolve_target("http://here/", loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#x",
        "https://hooks example.com/",
        "https://hooks.example.com:99999/",
        "https://[::1",
        "https://unknown.example.com/",
        "https://hooks.example.com/" + "x" * 500,
        "https://\x00/",
        "https://hooks.example.com\r\nX: y/",
    ],
)
async def test_what_is_no_good_url_is_refused_with_what_would_be_right(names, url):
    names["hooks.example.com"] = ["93.184.216.34"]
    with pytest.raises(AddressRefused, match=r"\w"):
        await resolve_target(url, loopback=False)


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "017700000001", "localhost", "[::1]"])
async def test_other_spellings_of_loopback_are_loopback(host):
    with pytest.raises(AddressRefused):
        await resolve_target(f"https://{host}/", loopback=False)
