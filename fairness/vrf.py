"""ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381), suite 0x03. Imports PyNaCl for the group.

Narrower than the RFC, as `docs/spec/draw.md` states: the key and gamma are in the prime-order subgroup.
"""

from hashlib import sha512

from nacl import bindings
from nacl.exceptions import CryptoError

PROOF_BYTES = 80
OUTPUT_BYTES = 64
KEY_BYTES = 32
SECRET_BYTES = 32
_SUITE = b"\x03"
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_IDENTITY = (1).to_bytes(32, "little")
_CHALLENGE_BYTES = 16
_TRIES = 256


class VrfRefused(ValueError):
    """The proof is not one of this key for this input; the message says why."""


def public_key(secret: bytes) -> bytes:
    """The 32-byte key of a 32-byte secret (RFC 8032, section 5.1.5).

    Raises:
        ValueError: the secret has another length.
    """
    return _point_of_secret(_secret_scalar(secret)[0])


def prove(secret: bytes, alpha: bytes) -> bytes:
    """The proof for an input, 80 bytes (RFC 9381, section 5.1). The same for the same secret and input.

    Raises:
        ValueError: the secret has another length than 32 bytes.
    """
    x, nonce_key = _secret_scalar(secret)
    key = _point_of_secret(x)
    h = _hash_to_curve(key, alpha)
    gamma = _times(x, h)
    k = int.from_bytes(sha512(nonce_key + h).digest(), "little") % _L
    u, v = bindings.crypto_scalarmult_ed25519_base_noclamp(_bytes(k)), _times(k, h)
    c = _challenge(key, h, gamma, u, v)
    s = (k + c * x) % _L
    return gamma + c.to_bytes(_CHALLENGE_BYTES, "little") + _bytes(s)


def verify(key: bytes, alpha: bytes, proof: bytes) -> bytes:
    """The 64-byte output that this proof gives (RFC 9381, section 5.3).

    Raises:
        VrfRefused: the proof is not this key's for this input.
    """
    check_key(key)
    if len(proof) != PROOF_BYTES:
        raise VrfRefused(f"a proof has {PROOF_BYTES} bytes")
    gamma, c_bytes, s_bytes = proof[:32], proof[32:48], proof[48:]
    c, s = int.from_bytes(c_bytes, "little"), int.from_bytes(s_bytes, "little")
    if s >= _L:
        raise VrfRefused("s of the proof is not below the group's order")
    if not bindings.crypto_core_ed25519_is_valid_point(gamma):
        raise VrfRefused("gamma of the proof is no point of the prime-order subgroup")
    h = _hash_to_curve(key, alpha)
    try:
        u = bindings.crypto_core_ed25519_sub(
            bindings.crypto_scalarmult_ed25519_base_noclamp(s_bytes), _times(c, key)
        )
        v = bindings.crypto_core_ed25519_sub(_times(s, h), _times(c, gamma))
    except CryptoError:
        # A scalar of 0, which no honest proof has.
        raise VrfRefused("the proof is not this key's for this input") from None
    if _challenge(key, h, gamma, u, v) != c:
        raise VrfRefused("the proof is not this key's for this input")
    return output_of(proof)


def output_of(proof: bytes) -> bytes:
    """The output of a proof that has been verified (RFC 9381, section 5.2)."""
    return sha512(_SUITE + b"\x03" + _eightfold(proof[:32]) + b"\x00").digest()


def check_key(key: bytes) -> None:
    """Passes when the key is a canonical point of the prime-order subgroup (RFC 9381, section 5.4.5, and more).

    Raises:
        VrfRefused: it is not.
    """
    if len(key) != KEY_BYTES or not bindings.crypto_core_ed25519_is_valid_point(key):
        raise VrfRefused("the key is no point of the prime-order subgroup")


def _secret_scalar(secret: bytes) -> tuple[int, bytes]:
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    digest = sha512(secret).digest()
    x = int.from_bytes(digest[:32], "little")
    x &= (1 << 254) - 8
    return x | (1 << 254), digest[32:]


def _point_of_secret(x: int) -> bytes:
    return bindings.crypto_scalarmult_ed25519_base_noclamp(_bytes(x % _L))


def _hash_to_curve(key: bytes, alpha: bytes) -> bytes:
    """Try and increment (RFC 9381, section 5.4.1.1), the salt being the key."""
    for attempt in range(_TRIES):
        digest = sha512(_SUITE + b"\x01" + key + alpha + bytes([attempt]) + b"\x00").digest()
        if _is_point(digest[:32]) and (point := _eightfold(digest[:32])) != _IDENTITY:
            return point
    raise VrfRefused("no point was found for this input")


def _is_point(data: bytes) -> bool:
    """Whether these bytes decode (RFC 8032, section 5.1.3). The library only knows points of the subgroup."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= _P:
        return False
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x2 = u * pow(v, _P - 2, _P) % _P
    if x2 == 0:
        # The top bit is the sign of x, which 0 does not have.
        return data[31] < 128
    return pow(x2, (_P - 1) // 2, _P) == 1


def _eightfold(point: bytes) -> bytes:
    for _ in range(3):
        point = bindings.crypto_core_ed25519_add(point, point)
    return point


def _times(scalar: int, point: bytes) -> bytes:
    return bindings.crypto_scalarmult_ed25519_noclamp(_bytes(scalar % _L), point)


def _bytes(scalar: int) -> bytes:
    return scalar.to_bytes(32, "little")


def _challenge(*points: bytes) -> int:
    digest = sha512(_SUITE + b"\x02" + b"".join(points) + b"\x00").digest()
    return int.from_bytes(digest[:_CHALLENGE_BYTES], "little")
