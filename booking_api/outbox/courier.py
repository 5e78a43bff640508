"""One sending of one message to one URL, and what came of it. Imports httpx and this room's checks.

Nothing of a receiver is trusted: not its address (checked and pinned, `addresses`), not its time (one limit for all of
it), not its answer (only the status is read), not where it sends us (redirects are failures).
"""

import asyncio
import ssl
from typing import NamedTuple

import httpx

from booking_api.outbox.addresses import AddressRefused, resolve_target

SEND_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
GONE = 410


class Outcome(NamedTuple):
    """The receiver's status, or why there is none. `error` names the kind of failure, never the receiver's words."""

    status: int | None
    error: str | None

    @property
    def delivered(self) -> bool:
        """True for any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


class Courier:
    """Owns the HTTP client of one worker, opened at the first sending."""

    def __init__(self, *, loopback: bool, tls: ssl.SSLContext | None = None) -> None:
        self._loopback = loopback
        self._tls = tls
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Closes the client."""
        if self._client is not None:
            await self._client.aclose()

    async def send(self, url: str, *, body: bytes, headers: dict[str, str]) -> Outcome:
        """Posts the body once. Never raises for what the receiver does."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._send(url, body, headers)
        except AddressRefused as error:
            return Outcome(None, f"address refused: {error}")
        except TimeoutError:
            return Outcome(None, "no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Outcome(None, type(error).__name__)

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        target = await resolve_target(url, loopback=self._loopback)
        request = self._opened().build_request(
            "POST",
            target.url,
            content=body,
            headers=headers | {"Host": target.host_header},
            extensions={"sni_hostname": target.tls_name},
        )
        answer = await self._opened().send(request, stream=True)
        # The body is never read: closing here ends the connection with whatever is still on its way.
        await answer.aclose()
        return Outcome(answer.status_code, None if answer.is_success else f"status {answer.status_code}")

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                # A proxy of the environment would resolve the name again, and somewhere else.
                trust_env=False,
                verify=self._tls if self._tls is not None else True,
                timeout=httpx.Timeout(SEND_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                # Connections are known by address: one that is kept could be another host's on the same address.
                limits=httpx.Limits(max_keepalive_connections=0),
                follow_redirects=False,
                headers={"User-Agent": "gongdao-webhooks/1", "Accept-Encoding": "identity"},
            )
        return self._client
