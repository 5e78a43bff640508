"""Keys for other uses than signing tokens, derived from the installation's one key (RFC 5869). Imports cryptography.

Each use has a label of its own, so that what one key protects says nothing about another's.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey

KEY_BYTES = 32


def derive_key(key: OKPKey, *, label: bytes) -> bytes:
    """The key for the use `label`, always the same for the same installation's key.

    Raises:
        TypeError: the key is not a private Ed25519 key.
    """
    private = key.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError("only a private Ed25519 key has keys derived from it")
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=label).derive(private.private_bytes_raw())
