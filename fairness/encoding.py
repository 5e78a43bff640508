"""The one way a value is written in a transparency log's texts: base64 and decimals without variants.

A text that could be written in two ways could be signed in one and shown in the other; both readers answer
None for anything but the one. Imports base64 only.
"""

from base64 import b64decode, b64encode

_DIGITS = frozenset("0123456789")


def encode_base64(value: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return b64encode(value).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    r"""The bytes, or None unless `encode_base64` writes them exactly so.

    >>> decode_base64("AQ=="), decode_base64("AR=="), decode_base64("AQ")
    (b'\x01', None, None)
    """
    try:
        value = b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; so is a character beyond ASCII
        return None
    return value if encode_base64(value) == text else None


def decode_decimal(text: str, limit: int) -> int | None:
    """The number from 0 to `limit`, or None unless it is written in ASCII digits without leading zeroes.

    >>> decode_decimal("0", 9), decode_decimal("07", 9), decode_decimal("10", 9)
    (0, None, None)
    """
    if not text or not _DIGITS.issuperset(text) or len(text) > len(str(limit)):
        return None
    value = int(text)
    return value if str(value) == text and value <= limit else None


def encode_utf8(text: str) -> bytes | None:
    """The text's bytes, or None when it holds half a surrogate pair and is no text at all."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def decode_utf8(value: bytes) -> str | None:
    """The text, or None when the bytes are not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
