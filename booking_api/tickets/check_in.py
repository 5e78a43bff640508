"""The check-in code of a booking, as text and as a QR symbol. Pure; imports segno.

    GD1.<42 characters of base32 (RFC 4648, no padding)> of 26 bytes:
    16 bytes  booking id
    10 bytes  first bytes of HMAC-SHA256 over "GD1", a NUL and the booking id

The code shows that we made it for this booking, nothing about the person; whether the booking still stands, and that
the person is the one booked, is for whoever reads it to find out. All its characters are in the QR alphabet of letters
and digits, so the symbol is small enough for a poor printer and an old telephone.
"""

import base64
import binascii
import hashlib
import hmac
import io
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import segno
from joserfc.jwk import OKPKey

from booking_api.identity.derivation import derive_key

PREFIX = "GD1."
ID_BYTES = 16
MAC_BYTES = 10
CODE_LENGTH = len(PREFIX) + 42
TYPED_LENGTH_LIMIT = 100
ERROR_CORRECTION = "m"
QUIET_MODULES = 4
GROUP = 6


def check_in_key(key: OKPKey) -> bytes:
    """The installation's key for check-in codes."""
    return derive_key(key, label="check-in")


def make_code(booking_id: str, *, key: bytes) -> str:
    """The code of a booking.

    >>> make_code("0192f3c0-0000-8000-8000-000000000000", key=bytes(32))
    'GD1.AGJPHQAAACAABAAAAAAAAAAAACGJ7TCID3DQHGB2QM'

    Raises:
        ValueError: the text is no UUID.
    """
    plain = UUID(booking_id).bytes
    return PREFIX + base64.b32encode(plain + _mac(plain, key)).decode().rstrip("=")


def parse_code(text: str, *, key: bytes) -> str | None:
    """The booking a code was made for, or None. Capitals or not, with blanks or hyphens: as it is typed.

    Codes are compared in constant time: nobody learns from the time it takes how much of a guess was right.
    """
    if len(text) > TYPED_LENGTH_LIMIT or not text.isascii():
        return None
    typed = "".join(text.split()).replace("-", "").upper()
    if len(typed) != CODE_LENGTH or not typed.startswith(PREFIX):
        return None
    try:
        plain = base64.b32decode(typed[len(PREFIX) :] + "=" * (-(CODE_LENGTH - len(PREFIX)) % 8))
    except binascii.Error:
        return None
    booking, mac = plain[:ID_BYTES], plain[ID_BYTES:]
    good = hmac.compare_digest(mac, _mac(booking, key))
    booking_id = str(UUID(bytes=booking))
    # Two bits of the last character carry nothing; a code is written in one way only.
    return booking_id if good and typed == make_code(booking_id, key=key) else None


def code_svg(code: str, *, title: str) -> bytes:
    """The code as a QR symbol (ISO/IEC 18004) in SVG, black on white."""
    picture = io.BytesIO()
    segno.make_qr(code, error=ERROR_CORRECTION).save(
        picture, kind="svg", scale=8, border=QUIET_MODULES, dark="#000", light="#fff", title=title, nl=False
    )
    return picture.getvalue()


class CodePath(NamedTuple):
    """A QR symbol as one path in a square of `size` modules, its quiet zone included; dark is filled."""

    size: int
    path: str


def code_path(code: str) -> CodePath:
    """The code as a path that pages draw themselves: each run of dark modules is a bar of height 1."""
    rows = [
        list(row) for row in segno.make_qr(code, error=ERROR_CORRECTION).matrix_iter(border=QUIET_MODULES)
    ]
    bars: list[str] = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                bars.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return CodePath(len(rows), "".join(bars))


def code_groups(code: str) -> list[str]:
    """The code in groups that can be read out and typed; `parse_code` takes it with or without the blanks.

    >>> code_groups("GD1.AGJPHQAAACAABAAAAAAAAAAAACGJ7TCID3DQHGB2QM")[:3]
    ['GD1.', 'AGJPHQ', 'AAACAA']
    """
    rest = code.removeprefix(PREFIX)
    return [PREFIX, *(rest[at : at + GROUP] for at in range(0, len(rest), GROUP))]


def _mac(booking: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"GD1\0" + booking, hashlib.sha256)[:MAC_BYTES]
