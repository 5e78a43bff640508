"""The salted commitment that stands for a person in the public log. Imports hashlib only."""

from hashlib import sha256

SALT_BYTES = 32
_DOMAIN = b"gongdao/claimant/v1\n"


def commit(*, salt: bytes, claimant: str) -> bytes:
    """SHA-256 over domain, salt and claimant: 32 bytes that reveal nothing without the salt.

    The salt has a fixed length, so the concatenation is unambiguous. Erasing a person deletes the salt; the
    entry stays, and with it the log.

    >>> commit(salt=bytes(32), claimant="person:1").hex()[:16]
    'c160d964f5e6b72a'

    Raises:
        ValueError: the salt is not 32 bytes long.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt has {len(salt)} bytes, must have {SALT_BYTES}")
    return sha256(_DOMAIN + salt + claimant.encode()).digest()
