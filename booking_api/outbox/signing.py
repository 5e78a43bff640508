"""Signatures of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, version 1). Pure.

A receiver takes `webhook-id`, `webhook-timestamp` and the raw body, computes the same and compares in constant time.
"""

import base64
import hashlib
import hmac

from joserfc.jwk import OKPKey

from booking_api.identity.derivation import derive_key

SECRET_PREFIX = "whsec_"  # noqa: S105 - the published prefix, no secret


def webhook_secret(key: OKPKey, webhook_id: str) -> str:
    """The secret of one webhook as its receiver keeps it. It is made again whenever it is needed, and never stored."""
    return SECRET_PREFIX + base64.b64encode(derive_key(key, label="webhook", about=webhook_id)).decode()


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` for a body.

    >>> sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...      timestamp=1614265330, body=b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix(SECRET_PREFIX)), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
