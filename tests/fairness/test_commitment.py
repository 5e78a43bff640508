"""The salted commitment: frozen vectors, one message per person and salt, nothing else accepted."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness import commit
from fairness.commitment import SALT_BYTES

salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
claimants = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("salt", "claimant", "commitment"),
    [
        ("00" * 32, "person:1", "c160d964f5e6b72a6f8523a1f98ee1178fbf15a94ddcdec3d580209d0d189795"),
        ("00" * 32, "", "1181b7e2788b014864f5e2ca075586c298d26922b40f16eb4c3b41702e90c5c7"),
        ("ff" * 32, "vehicle:浙A12345", "c4f0b15248d83cb27f41133d4f8ab363ce8a9e13fbded7a3450d3013ff697052"),
        (
            bytes(range(32)).hex(),
            "person:" + "9" * 200,
            "a59d9ec7fb17b73554dfd05b64616da0c21fb1c368731798f972e4f716218a2c",
        ),
    ],
)
def test_vectors_are_frozen(salt, claimant, commitment):
    """A change of these bytes would orphan every receipt that was ever given out."""
    assert commit(salt=bytes.fromhex(salt), claimant=claimant).hex() == commitment


@given(salt=salts, claimant=claimants)
def test_the_commitment_is_the_published_formula(salt, claimant):
    message = b"gongdao/claimant/v1\n" + salt + claimant.encode("utf-8")
    assert commit(salt=salt, claimant=claimant) == sha256(message).digest()


@given(salt=salts, claimant=claimants)
def test_the_domain_separates_it_from_a_plain_hash(salt, claimant):
    """Nobody can pass another of our hashes, or a bare one, off as a commitment."""
    assert commit(salt=salt, claimant=claimant) != sha256(salt + claimant.encode()).digest()


@given(one=st.tuples(salts, claimants), two=st.tuples(salts, claimants))
def test_different_people_or_salts_never_share_a_commitment(one, two):
    same = commit(salt=one[0], claimant=one[1]) == commit(salt=two[0], claimant=two[1])
    assert same == (one == two)


def test_a_byte_cannot_move_from_the_salt_to_the_person():
    """The salt's fixed length keeps the two apart."""
    first = commit(salt=b"s" * 31 + b"a", claimant="b")
    second = commit(salt=b"s" * 32, claimant="ab"[1:])
    assert first != second
    with pytest.raises(ValueError, match="33 bytes"):
        commit(salt=b"s" * 31 + b"ab", claimant="")


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_salt_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match=f"salt has {length} bytes, must have 32"):
        commit(salt=bytes(length), claimant="person:1")


def test_what_is_no_text_is_refused():
    with pytest.raises(UnicodeEncodeError):
        commit(salt=bytes(32), claimant="\ud800")
