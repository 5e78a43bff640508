"""Text messages to phones: through a gateway, or into a file where somebody at a demonstration can read them.

Imports `outbound`.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import msgspec

from booking_api.outbound import RETRIED, TRIES, Outbound, OutboundError, pause_before
from booking_api.verification.errors import MessageNotSent

log = logging.getLogger(__name__)

FILE_MODE = 0o600


class TextMessages(Protocol):
    """Something that brings a text to a phone."""

    async def send(self, *, to: str, text: str) -> None:
        """Hands one message over.

        Raises:
            MessageNotSent: it was not taken.
        """
        ...


class HttpTextMessages:
    """A gateway that takes `POST <url>` with `{"to", "text"}` and a bearer key, and answers 2xx when it has it.

    `Idempotency-Key` is the same when a message is offered again, so that it arrives once.
    """

    def __init__(self, outbound: Outbound, *, url: str, key: bytes) -> None:
        self._outbound = outbound
        self._url = url
        self._authorization = f"Bearer {key.decode('ascii')}"

    async def send(self, *, to: str, text: str) -> None:
        """See `TextMessages`."""
        headers = {
            "Content-Type": "application/json",
            "Authorization": self._authorization,
            "Idempotency-Key": str(uuid4()),
        }
        body, failure = msgspec.json.encode({"to": to, "text": text}), "never asked"
        for attempt in range(TRIES):
            await pause_before(attempt)
            try:
                answer = await self._outbound.ask_once("POST", self._url, headers=headers, body=body)
            except OutboundError as error:
                failure = str(error)
                continue
            if 200 <= answer.status < 300:
                return
            failure = f"status {answer.status}"
            if answer.status not in RETRIED:
                break
        log.warning("text messages: the gateway did not take one: %s", failure)
        raise MessageNotSent


class FileTextMessages:
    """Appends each message as one JSON line to a file that only this user can read."""

    def __init__(self, path: Path, *, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    async def send(self, *, to: str, text: str) -> None:
        """See `TextMessages`."""
        line = msgspec.json.encode({"at": self._now(), "to": to, "text": text}) + b"\n"
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            log.warning("text messages: %s: %s", self._path, error.strerror)
            raise MessageNotSent from error

    def _append(self, line: bytes) -> None:
        # One write at the end of the file: workers share it, and none writes into another's line.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
