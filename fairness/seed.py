"""From the frozen list, the contributions and the beacon to one seed. Imports hashlib and hmac only."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

_SEED = b"gongdao/seed/v1"
_ALPHA = b"gongdao/vrf/v1\n"


def freeze_hash(entry: bytes) -> bytes:
    """C: the log's leaf hash of the freeze, 32 bytes (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def contribution_input(freeze: bytes) -> bytes:
    """alpha: what a contributor proves over; nobody knows it before the list is frozen."""
    return _ALPHA + freeze


def seed_of(*, freeze: bytes, signature: bytes, outputs: Iterable[bytes]) -> bytes:
    """The seed of a draw, 32 bytes. `outputs` are the contributors' in the freeze's order."""
    return hmac.digest(_SEED, freeze + signature + b"".join(outputs), "sha256")


def category_seed(seed: bytes, category: str) -> bytes:
    """The seed of one category: quotas are drawn apart from each other."""
    return hmac.digest(seed, b"category\n" + category.encode() + b"\x01", "sha256")
