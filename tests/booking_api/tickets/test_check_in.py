"""Check-in codes: only ours are read, however they are typed, and the symbol is the one of the text."""

import doctest
import hmac
import re
import string
from uuid import UUID

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from booking_api.identity.derivation import derive_key
from booking_api.identity.tokens import make_key
from booking_api.tickets import check_in
from booking_api.tickets.check_in import (
    CODE_LENGTH,
    check_in_key,
    code_svg,
    make_code,
    parse_code,
)

KEY = bytes(range(32))
BOOKING = "0192f3c0-1234-8056-9789-0123456789ab"
CODE = make_code(BOOKING, key=KEY)
ALPHABET = string.ascii_uppercase + "234567"

bookings = st.uuids().map(str)
keys = st.binary(min_size=32, max_size=32)


def test_examples_are_true():
    failures, tried = doctest.testmod(check_in)
    assert failures == 0
    assert tried > 0


@given(bookings, keys)
def test_a_code_gives_its_booking_back(booking, key):
    code = make_code(booking, key=key)
    assert parse_code(code, key=key) == booking
    assert re.fullmatch(r"GD1\.[A-Z2-7]{42}", code)
    assert len(code) == CODE_LENGTH


@given(bookings, st.data())
def test_however_it_is_typed(booking, data):
    code = make_code(booking, key=KEY)
    typed = "".join(
        data.draw(st.sampled_from(["", " ", "-", "\t", "\n"])) + data.draw(st.sampled_from([c, c.lower()]))
        for c in code
    )
    if len(typed) <= check_in.TYPED_LENGTH_LIMIT:
        assert parse_code(typed, key=KEY) == booking


@given(bookings, keys, keys)
def test_another_installations_code_is_none(booking, ours, theirs):
    if ours != theirs:
        assert parse_code(make_code(booking, key=theirs), key=ours) is None


@pytest.mark.parametrize("place", range(CODE_LENGTH))
def test_one_wrong_character_anywhere_makes_it_none(place):
    for wrong in set(ALPHABET + "018.= ") - {CODE[place]}:
        assert parse_code(CODE[:place] + wrong + CODE[place + 1 :], key=KEY) is None


@given(st.text())
def test_no_text_is_taken_for_a_code(text):
    assert parse_code(text, key=KEY) is None
    assert parse_code("GD1." + text, key=KEY) is None


@given(st.text(alphabet=ALPHABET, min_size=42, max_size=42))
def test_no_guess_is_taken_for_a_code(text):
    assert parse_code("GD1." + text, key=KEY) is None


@pytest.mark.parametrize(
    "text",
    ["", "GD1.", CODE[:-1], CODE + "A", CODE + "=", CODE[4:], "GD2" + CODE[3:], CODE * 3, CODE + " " * 200],
)
def test_a_code_cut_or_drawn_out_is_none(text):
    assert parse_code(text, key=KEY) is None


def test_full_width_letters_are_not_read_as_others():
    assert parse_code("".join(chr(ord(c) + 0xFEE0) for c in CODE), key=KEY) is None


def test_every_byte_of_the_booking_and_of_the_check_counts(monkeypatch):
    """With the comparison taken out a code for any booking could be made: it is the comparison that refuses."""
    forged = make_code(str(UUID(int=UUID(BOOKING).int ^ 1)), key=bytes(32))
    assert parse_code(forged, key=KEY) is None
    compared = []
    monkeypatch.setattr(
        check_in.hmac,
        "compare_digest",
        lambda a, b: compared.append((a, b)) or hmac.digest(b"", b"", "sha256"),
    )
    parse_code(forged, key=KEY)
    [(given_mac, right_mac)] = compared
    assert len(given_mac) == len(right_mac) == check_in.MAC_BYTES
    assert given_mac != right_mac


def test_the_key_is_the_installations_and_of_this_use_alone(tmp_path):
    ours, theirs = make_key(tmp_path / "a.jwk"), make_key(tmp_path / "b.jwk")
    assert check_in_key(ours) == check_in_key(ours)
    different = {
        check_in_key(ours),
        check_in_key(theirs),
        derive_key(ours, label="webhook"),
        derive_key(ours, label="check-in", about="x"),
    }
    assert len(different) == 4
    with pytest.raises(ValueError, match="NUL"):
        derive_key(ours, label="a\0b")


def modules_of(svg: str) -> list[list[int]]:
    """The symbol's modules, read off the drawing: runs of dark modules as relative moves and lines."""
    scale = int(re.search(r"scale\((\d+)\)", svg)[1])
    size = int(re.search(r'width="(\d+)"', svg)[1]) // scale
    grid = [[0] * size for _ in range(size)]
    path = re.search(r'<path[^>]*class="qrline"[^>]* d="([^"]+)"', svg)[1]
    x = y = 0.0
    for step, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if step == "M":
            x, y = float(first), float(second)
        elif step == "m":
            x, y = x + float(first), y + float(second)
        else:
            for n in range(int(first)):
                grid[int(y)][int(x) + n] = 1
            x += float(first)
    return grid


def test_the_picture_is_the_symbol_of_the_text():
    svg = code_svg(CODE, title=CODE).decode()
    wanted = segno.make_qr(CODE, error="m")
    assert wanted.mode == "alphanumeric"
    drawn = modules_of(svg)
    assert drawn == [list(row) for row in wanted.matrix_iter(border=4)]
    other = segno.make_qr(make_code(BOOKING, key=bytes(32)), error="m")
    assert drawn != [list(row) for row in other.matrix_iter(border=4)]
    assert 'fill="#fff"' in svg
    assert f"<title>{CODE}</title>" in svg
