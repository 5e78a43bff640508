"""The RFC's own vectors, and everything that is not a proof."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairness import vrf
from tests.vectors import vectors

EXAMPLES = vectors("rfc9381_ecvrf_edwards25519_sha512_tai")["suites"]["ECVRF-EDWARDS25519-SHA512-TAI"]
L = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]
"""Points of order 1, 2, 4 and 8, whose keys would prove anything."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["example"]))
def test_the_vectors_of_rfc_9381(example):
    secret, key, alpha, proof, output = (
        bytes.fromhex(example[name]) for name in ("sk", "pk", "alpha", "pi", "beta")
    )
    assert vrf.public_key(secret) == key
    assert vrf.prove(secret, alpha) == proof
    assert vrf.verify(key, alpha, proof) == output


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 639))
def test_a_proof_with_any_bit_changed_is_none(secret, alpha, bit):
    proof = bytearray(vrf.prove(secret, alpha))
    key = vrf.public_key(secret)
    assert len(vrf.verify(key, alpha, bytes(proof))) == vrf.OUTPUT_BYTES
    proof[bit // 8] ^= 1 << bit % 8
    with pytest.raises(vrf.VrfRefused):
        vrf.verify(key, alpha, bytes(proof))


def test_a_proof_is_for_one_input_and_one_key():
    secret, other = bytes(range(32)), bytes(range(1, 33))
    proof = vrf.prove(secret, b"a")
    for key, alpha in ((vrf.public_key(secret), b"b"), (vrf.public_key(other), b"a")):
        with pytest.raises(vrf.VrfRefused):
            vrf.verify(key, alpha, proof)


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_keys_of_small_order_are_refused(key):
    with pytest.raises(vrf.VrfRefused):
        vrf.check_key(bytes.fromhex(key))


def test_a_second_encoding_of_s_is_refused():
    """The sum s + L gives the same point: accepted, one input would have two proofs."""
    secret = bytes(32)
    proof = vrf.prove(secret, b"")
    s = int.from_bytes(proof[48:], "little") + L
    with pytest.raises(vrf.VrfRefused, match="below the group's order"):
        vrf.verify(vrf.public_key(secret), b"", proof[:48] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("proof", [b"", bytes(80), bytes(79), bytes(81), b"\xff" * 80])
def test_what_is_no_proof_is_refused_in_words(proof):
    with pytest.raises(vrf.VrfRefused):
        vrf.verify(vrf.public_key(bytes(32)), b"", proof)


def test_a_secret_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        vrf.prove(bytes(31), b"")
