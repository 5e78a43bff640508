"""Identity numbers: the standard's own examples pass, every slip of one digit is caught, and what is wrong is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_api.identity.numbers import (
    PROVINCES,
    IdentityNumberError,
    NumberKind,
    check_character,
    parse_identity_number,
)

TODAY = date(2026, 11, 25)
FULL_WIDTH = {ord(plain): ord(plain) + 0xFEE0 for plain in "0123456789X"}

births = st.dates(date(1880, 1, 1), TODAY)
firsts = st.builds(
    lambda area, rest, born, sequence: f"{area}{rest:04d}{born:%Y%m%d}{sequence:03d}",
    st.sampled_from(sorted(PROVINCES)),
    st.integers(0, 9_999),
    births,
    st.integers(0, 999),
)
numbers = firsts.map(lambda first: first + check_character(first))


# GB 11643-1999, section 4, prints both.
@pytest.mark.parametrize(
    ("text", "born"),
    [("11010519491231002X", date(1949, 12, 31)), ("440524188001010014", date(1880, 1, 1))],
)
def test_the_examples_of_the_standard_pass(text, born):
    number = parse_identity_number(text, today=TODAY)
    assert (number.text, number.kind, number.born) == (text, NumberKind.RESIDENT, born)


@given(number=numbers)
def test_every_number_with_its_check_character_passes(number):
    assert parse_identity_number(number, today=TODAY).text == number


@given(number=numbers, place=st.integers(0, 16), shift=st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(number, place, shift):
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(IdentityNumberError):
        parse_identity_number(wrong, today=TODAY)


@given(number=numbers, place=st.integers(0, 15))
def test_two_neighbours_exchanged_are_always_caught(number, place):
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if wrong != number:
        with pytest.raises(IdentityNumberError):
            parse_identity_number(wrong, today=TODAY)


@given(text=st.text(max_size=60))
def test_whatever_is_typed_there_is_an_answer(text):
    try:
        answer = parse_identity_number(text, today=TODAY).kind
    except IdentityNumberError as error:
        answer = error.reason
    assert answer in {*NumberKind, "form", "area", "birth_date", "check_digit", "old_form"}


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002X".translate(FULL_WIDTH),
        "11010519491231002x",
        " 110105 19491231 002X ",
        "110105-19491231-002X",
    ],
)
def test_what_people_type_is_put_right(typed):
    assert parse_identity_number(typed, today=TODAY).text == "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "form"),
        ("1" * 10_000, "form"),
        ("1101051949123100", "form"),
        ("11010519491231002Y", "form"),
        ("X1010519491231002X", "form"),
        ("110105491231002", "old_form"),
        ("99010519491231002X", "area"),
        ("00010519491231002X", "area"),
        ("11010519490230002X", "birth_date"),
        ("11010518791231002X", "birth_date"),
        ("11010520261126002X", "birth_date"),
        ("110105194912310021", "check_digit"),
        ("CAN110081133401", "birth_date"),
        ("CAN11008112310", "form"),
        ("٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧", "form"),
    ],
)
def test_what_is_wrong_is_named(typed, reason):
    with pytest.raises(IdentityNumberError) as refused:
        parse_identity_number(typed, today=TODAY)
    assert refused.value.reason == reason
    assert str(refused.value)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("81000019900101001", NumberKind.RESIDENCE_PERMIT),
        ("83000019900101001", NumberKind.RESIDENCE_PERMIT),
        ("91112419810803002", NumberKind.FOREIGNER),
    ],
)
def test_permits_have_kinds_of_their_own(first, kind):
    number = parse_identity_number(first + check_character(first), today=TODAY)
    assert number.kind is kind
    assert number.born is not None


@pytest.mark.parametrize("digits", ["811231", "000229", "010228"])
def test_a_foreigners_card_of_2017_passes_by_its_form(digits):
    number = parse_identity_number(f"can1100{digits}01", today=TODAY)
    assert (number.kind, number.born) == (NumberKind.FOREIGNER_2017, None)
