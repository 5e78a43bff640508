"""drand rounds of the scheme `bls-unchained-g1-rfc9380`. Imports py-arkworks-bls12381 for the curve.

A round is believed for its signature, wherever it comes from. Figures of quicknet: drand's own chain info.
"""

from hashlib import sha256
from typing import NamedTuple

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

SCHEME = "bls-unchained-g1-rfc9380"
DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
SIGNATURE_BYTES = 48
PUBLIC_KEY_BYTES = 96
DEMO = "demo"
"""How the beacon id of a chain begins whose secret one party knows."""


class BeaconRefused(ValueError):
    """The signature is not the round's, or the chain cannot be one; the message says why."""


class Chain(NamedTuple):
    """A beacon as it describes itself. Times in seconds since 1970."""

    beacon_id: str
    public_key: bytes
    period_s: int
    genesis_time_s: int
    genesis_seed: bytes

    @property
    def hash(self) -> bytes:
        """What names the chain: SHA-256 over everything in it, as drand computes it."""
        named = "" if self.beacon_id == "default" else self.beacon_id
        start = self.period_s.to_bytes(4, "big") + self.genesis_time_s.to_bytes(8, "big")
        return sha256(start + self.public_key + self.genesis_seed + named.encode()).digest()

    @property
    def is_demo(self) -> bool:
        """Whether it says of itself that it is no public chain."""
        return self.beacon_id.startswith(DEMO)

    def time_of(self, round_number: int) -> int:
        """When the round is due, in seconds since 1970."""
        return self.genesis_time_s + self.period_s * (round_number - 1)


QUICKNET = Chain(
    beacon_id="quicknet",
    public_key=bytes.fromhex(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    period_s=3,
    genesis_time_s=1_692_803_367,
    genesis_seed=bytes.fromhex("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"),
)


def verify_round(chain: Chain, round_number: int, signature: bytes) -> bytes:
    """The round's randomness, 32 bytes, when the signature is the chain's for this round.

    Raises:
        BeaconRefused: it is not.
    """
    if round_number < 1:
        raise BeaconRefused("rounds begin with 1")
    point = _g1(signature)
    hashed = G1Point.hash_to_curve(_message(round_number), DST)
    if not GT.pairing_check([point, -hashed], [G2Point(), _g2(chain.public_key)]):
        raise BeaconRefused(f"the signature is not that of round {round_number}")
    return randomness_of(signature)


def randomness_of(signature: bytes) -> bytes:
    """The randomness of a round whose signature has been verified."""
    return sha256(signature).digest()


def sign_round(secret: int, round_number: int) -> bytes:
    """A round's signature by the secret of a demonstration chain."""
    return (G1Point.hash_to_curve(_message(round_number), DST) * Scalar(secret)).to_compressed_bytes()


def public_key_of(secret: int) -> bytes:
    """The public key of a demonstration chain's secret."""
    return (G2Point() * Scalar(secret)).to_compressed_bytes()


def _message(round_number: int) -> bytes:
    return sha256(round_number.to_bytes(8, "big")).digest()


def _g1(data: bytes) -> G1Point:
    if len(data) != SIGNATURE_BYTES:
        raise BeaconRefused(f"a signature has {SIGNATURE_BYTES} bytes")
    try:
        point = G1Point.from_compressed_bytes(data)
    except ValueError:
        raise BeaconRefused("the signature is no point of G1's prime-order subgroup") from None
    if point == G1Point.identity() or point.to_compressed_bytes() != data:
        raise BeaconRefused("the signature is the identity, or not in canonical form")
    return point


def _g2(data: bytes) -> G2Point:
    if len(data) != PUBLIC_KEY_BYTES:
        raise BeaconRefused(f"a public key has {PUBLIC_KEY_BYTES} bytes")
    try:
        point = G2Point.from_compressed_bytes(data)
    except ValueError:
        raise BeaconRefused("the public key is no point of G2's prime-order subgroup") from None
    if point == G2Point.identity() or point.to_compressed_bytes() != data:
        raise BeaconRefused("the public key is the identity, or not in canonical form")
    return point
