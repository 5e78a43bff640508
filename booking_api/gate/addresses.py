"""Where a request came from, behind the proxies we run ourselves. Imports the standard library only."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any


class ClientAddress:
    """Reads a client's address. `X-Forwarded-For` is believed only from trusted proxies, from the right."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]

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

    def _is_ours(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted)
