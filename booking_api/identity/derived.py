"""Keys for other uses, derived from the installation's one signing key (HKDF, RFC 5869). Imports cryptography, joserfc.

Nothing of them is stored: who has the token key can make them again, and who replaces it ends them all.
"""

import base64
from typing import cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey

KEY_BYTES = 32


def derive_key(key: OKPKey, *, label: str, about: str = "") -> bytes:
    """32 bytes for one use (`label`) and one thing (`about`); different for every pair of them.

    Raises:
        ValueError: the label has a NUL in it, so two pairs could give one key.
    """
    if "\0" in label:
        raise ValueError("a label has no NUL")
    text = cast("str", key.as_dict(private=True)["d"])
    seed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    info = f"gongdao {label}\0{about}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(seed)
