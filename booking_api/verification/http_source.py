r"""A national identity service over HTTPS as a source. Imports `outbound`.

Asked with `POST <url>`, a JSON object `{"identity_number", "name", "phone"}` and three headers:

    Gongdao-Timestamp   seconds since 1970; the service refuses one that is far from its own clock
    Gongdao-Nonce       32 hexadecimal digits, new for every request; the service takes each once
    Gongdao-Signature   hexadecimal HMAC-SHA256 with the shared key over "request\n<timestamp>\n<nonce>\n<body>"

It answers 200 with `{"match": true}` or `{"match": false}` and `Gongdao-Signature` over "answer\n<nonce>\n<body>" with
the nonce it was asked with, so that an answer is good for its own question only.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable

import msgspec

from booking_api.outbound import RETRIED, TRIES, Outbound, OutboundError, Received, pause_before
from booking_api.verification.errors import SourceUnavailable
from booking_api.verification.sources import Claimed

log = logging.getLogger(__name__)


class Verdict(msgspec.Struct, frozen=True):
    """What the service answers. It may add members."""

    match: bool


class HttpSource:
    """Asks the service at `url`. `now_s` gives seconds since 1970."""

    name = "http"

    def __init__(self, outbound: Outbound, *, url: str, key: bytes, now_s: Callable[[], int]) -> None:
        self._outbound = outbound
        self._url = url
        self._key = key
        self._now_s = now_s

    async def phone_of(self, claimed: Claimed) -> str | None:
        """See `VerificationSource`. The service compares the phone, so the one claimed is the one on record."""
        failure = "never asked"
        for attempt in range(TRIES):
            await pause_before(attempt)
            nonce = secrets.token_hex(16)
            try:
                answer = await self._ask(msgspec.json.encode(claimed._asdict()), nonce)
            except OutboundError as error:
                failure = str(error)
                continue
            if answer.status in RETRIED:
                failure = f"status {answer.status}"
                continue
            verdict = self._believed(answer, nonce)
            return claimed.phone if verdict.match else None
        log.warning("identity service: %s, asked %d times", failure, TRIES)
        raise SourceUnavailable(source=self.name)

    async def _ask(self, body: bytes, nonce: str) -> Received:
        timestamp = str(self._now_s())
        headers = {
            "Content-Type": "application/json",
            "Gongdao-Timestamp": timestamp,
            "Gongdao-Nonce": nonce,
            "Gongdao-Signature": signature(self._key, "request", timestamp, nonce, body=body),
        }
        return await self._outbound.ask_once("POST", self._url, headers=headers, body=body)

    def _believed(self, answer: Received, nonce: str) -> Verdict:
        """What a signed answer says. One that is not signed rightly is not asked for again: something is wrong."""
        right = signature(self._key, "answer", nonce, body=answer.body)
        given = answer.headers.get("gongdao-signature", "")
        if answer.status != 200:
            log.warning("identity service: status %d", answer.status)
        elif not hmac.compare_digest(right.encode(), given.encode()):
            log.warning("identity service: the answer's signature is wrong")
        else:
            try:
                return msgspec.json.decode(answer.body, type=Verdict)
            except msgspec.DecodeError:
                log.warning("identity service: a signed answer that says nothing")
        raise SourceUnavailable(source=self.name)


def signature(key: bytes, *words: str, body: bytes) -> str:
    """Hexadecimal HMAC-SHA256 (RFC 2104) over words and a body, each word ending in a line feed."""
    signed = b"".join(f"{word}\n".encode() for word in words) + body
    return hmac.new(key, signed, hashlib.sha256).hexdigest()
