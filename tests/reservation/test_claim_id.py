"""Claim ids: ordered by time, carrying their pool, and nothing else passes for one."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation.claim_id import POOL_BITS, first_claim_id, new_claim_id, pool_of

pools = st.integers(1, 2**POOL_BITS - 1)
moments = st.integers(0, 2**48 - 1)


@given(pool=pools, now_ms=moments)
def test_an_id_tells_its_pool_and_its_moment(pool, now_ms):
    claim = new_claim_id(pool=pool, now_ms=now_ms)
    value = UUID(claim)
    assert str(value) == claim
    assert (value.version, value.variant) == (8, "specified in RFC 4122")
    assert pool_of(claim) == pool
    assert value.int >> 80 == now_ms


@given(pool=pools, moments=st.lists(moments, min_size=2, unique=True))
def test_ids_sort_by_time(pool, moments):
    claims = [new_claim_id(pool=pool, now_ms=moment) for moment in sorted(moments)]
    assert claims == sorted(claims)


@given(pool=pools, now_ms=st.integers(1, 2**48 - 2))
def test_the_bound_of_a_moment_divides_earlier_ids_from_later_ones(pool, now_ms):
    bound = first_claim_id(now_ms)
    assert new_claim_id(pool=pool, now_ms=now_ms - 1) < bound < new_claim_id(pool=pool, now_ms=now_ms)


def test_ids_of_one_millisecond_differ():
    claims = {new_claim_id(pool=1, now_ms=1) for _ in range(10_000)}
    assert len(claims) == 10_000


@pytest.mark.parametrize("pool", [0, -1, 2**POOL_BITS])
def test_a_pool_that_does_not_fit_is_refused(pool):
    with pytest.raises(ValueError, match="pool id"):
        new_claim_id(pool=pool, now_ms=1)


@given(claim=st.one_of(st.text(max_size=60), st.uuids().map(str)))
def test_what_is_none_of_our_ids_has_no_pool(claim):
    pool = pool_of(claim)
    assert (pool is None) == (not _is_version_8(claim))


def _is_version_8(claim):
    try:
        value = UUID(claim)
    except ValueError:
        return False
    return str(value) == claim and value.version == 8


@pytest.mark.parametrize(
    "change", [str.upper, "{{{}}}".format, "urn:uuid:{}".format, lambda c: c.replace("-", "")]
)
def test_only_the_canonical_text_is_an_id(change):
    """Two spellings of one id would be two claims in Valkey and one row in PostgreSQL."""
    claim = "01a20780-9a1c-8000-8000-067f4433abcd"
    assert pool_of(claim) is not None
    assert pool_of(change(claim)) is None


def test_the_bits_are_where_the_layout_says():
    claim = new_claim_id(pool=0xABCDEF12, now_ms=0x0123456789AB)
    assert claim.startswith("01234567-89ab-8abc-")
    low = UUID(claim).int & 2**64 - 1
    assert low >> 62 == 2
    assert low >> 42 & 0xFFFFF == 0xDEF12
    assert all(one != two for one, two in pairwise([new_claim_id(pool=7, now_ms=7) for _ in range(50)]))
