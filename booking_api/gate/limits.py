"""Rate limits per account and per network prefix (/24, /56), by GCRA in Valkey. Imports `reservation`'s lanes.

Fail-closed for writes, fail-open for reads: the caller says which it is.
"""

import hashlib
import ipaddress
import math
from functools import lru_cache
from typing import NamedTuple

from booking_api.errors import RateLimited
from booking_api.identity.accounts import spelled_login
from booking_api.settings import Rate
from reservation.errors import ReservationError
from reservation.functions import Library, build_library, read_sources
from reservation.valkey import Valkey

PREFIX_BITS = {4: 24, 6: 56}
PREFIXES_KEPT = 65_536
SIGN_IN_RATE = Rate(per_s=1 / 30, burst=10)
"""Tries at one login's password from one network: ten at once, then two a minute."""

CODES_OF_ACCOUNT = Rate(per_s=1 / 600, burst=3)
CODES_OF_NETWORK = Rate(per_s=1 / 30, burst=30)
CODES_TO_PHONE = Rate(per_s=1 / 3_600, burst=3)
"""Codes asked for: by one account, from one network, and sent to one phone, whichever account they are for."""


def gate_library() -> Library:
    """The gate's own functions."""
    return build_library("gate", sources=read_sources("booking_api.gate", ("limit",)), functions=("limit",))


@lru_cache(PREFIXES_KEPT)
def network_prefix(address: str) -> str:
    """The network an address counts under.

    >>> network_prefix("203.0.113.77"), network_prefix("2001:db8:1:2ff::1"), network_prefix("::ffff:203.0.113.77")
    ('203.0.113.0/24', '2001:db8:1:200::/56', '203.0.113.0/24')

    Text that is no address counts as one network of its own, so that it cannot slip past the limit.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, PREFIX_BITS[ip.version]), strict=False))


class Policy(NamedTuple):
    """One named limit in the form the function and the headers need."""

    name: str
    interval_us: str
    burst: int
    header: str


def policy(name: str, rate: Rate) -> Policy:
    """A limit as the IETF draft's RateLimit-Policy names it: quota `q` in a window of `w` seconds."""
    return Policy(
        name=name,
        interval_us=str(max(1, round(1_000_000 / rate.per_s))),
        burst=rate.burst,
        header=f'"{name}";q={rate.burst};w={max(1, math.ceil(rate.burst / rate.per_s))}',
    )


class Limits:
    """The two limits of one installation."""

    def __init__(self, valkey: Valkey, *, account: Rate, network: Rate) -> None:
        self._valkey = valkey
        self._account = policy("account", account)
        self._network = policy("network", network)
        self._sign_in = policy("sign-in", SIGN_IN_RATE)
        self._codes_of_account = policy("codes-of-account", CODES_OF_ACCOUNT)
        self._codes_of_network = policy("codes-of-network", CODES_OF_NETWORK)
        self._codes_to_phone = policy("codes-to-phone", CODES_TO_PHONE)
        self._policies = f"{self._account.header}, {self._network.header}"

    async def check(self, *, account: str, address: str, reads: bool) -> dict[str, str]:
        """Counts one request against both limits; gives the RateLimit headers of the answer.

        Both travel in one write, and in one call where one server has both keys. A request that one limit refuses has
        been counted by the other: a flood from one network is not to spare its accounts.

        Raises:
            RateLimited: with the seconds to wait.
            Unavailable, Busy: Valkey does not answer and the request writes.
        """
        try:
            asked = await self._ask(f"{{a:{account}}}:limit", f"{{n:{network_prefix(address)}}}:limit")
        except ReservationError:
            if reads:
                return {}
            raise
        account_ok, account_left, account_ms, network_ok, network_left, network_ms = asked
        headers = {
            "RateLimit-Policy": self._policies,
            "RateLimit": f'"account";r={account_left};t={-(-account_ms // 1000)}, '
            f'"network";r={network_left};t={-(-network_ms // 1000)}',
        }
        if account_ok and network_ok:
            return headers
        wait_ms = max(account_ms * (not account_ok), network_ms * (not network_ok))
        raise RateLimited(
            headers=headers, retry_after_s=-(-wait_ms // 1000), policy="network" if account_ok else "account"
        )

    async def check_sign_in(self, *, login: str, address: str) -> None:
        """Counts one try at a login's password from a network.

        Raises:
            RateLimited: with the seconds to wait.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._count(f"s:{spelled_login(login)} {network_prefix(address)}", self._sign_in)

    async def check_code_asked(self, *, account: str, address: str) -> None:
        """Counts one code that an account asks for, before any source is asked about its person.

        Raises:
            RateLimited: with the seconds to wait.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._count(f"c:account {account}", self._codes_of_account)
        await self._count(f"c:network {network_prefix(address)}", self._codes_of_network)

    async def check_code_sent(self, *, phone: str) -> None:
        """Counts one code on its way to a phone, whose number is not kept.

        Raises:
            RateLimited: with the seconds to wait.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._count(f"c:phone {hashlib.sha256(phone.encode()).hexdigest()}", self._codes_to_phone)

    async def check_acted_for(self, *, account: str) -> None:
        """Counts an act that somebody else does for this account, as if its owner had asked.

        Raises:
            RateLimited: with the seconds to wait.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._count(f"a:{account}", self._account)

    async def _count(self, counted: str, mine: Policy) -> None:
        key = f"{{{counted}}}:limit"
        ok, left, wait_ms = await self._valkey.lane(key).function("limit", key, mine.interval_us, mine.burst)
        if not ok:
            wait_s = -(-wait_ms // 1000)
            headers = {"RateLimit-Policy": mine.header, "RateLimit": f'"{mine.name}";r={left};t={wait_s}'}
            raise RateLimited(headers=headers, retry_after_s=wait_s, policy=mine.name)

    async def turn(self, key: str, rate: Rate) -> int:
        """Counts one piece of work against a rate; 0 when it may be done now, else the milliseconds to wait.

        Raises:
            Unavailable, Busy: Valkey does not answer.
        """
        asked = policy("turn", rate)
        ok, _, wait_ms = await self._valkey.lane(key).function("limit", key, asked.interval_us, asked.burst)
        return 0 if ok else wait_ms

    async def _ask(self, account_key: str, network_key: str) -> list[int]:
        mine, ours = self._account, self._network
        lane = self._valkey.lane(account_key)
        if not lane.clustered:
            return await lane.function_over(
                "limit",
                (account_key, network_key),
                mine.interval_us,
                mine.burst,
                ours.interval_us,
                ours.burst,
            )
        by_account = lane.function("limit", account_key, mine.interval_us, mine.burst)
        by_network = self._valkey.lane(network_key).function(
            "limit", network_key, ours.interval_us, ours.burst
        )
        return [*(await by_account), *(await by_network)]
