"""Where a webhook may point: public addresses, over https. Imports httpx and the standard library.

A URL from outside makes this server call whatever it names; so what its name resolves to is checked, when it is
registered and before every sending, and the call goes to the very address that was checked: a name that resolves to
something else a moment later (DNS rebinding) gains nothing. OWASP, Server-Side Request Forgery Prevention.
"""

import asyncio
import ipaddress
import socket
from typing import NamedTuple

import httpx

URL_LENGTH_LIMIT = 500
RESOLVE_TIMEOUT_S = 5.0
_UNICAST_6 = ipaddress.ip_network("2000::/3")
_PORTS = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(ValueError):
    """The URL may not be called; the message says what would be right."""


class Target(NamedTuple):
    """A checked URL: call `url`, which names an address, but ask for `host` (Host header, TLS name and certificate)."""

    url: httpx.URL
    host_header: str
    tls_name: str


def checked_url(text: str, *, loopback: bool) -> httpx.URL:
    """The URL, if its form is good: https, no user, no fragment. With `loopback` also http.

    Raises:
        AddressRefused: what is wrong with it.
    """
    if len(text) > URL_LENGTH_LIMIT or not text.isprintable() or " " in text:
        raise AddressRefused(f"a URL of at most {URL_LENGTH_LIMIT} characters without blanks")
    try:
        url = httpx.URL(text)
        url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise AddressRefused("this is not a URL") from None
    if url.scheme != "https" and not (loopback and url.scheme == "http"):
        raise AddressRefused("the URL must begin with https://")
    if not url.host or url.userinfo or url.fragment:
        raise AddressRefused("a host, and neither user, password nor fragment")
    if not 0 < (url.port or _PORTS[url.scheme]) < 65_536:
        raise AddressRefused("a port from 1 to 65535")
    return url


async def resolve_target(text: str, *, loopback: bool) -> Target:
    """Checks the URL and everything its name resolves to; gives the address to call.

    Raises:
        AddressRefused: the form is wrong, the name does not resolve, or resolves to an address that is not public.
    """
    url = checked_url(text, loopback=loopback)
    found = await _resolve(url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
    # One private address among public ones is refused too: which of them is called must not matter.
    if not found or not all(_may_call(address, loopback=loopback) for address in found):
        raise AddressRefused("the host must have public addresses only")
    if url.scheme == "http" and not all(address.is_loopback for address in found):
        raise AddressRefused("the URL must begin with https://")
    return Target(url.copy_with(host=str(found[0])), url.netloc.decode("ascii"), url.raw_host.decode("ascii"))


async def _resolve(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise AddressRefused("the host's name does not resolve") from None
    # A scope (`fe80::1%eth0`) belongs to this machine's own links.
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def _may_call(address: Address, *, loopback: bool) -> bool:
    """True for a public unicast address, and for loopback where that is allowed.

    Addresses of version 6 that carry one of version 4 (mapped, 6to4, Teredo, NAT64) could name a private one: none of
    them is called.
    """
    if address.is_loopback:
        return loopback
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST_6 and address.sixtofour is None and address.teredo is None
    return not address.is_reserved
