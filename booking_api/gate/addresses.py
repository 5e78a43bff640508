"""Where a request came from, behind the proxies we run ourselves. Imports the standard library only."""

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

NEAR_LIMIT = 256


class ClientAddress:
    """Reads a client's address. `X-Forwarded-For` is believed only from trusted proxies, from the right."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]
        # Proxies are few, and each brings every request.
        self._is_near = lru_cache(NEAR_LIMIT)(self._is_ours)

    def of(self, scope: Mapping[str, Any]) -> str:
        """The address of the nearest hop that is not one of our own proxies."""
        client = scope.get("client")
        address = client[0] if client else "unknown"
        if not self._trusted or not self._is_ours(address):
            return address
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed([hop.strip() for hop in forwarded.decode("latin-1").split(",") if hop.strip()]):
            if not self._is_ours(address):
                break
            address = hop
        return address

    def is_near(self, scope: Mapping[str, Any]) -> bool:
        """Whether one of our own proxies sent this: what it says beside the request is believed."""
        client = scope.get("client")
        return bool(self._trusted) and client is not None and self._is_near(client[0])

    def _is_ours(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted)
