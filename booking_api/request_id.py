"""One id per request: made at the door, told in the answer, written into every log line. Imports the standard library.

A proxy of ours may bring an id along, in the forms that proxies make and no other: 32 hexadecimal digits (nginx's
`$request_id`) or a UUID (Envoy, Caddy). Nobody's number can be written into our logs by way of a header.
"""

import os
import re
from collections.abc import Iterator
from contextvars import ContextVar

HEADER = b"x-request-id"
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being served; None outside of one."""

ID_BYTES = 8
MADE_AT_ONCE = 512
_BROUGHT = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def make_request_ids() -> Iterator[str]:
    """Ids without end, 16 hexadecimal digits each; a process that forks must start over.

    Random rather than counted: an id in an answer must not tell how many requests came before it. Read MADE_AT_ONCE at
    a time, because asking the system costs more than everything else about an id.
    """
    while True:
        digits = os.urandom(ID_BYTES * MADE_AT_ONCE).hex()
        yield from (digits[at : at + 2 * ID_BYTES] for at in range(0, len(digits), 2 * ID_BYTES))


def brought_id(value: bytes) -> str | None:
    """The id a proxy has made, None if it is of no form that is believed.

    >>> brought_id(b"5f3b1c9a7d2e4f60815f3b1c9a7d2e4f")
    '5f3b1c9a7d2e4f60815f3b1c9a7d2e4f'
    >>> brought_id(b"11010519491231002X") is None
    True
    """
    text = value.decode("latin-1")
    return text if _BROUGHT.fullmatch(text) else None
