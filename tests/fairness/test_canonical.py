"""Canonical to the byte, or refused in words."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.canonical import LARGEST, NotCanonical, decode, encode

VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, LARGEST),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(VALUES)
def test_a_value_has_one_text(value):
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1}', "not in canonical form"),
        (b'{"b":1,"a":1}', "not in canonical form"),
        (b'{"a":1,"a":1}', "not in canonical form"),
        (b'"\\u0041"', "not in canonical form"),
        (b'"\\/"', "not in canonical form"),
        (b'{"a":1}\n', "not in canonical form"),
        (b"01", "not JSON"),
        (b"1.0", "not whole"),
        (b"1e3", "not whole"),
        (b"NaN", "not whole"),
        (b"-1", "not within"),
        (b"-0", "not within"),
        (b"9007199254740992", "not within"),
        (b"1" * 100_000, "not within"),
        (b"true", "has no place"),
        (b"null", "has no place"),
        (b'"\\ud800"', "no canonical form"),
        (b'"\xff"', "not UTF-8"),
        (b"", "not JSON"),
        (b"[" * 100_000, "nested more than 32 deep"),
        (b"[" * 33 + b"]" * 33, "nested more than 32 deep"),
    ],
)
def test_what_is_not_canonical_is_refused_in_words(text, reason):
    with pytest.raises(NotCanonical, match=reason):
        decode(text)


def test_brackets_in_strings_do_not_nest():
    assert decode(b'["' + b"[" * 1_000 + b'\\"[["]') == ["[" * 1_000 + '"[[']


def test_a_value_that_is_too_deep_has_no_text():
    value: list[object] = []
    for _ in range(40):
        value = [value]
    with pytest.raises(NotCanonical, match="nested"):
        encode(value)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(text):
    with suppress(NotCanonical):
        decode(text)


def test_names_are_ordered_by_utf_16_units():
    """RFC 8785, section 3.2.3: not by code point, where U+FB33 would come before U+1F600."""
    assert encode({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()
