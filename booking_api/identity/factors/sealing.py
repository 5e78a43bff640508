"""Secrets that must be read again are stored sealed: AES-256-GCM (NIST SP 800-38D). Imports cryptography.

A stolen database alone makes nobody's codes. The account's id is authenticated with the secret, so that a sealed secret
moved to another account's row cannot be read there.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey

from booking_api.identity.derivation import derive_key
from booking_api.identity.factors.errors import FactorUnreadable

LABEL = "second factor secrets 1"
NONCE_BYTES = 12


def seal(key: OKPKey, secret: bytes, *, account: str) -> bytes:
    """The sealed secret: a random nonce, then the ciphertext with its tag."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(derive_key(key, label=LABEL)).encrypt(nonce, secret, account.encode())


def unseal(key: OKPKey, sealed: bytes, *, account: str) -> bytes:
    """What was sealed for this account.

    Raises:
        FactorUnreadable: sealed with another key or for another account, or changed.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(derive_key(key, label=LABEL)).decrypt(nonce, ciphertext, account.encode())
    except InvalidTag:
        raise FactorUnreadable from None
