"""Keys for other uses, derived from the installation's one signing key (HKDF, RFC 5869). Imports cryptography, joserfc.

Nothing of them is stored: who has the token key can make them again, and who replaces it ends them all. Each use has a
label of its own, so that what one key protects says nothing about another's.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey

KEY_BYTES = 32


def derive_key(key: OKPKey, *, label: str, about: str = "") -> bytes:
    """32 bytes for one use (`label`) and one thing (`about`); different for every pair of them.

    Raises:
        TypeError: the key is not a private Ed25519 key.
        ValueError: the label has a NUL in it, so two pairs could give one key.
    """
    if "\0" in label:
        raise ValueError("a label has no NUL")
    private = key.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError("only a private Ed25519 key has keys derived from it")
    info = f"gongdao {label}\0{about}".encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(private.private_bytes_raw())
