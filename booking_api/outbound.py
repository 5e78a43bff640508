"""Requests to other systems: answers bounded in size and time, failures told as one error. Imports httpx.

Redirects are not followed and the environment's proxies are not used: whom this process talks to is in its settings.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import httpx

log = logging.getLogger(__name__)

ANSWER_LIMIT_BYTES = 256 * 1024
TRY_S = 3.0
TRIES = 3
PAUSE_S = 0.2
"""Before the second try; twice as long before the third."""
_PLAIN = {"Accept-Encoding": "identity"}
# A few packed bytes can be many; what is packed all the same is not unpacked, and not understood.
RETRIED = frozenset([429, 500, 502, 503, 504])


class OutboundError(Exception):
    """The other system did not answer in time, or not with what can be used; the message says which."""


class Received(NamedTuple):
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes


class Outbound:
    """One worker's connections to other systems. Opened with the first request, to be closed at the end."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def ask_once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Received:
        """One request and its whole answer, whatever its status.

        Raises:
            OutboundError: no connection, no answer within TRY_S, or one longer than ANSWER_LIMIT_BYTES.
        """
        received = bytearray()
        try:
            async with (
                asyncio.timeout(TRY_S),
                self._opened().stream(
                    method, url, headers=_PLAIN | dict(headers or {}), content=body
                ) as answer,
            ):
                async for chunk in answer.aiter_raw():
                    received += chunk
                    if len(received) > ANSWER_LIMIT_BYTES:
                        raise OutboundError("the answer is too long")
                return Received(answer.status_code, answer.headers, bytes(received))
        except TimeoutError:
            raise OutboundError(f"no answer within {TRY_S} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise OutboundError(type(error).__name__) from error

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=TRY_S, trust_env=False, limits=httpx.Limits(max_connections=20)
            )
        return self._client


async def pause_before(attempt: int) -> None:
    """Waits before the second and later tries, longer each time."""
    if attempt:
        await asyncio.sleep(PAUSE_S * 2 ** (attempt - 1))
