"""Real rounds of drand's quicknet, a second implementation, and everything that is not a round."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import compress_G1
from py_ecc.optimized_bls12_381 import multiply

from fairness import beacon
from fairness.beacon import QUICKNET, BeaconRefused, Chain, verify_round
from tests.vectors import vectors

DRAND = vectors("drand_quicknet")
ROUNDS = [(one["round"], bytes.fromhex(one["signature"])) for one in DRAND["rounds"]]
IDENTITY = bytes([0xC0]) + bytes(47)
SECRET = 0x1234_5678_9ABC_DEF0


@pytest.fixture
def demo_chain():
    return Chain("demo", beacon.public_key_of(SECRET), 3, 1_000_000, bytes(32))


def test_the_chains_hash_is_computed_from_its_parts():
    assert QUICKNET.hash.hex() == DRAND["info"]["chain_hash"]


@pytest.mark.parametrize("part", ["beacon_id", "public_key", "period_s", "genesis_time_s", "genesis_seed"])
def test_every_part_of_a_chain_is_in_its_hash(part):
    other = {"beacon_id": "other", "public_key": bytes(96), "period_s": 30, "genesis_time_s": 1}
    assert QUICKNET._replace(**{part: other.get(part, bytes(32))}).hash != QUICKNET.hash


@pytest.mark.parametrize("told", DRAND["rounds"], ids=lambda told: str(told["round"]))
def test_real_rounds(told):
    randomness = verify_round(QUICKNET, told["round"], bytes.fromhex(told["signature"]))
    assert randomness.hex() == told["randomness"]
    assert QUICKNET.time_of(told["round"]) == told["time"]


@pytest.mark.parametrize(("number", "signature"), ROUNDS)
def test_the_next_rounds_signature_is_another(number, signature):
    with pytest.raises(BeaconRefused, match=f"not that of round {number + 1}"):
        verify_round(QUICKNET, number + 1, signature)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 383))
def test_a_signature_with_any_bit_changed_is_none(bit):
    number, good = ROUNDS[0]
    signature = bytearray(good)
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BeaconRefused):
        verify_round(QUICKNET, number, bytes(signature))


@pytest.mark.parametrize("signature", [IDENTITY, bytes(48), b"\xff" * 48, b"", bytes(47), bytes(96)])
def test_what_is_no_signature_is_refused_in_words(signature):
    with pytest.raises(BeaconRefused):
        verify_round(QUICKNET, 1, signature)


def test_a_public_key_that_is_the_identity_would_sign_everything():
    nobody = QUICKNET._replace(public_key=bytes([0xC0]) + bytes(95))
    with pytest.raises(BeaconRefused, match="identity"):
        verify_round(nobody, *ROUNDS[0])


def test_rounds_begin_with_one():
    with pytest.raises(BeaconRefused, match="begin with 1"):
        verify_round(QUICKNET, 0, ROUNDS[0][1])


def test_a_demonstrations_rounds_are_signed_the_same_way(demo_chain):
    signature = beacon.sign_round(SECRET, 7)
    assert verify_round(demo_chain, 7, signature) == sha256(signature).digest()
    assert demo_chain.is_demo
    assert not QUICKNET.is_demo
    with pytest.raises(BeaconRefused):
        verify_round(QUICKNET, 7, signature)


def test_a_second_implementation_signs_alike():
    message = sha256((7).to_bytes(8, "big")).digest()
    signed = compress_G1(multiply(hash_to_G1(message, beacon.DST, sha256), SECRET))
    assert int(signed).to_bytes(48, "big") == beacon.sign_round(SECRET, 7)
