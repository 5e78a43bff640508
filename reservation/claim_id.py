"""Claim ids: UUIDv8 (RFC 9562, section 5.8), time-ordered, carrying the pool's id. Imports the standard library only.

    48 bits  milliseconds since 1970
     4 bits  version 8
    12 bits  pool id, high part
     2 bits  variant
    20 bits  pool id, low part
    42 bits  random

A hold, the booking it becomes and the entry in the log share this id; from it alone a worker knows which pool,
and so which shard, to ask.
"""

import re
import secrets
from uuid import UUID

POOL_BITS = 32
_RANDOM_BITS = 42
_VERSION = 8 << 76
_VARIANT = 2 << 62
_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch


def new_claim_id(*, pool: int, now_ms: int) -> str:
    """A fresh id in canonical text form.

    Raises:
        ValueError: the pool id does not fit 32 bits.
    """
    if not 0 < pool < 1 << POOL_BITS:
        raise ValueError(f"pool id {pool} is not in 1..2^{POOL_BITS} - 1")
    bits = (now_ms & (1 << 48) - 1) << 80 | _VERSION | (pool >> 20) << 64 | _VARIANT
    bits |= (pool & 0xFFFFF) << _RANDOM_BITS | int.from_bytes(secrets.token_bytes(6)) >> 6
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def pool_of(claim_id: str) -> int | None:
    """The pool an id belongs to, or None when the text is not one of our ids.

    >>> pool_of(new_claim_id(pool=123456789, now_ms=1_764_000_000_000))
    123456789
    >>> pool_of("0192f3c0-0000-7000-8000-000000000000") is None
    True
    """
    if not _CANONICAL(claim_id):
        return None
    # Digits 13 to 15 are the high bits; the low ones lie in digits 16 to 21, between the variant and two random bits.
    return int(claim_id[15:18], 16) << 20 | int(claim_id[19:23] + claim_id[24:26], 16) >> 2 & 0xFFFFF


def first_claim_id(now_ms: int) -> str:
    """A bound in text form: every claim id made before this moment sorts below it, every later one above."""
    return str(UUID(int=(now_ms & (1 << 48) - 1) << 80))
