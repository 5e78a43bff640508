"""Signed notes and keys: Go's reference vectors byte for byte, and only the one way of writing anything."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.encoding import decode_base64, decode_decimal, encode_base64
from fairness.note import (
    COSIGNATURE,
    ED25519,
    NOTE_BYTES_LIMIT,
    Note,
    NoteRefused,
    Signature,
    SigningKey,
    find_signature,
    format_note,
    make_key_id,
    make_verifier_key,
    parse_note,
    parse_signing_key,
    parse_vkey,
    sign_note,
    verify_signature,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "notes.json").read_text())
GO = VECTORS["go_note"]
TEXT, PETER = GO["text"], GO["signature"]
NOTE = TEXT + "\n" + PETER
KEY = parse_vkey(GO["vkey"])
# The eight points of small order that are canonically encoded, and ones that are not on the curve or not reduced
# (from libsodium's and RFC 8032's discussion of them).
WEAK_KEYS = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0200000000000000000000000000000000000000000000000000000000000000",
]


def test_gos_note_is_verified_and_signed_byte_for_byte():
    note = parse_note(NOTE)
    assert note.text == TEXT
    assert verify_signature(note, KEY)
    assert parse_note(NOTE.encode()) == note
    assert format_note(note) == NOTE
    key = parse_signing_key(GO["skey"])
    assert sign_note(TEXT, key) == PETER
    assert (key.secret_text(), str(key.verifier()), key.verifier()) == (GO["skey"], GO["vkey"], KEY)


def test_the_specifications_example_is_read():
    note = parse_note(VECTORS["signed_note"]["note"])
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert [(one.name, len(one.blob)) for one in note.signatures] == [("quasimodo.example/salvatore", 64)]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER[:-1],
        TEXT + PETER,
        "\x01" + NOTE,
        "\x7f" + TEXT + "\r\n" + PETER,
        TEXT + "\t\n\n" + PETER,
        b"\xff" + NOTE.encode(),
        "\ud800" + NOTE,
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad+Name"),
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad\u2003Name"),
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad\u0085Name"),
        TEXT + "\n" + PETER.replace("PeterNeumann", ""),
        TEXT + "\n" + PETER.replace("PeterNeumann ", "PeterNeumann  "),
        TEXT + "\n" + PETER.replace("— ", "- "),
        TEXT + "\n" + PETER.replace("=\n", "\n"),
        TEXT + "\n" + PETER.replace("=\n", "==\n"),
        TEXT + "\n" + PETER.replace("AM=\n", "AN=\n"),
        TEXT + "\n" + PETER.replace("x08g", "x0-g"),
        TEXT + "\n— PeterNeumann x08gow==\n",
        TEXT + "\n— PeterNeumann\n",
        NOTE + "Unexpected line.\n",
        NOTE + "\n",
        NOTE + PETER * 100,
        "x" * NOTE_BYTES_LIMIT + "\n" + NOTE,
        b"x" * NOTE_BYTES_LIMIT + b"\n" + NOTE.encode(),
        "",
    ],
)
def test_what_is_not_a_note_is_refused(text):
    with pytest.raises(NoteRefused):
        parse_note(text)


def test_a_hundred_signatures_are_read_and_empty_lines_belong_to_the_text():
    others = "".join(f"— other{n} x08gowA=\n" for n in range(99))
    assert verify_signature(parse_note(NOTE + others), KEY)
    key = SigningKey("k", bytes(32))
    for text in ("\n", "\n\n\n", "a\n\n\n"):
        assert verify_signature(parse_note(text + "\n" + sign_note(text, key)), key.verifier())


def test_unknown_keys_are_ignored_and_a_bad_signature_of_a_known_one_refuses_the_note():
    mallory = SigningKey("PeterNeumann", b"m" * 32)
    assert not verify_signature(parse_note(TEXT + "\n" + sign_note(TEXT, mallory)), KEY)
    assert verify_signature(parse_note(NOTE + sign_note(TEXT, mallory)), KEY)
    with pytest.raises(NoteRefused, match="does not verify"):
        verify_signature(parse_note("Another text.\n\n" + PETER), KEY)
    forged = Signature("PeterNeumann", KEY.key_id, mallory.sign(TEXT.encode()))
    with pytest.raises(NoteRefused, match="does not verify"):
        verify_signature(Note(TEXT, (forged,)), KEY)
    with pytest.raises(NoteRefused, match="does not verify"):
        verify_signature(Note(TEXT, (forged._replace(blob=b"short"),)), KEY)
    with pytest.raises(NoteRefused, match="more than one"):
        verify_signature(parse_note(NOTE + PETER), KEY)


def test_no_bit_of_a_signature_may_change():
    note = parse_note(NOTE)
    for bit in range(512):
        blob = bytearray(note.signatures[0].blob)
        blob[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteRefused, match="does not verify"):
            verify_signature(Note(TEXT, (note.signatures[0]._replace(blob=bytes(blob)),)), KEY)


def test_a_witness_key_does_not_sign_notes_and_a_signature_is_found_by_name_and_id():
    witness = SigningKey("PeterNeumann", b"w" * 32).verifier(COSIGNATURE)
    with pytest.raises(NoteRefused, match="kind 0x04"):
        verify_signature(parse_note(NOTE), witness)
    assert find_signature(parse_note(NOTE), witness) is None
    assert find_signature(parse_note(NOTE), KEY._replace(name="other")) is None


@pytest.mark.parametrize("vkey", [*GO["bad_vkeys"], *VECTORS["cosignature_vkeys"]["bad_vkeys"]])
def test_the_reference_tables_bad_keys_are_refused(vkey):
    with pytest.raises(NoteRefused):
        parse_vkey(vkey)


def test_keys_of_both_kinds_are_read_and_written_back():
    vectors = VECTORS["cosignature_vkeys"]
    for kind, vkeys in ((ED25519, vectors["log_vkeys"]), (COSIGNATURE, vectors["vkeys"])):
        for vkey in vkeys:
            assert (parse_vkey(vkey).kind, str(parse_vkey(vkey))) == (kind, vkey)


@pytest.mark.parametrize("read", [parse_vkey, parse_signing_key])
def test_no_part_and_no_mangling_of_a_key_text_is_a_key(read):
    text = GO["vkey"] if read is parse_vkey else GO["skey"]
    assert read(text)
    mangled = [text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)][:-1]
    mangled = [part for part in mangled if part != text]
    mangled += [text[:i] + chr(ord(text[i]) + 1) + text[i + 1 :] for i in range(len(text))]
    mangled += [text.upper(), text + "\n", " " + text, text.replace("+", "++"), text.replace("a3", "A3")]
    for bad in mangled:
        with pytest.raises(NoteRefused):
            read(bad)


@pytest.mark.parametrize("weak", WEAK_KEYS)
def test_keys_of_small_order_and_keys_that_are_not_canonical_are_refused(weak):
    public_key = bytes.fromhex(weak)
    with pytest.raises(NoteRefused, match="not a valid Ed25519 key"):
        make_verifier_key("log", ED25519, public_key)
    key_id = make_key_id("log", ED25519, public_key).hex()
    with pytest.raises(NoteRefused, match="not a valid Ed25519 key"):
        parse_vkey(f"log+{key_id}+{b64encode(bytes([ED25519]) + public_key).decode()}")


def test_a_signature_whose_scalar_is_not_reduced_is_refused():
    """RFC 8032: S + L would verify too; taking it would let anyone make a second signature out of a first."""
    order = 2**252 + 27742317777372353535851937790883648493
    blob = parse_note(NOTE).signatures[0].blob
    scalar = int.from_bytes(blob[32:], "little") + order
    twice = blob[:32] + scalar.to_bytes(32, "little")
    with pytest.raises(NoteRefused, match="does not verify"):
        verify_signature(Note(TEXT, (Signature(KEY.name, KEY.key_id, twice),)), KEY)


def test_a_seed_never_shows_and_a_key_without_a_name_or_seed_is_refused():
    key = parse_signing_key(GO["skey"])
    assert key.seed.hex() not in repr(key)
    assert "seed" not in repr(key)
    for name, seed in (
        ("", bytes(32)),
        ("a b", bytes(32)),
        ("a+b", bytes(32)),
        ("a", bytes(31)),
        ("\ud800", bytes(32)),
    ):
        with pytest.raises(NoteRefused):
            SigningKey(name, seed)
    for text in ("no newline", "control\x00\n", "\ud800\n"):
        with pytest.raises(NoteRefused):
            sign_note(text, key)


hostile = st.text() | st.binary() | st.text("—+= \nAx08go/PeterNeumann", max_size=200)


@given(text=hostile)
def test_a_hostile_note_is_only_ever_refused(text):
    try:
        note = parse_note(text)
    except NoteRefused:
        return
    assert format_note(note) == (text if isinstance(text, str) else text.decode())


@given(place=st.integers(0, len(NOTE) - 1), put=st.text(max_size=2))
def test_a_changed_note_is_refused_or_unsigned_or_the_same(place, put):
    changed = NOTE[:place] + put + NOTE[place + 1 :]
    try:
        verified = verify_signature(parse_note(changed), KEY)
    except NoteRefused:
        return
    assert changed == NOTE or not verified


@given(text=st.text() | st.text("PeterNeumann+c74f20a3=/ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq"))
def test_a_hostile_key_text_is_only_ever_refused(text):
    for read in (parse_vkey, parse_signing_key):
        with pytest.raises(NoteRefused):
            read(text)


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"])), seed=st.binary(min_size=32, max_size=32))
def test_what_is_signed_verifies(text, seed):
    key = SigningKey("example.com/log", seed)
    note = parse_note(text + "\n\n" + sign_note(text + "\n", key))
    assert note.text == text + "\n"
    assert verify_signature(note, key.verifier())
    assert parse_signing_key(key.secret_text()) == key


@given(value=st.binary(max_size=40), text=st.text() | st.text("AQ=/+_- \n", max_size=8))
def test_base64_is_read_in_the_one_way_it_is_written(value, text):
    assert decode_base64(encode_base64(value)) == value
    decoded = decode_base64(text)
    assert decoded is None or encode_base64(decoded) == text


@given(number=st.integers(0, 2**63), text=st.text() | st.text("0123456789_+-. ٣", max_size=20))
def test_decimals_are_read_in_the_one_way_they_are_written(number, text):
    assert decode_decimal(str(number), 2**63) == number
    decoded = decode_decimal(text, 2**63)
    assert decoded is None or str(decoded) == text
    assert decode_decimal("9" * 10_000, 2**63) is None
