"""A payment provider over HTTP. Imports httpx and this room's signing.

    POST <base>/orders        {merchant, order, amount_fen, currency, title} -> {reference, pay_url}
    POST <base>/orders/query  {merchant, order} -> standing, or 404
    POST <base>/refunds       {merchant, order, amount_fen, currency} -> standing
    and from there: POST /api/v1/payments/callback  {order, + standing}

with standing = {state: unpaid | paid | closed | refunded, amount_fen, currency, reference}. Every request is signed.
Orders and refunds are known there by our order id: asked for again, they are answered again and done once.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from booking_api.errors import InvalidRequest
from booking_api.payments.errors import PaymentUnavailable
from booking_api.payments.provider import CURRENCY, Callback, Order, Placed, Standing
from booking_api.payments.signing import check_signature, signed_headers

log = logging.getLogger(__name__)

T = TypeVar("T")

CALLBACK_PATH = "/api/v1/payments/callback"
ANSWER_TIMEOUT_S = 10.0
ANSWER_BYTES_LIMIT = 64 * 1024
URL_LENGTH_LIMIT = 2_000


class _Ordered(msgspec.Struct, frozen=True):
    reference: str
    pay_url: str


class HttpPaymentProvider:
    """Owns the connections to one provider."""

    name = "remote"
    remote = True

    def __init__(self, base_url: str, *, merchant: str, key: bytes, now_s: Callable[[], int]) -> None:
        self._base = httpx.URL(base_url.rstrip("/"))
        self._merchant = merchant
        self._key = key
        self._now_s = now_s
        self._client = httpx.AsyncClient(trust_env=False, timeout=ANSWER_TIMEOUT_S, follow_redirects=False)

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.aclose()

    async def order(self, order: Order) -> Placed:
        """See `PaymentProvider.order`."""
        asked = {
            "order": order.id,
            "amount_fen": order.amount_fen,
            "currency": CURRENCY,
            "title": order.title,
        }
        placed = _read(await self._ask("/orders", asked), _Ordered)
        # People are sent there: nothing but a page over https (or what the provider itself is called over).
        if len(placed.pay_url) > URL_LENGTH_LIMIT or not placed.pay_url.startswith(
            ("https://", f"{self._base.scheme}://")
        ):
            log.error("the payment provider's pay URL for order %s cannot be used", order.id)
            raise PaymentUnavailable
        return Placed(placed.reference, placed.pay_url)

    async def query(self, order: Order) -> Standing | None:
        """See `PaymentProvider.query`."""
        answer = await self._ask("/orders/query", {"order": order.id}, missing_is_none=True)
        return None if answer is None else _read(answer, Standing)

    async def refund(self, order: Order) -> Standing | None:
        """See `PaymentProvider.refund`."""
        asked = {"order": order.id, "amount_fen": order.amount_fen, "currency": CURRENCY}
        return _read(await self._ask("/refunds", asked), Standing)

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> tuple[str, Standing]:
        """See `PaymentProvider.read_callback`. The signature comes first: nothing unsigned is even parsed."""
        check_signature(self._key, headers, method="POST", path=CALLBACK_PATH, body=body, now_s=now_s)
        try:
            told = msgspec.json.decode(body, type=Callback)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidRequest(errors=[{"field": "body", "reason": str(error)}]) from None
        return told.order, Standing(told.state, told.amount_fen, told.currency, told.reference)

    async def _ask(self, path: str, asked: dict[str, Any], *, missing_is_none: bool = False) -> bytes | None:
        body = msgspec.json.encode({"merchant": self._merchant} | asked)
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        headers = signed_headers(self._key, method="POST", path=url.path, body=body, now_s=self._now_s())
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                async with self._client.stream(
                    "POST", url, content=body, headers=headers | {"Content-Type": "application/json"}
                ) as answer:
                    if answer.status_code == 404 and missing_is_none:
                        return None
                    if not answer.is_success:
                        log.warning("the payment provider answers %s with %d", path, answer.status_code)
                        raise PaymentUnavailable
                    return await _bounded(answer)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            log.warning("the payment provider does not answer %s: %s", path, type(error).__name__)
            raise PaymentUnavailable from error


async def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_LIMIT:
            log.error("the payment provider's answer is longer than %d bytes", ANSWER_BYTES_LIMIT)
            raise PaymentUnavailable
    return body


def _read(answer: bytes | None, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.exception("the payment provider's answer cannot be read")
        raise PaymentUnavailable from error
