"""Signed messages between this platform and a payment provider. Imports this room's errors.

    Payment-Timestamp: seconds since 1970
    Payment-Nonce: 16 to 64 letters or digits, new for every message
    Payment-Signature: v1=<hex of HMAC-SHA256 over method, path, timestamp, nonce, each
                       with a line feed after it, and the body>

Both sides sign with one secret of 16 characters or more. A message is good for five minutes; one that is sent again within them
changes nothing, because what it says moves a fee forwards only (`standing`).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from booking_api.payments.errors import SignatureInvalid

SKEW_S = 300
NONCE_BYTES = 16
_NONCE = re.compile(r"[0-9A-Za-z]{16,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def signed_headers(key: bytes, *, method: str, path: str, body: bytes, now_s: int) -> dict[str, str]:
    """The three headers for a message."""
    nonce = secrets.token_hex(NONCE_BYTES)
    return {
        "Payment-Timestamp": str(now_s),
        "Payment-Nonce": nonce,
        "Payment-Signature": f"v1={_mac(key, method, path, str(now_s), nonce, body=body)}",
    }


def check_signature(
    key: bytes, headers: Mapping[str, str], *, method: str, path: str, body: bytes, now_s: int
) -> None:
    """Checks a message's headers (by their lower-case names).

    Raises:
        SignatureInvalid: one is missing or wrong, or the message is older than SKEW_S or from the future.
    """
    timestamp, nonce = headers.get("payment-timestamp", ""), headers.get("payment-nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise SignatureInvalid
    right = f"v1={_mac(key, method, path, timestamp, nonce, body=body)}"
    told = headers.get("payment-signature", "")
    if not hmac.compare_digest(told.encode(), right.encode()) or abs(now_s - int(timestamp)) > SKEW_S:
        raise SignatureInvalid


def _mac(key: bytes, *before: str, body: bytes) -> str:
    signed = "".join(f"{part}\n" for part in before).encode() + body
    return hmac.digest(key, signed, hashlib.sha256).hex()
