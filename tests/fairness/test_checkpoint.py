"""Checkpoints and cosignatures: the specification's examples, other implementations' signatures, hostile texts."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.checkpoint import (
    Checkpoint,
    CheckpointRefused,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
)
from fairness.cosignature import TIME_LIMIT, CosignatureRefused, cosign, read_cosignature
from fairness.merkle import EMPTY_ROOT, check_consistency
from fairness.note import (
    COSIGNATURE,
    Note,
    NoteRefused,
    Signature,
    SigningKey,
    parse_note,
    parse_signing_key,
    parse_vkey,
    sign_note,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "notes.json").read_text())
SOFA = VECTORS["tlog_cosignature"]
BODY = parse_note(SOFA["note"]).text
LOG = SigningKey("example.com/log", b"l" * 32)
WITNESS = SigningKey("witness.example.com/w1", b"w" * 32)
ROOT = bytes(range(32))
TEXT = format_checkpoint(Checkpoint(LOG.name, 7, ROOT))


def noted(text, *lines):
    return parse_note(text + "\n" + "".join(lines))


def test_the_specifications_checkpoint_is_read_and_written_back():
    checkpoint = parse_checkpoint(BODY)
    assert checkpoint[:2] == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.extensions == ()
    assert format_checkpoint(checkpoint) == BODY
    with_lines = checkpoint._replace(extensions=("one", "two 2"))
    assert format_checkpoint(with_lines) == BODY + "one\ntwo 2\n"
    assert parse_checkpoint(BODY + "one\ntwo 2\n") == with_lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        BODY[:-1],
        BODY + "\n",
        "\n" + BODY,
        BODY.split("\n", 1)[1],
        BODY.replace("20852163", "020852163"),
        BODY.replace("20852163", "-1"),
        BODY.replace("20852163", "+1"),
        BODY.replace("20852163", "1_0"),
        BODY.replace("20852163", "２"),
        BODY.replace("20852163", str(2**63)),
        BODY.replace("20852163", "9" * 5000),
        BODY.replace("20852163", ""),
        BODY.replace("20852163", "0"),
        BODY.replace("q2I=", "q2J="),
        BODY.replace("q2I=", "q2I"),
        BODY.replace("q2I=", "q2IA"),
        BODY.replace("CsUY", ""),
        BODY.replace("example", "exa\tmple"),
        BODY.replace("example", "\ud800"),
        BODY + "extension\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(CheckpointRefused):
        parse_checkpoint(text)


def test_a_checkpoint_that_would_read_back_as_another_is_not_written():
    for bad in (
        Checkpoint("a\nb", 7, ROOT),
        Checkpoint("", 7, ROOT),
        Checkpoint("a", -7, ROOT),
        Checkpoint("a", 7, ROOT[1:]),
        Checkpoint("a", 0, ROOT),
        Checkpoint("a", 7, ROOT, ("",)),
        Checkpoint("a", 7, ROOT, ("b\nc",)),
    ):
        with pytest.raises(CheckpointRefused):
            format_checkpoint(bad)
    assert parse_checkpoint(format_checkpoint(Checkpoint("a", 0, EMPTY_ROOT))).size == 0


def test_a_checkpoint_is_opened_by_its_logs_key_alone():
    note = noted(TEXT, sign_note(TEXT, LOG))
    assert open_checkpoint(note, LOG.verifier()) == Checkpoint(LOG.name, 7, ROOT)
    with pytest.raises(CheckpointRefused, match="did not sign"):
        open_checkpoint(note, SigningKey(LOG.name, b"x" * 32).verifier())
    other = SigningKey("example.com/other", b"l" * 32)
    with pytest.raises(CheckpointRefused, match="signed for the origin"):
        open_checkpoint(noted(TEXT, sign_note(TEXT, other)), other.verifier())
    with pytest.raises(NoteRefused, match="does not verify"):
        open_checkpoint(note._replace(text=TEXT.replace("\n7\n", "\n8\n")), LOG.verifier())
    with pytest.raises(NoteRefused, match="does not verify"):
        open_checkpoint(note._replace(text=TEXT + "extension\n"), LOG.verifier())


def test_two_checkpoints_of_another_implementations_log_are_consistent():
    grown = VECTORS["grown"]
    key = parse_vkey(grown["vkey"])
    old, new = (open_checkpoint(parse_note(grown[name]), key) for name in ("old", "new"))
    proof = [bytes.fromhex(value) for value in grown["proof"]]
    check_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, proof=proof)
    assert (old.size, new.size) == (5, 8)


def test_another_implementations_cosignature_verifies_and_no_bit_of_it_may_change():
    vector = VECTORS["cosigned"]
    key, note = parse_vkey(vector["vkey"]), parse_note(b64decode(vector["note_base64"]))
    time = read_cosignature(note, key)
    blob = note.signatures[0].blob
    assert time == int.from_bytes(blob[:8], "big") > 1_600_000_000
    for bit in range(8 * len(blob)):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CosignatureRefused):
            read_cosignature(
                note._replace(signatures=(Signature(key.name, key.key_id, bytes(changed)),)), key
            )
    with pytest.raises(CosignatureRefused, match="does not verify"):
        read_cosignature(note._replace(text=note.text.replace("\n42\n", "\n43\n")), key)
    with pytest.raises(CosignatureRefused, match="does not verify"):
        read_cosignature(note._replace(text=note.text + "extension\n"), key)


def test_the_specifications_cosignature_is_laid_out_as_ours():
    theirs = parse_note(SOFA["note"]).signatures[1]
    line = cosign(BODY, WITNESS, SOFA["time"])
    ours = parse_note(BODY + "\n" + line).signatures[0]
    assert (ours.name, ours.blob[:8], len(ours.blob)) == (theirs.name, theirs.blob[:8], len(theirs.blob))
    assert read_cosignature(noted(BODY, line), WITNESS.verifier(COSIGNATURE)) == SOFA["time"]


def test_a_cosignature_is_over_the_header_the_time_and_the_body():
    """The message written out from the specification, signed and verified without the product's own."""
    message = f"cosignature/v1\ntime {SOFA['time']}\n{BODY}".encode()
    key = WITNESS.verifier(COSIGNATURE)
    blob = SOFA["time"].to_bytes(8, "big") + WITNESS.sign(message)
    assert read_cosignature(Note(BODY, (Signature(key.name, key.key_id, blob),)), key) == SOFA["time"]


def test_a_witness_key_text_of_another_implementation_cosigns():
    key = parse_signing_key(VECTORS["grown"]["witness_skey"])
    text = parse_note(VECTORS["grown"]["new"]).text
    note = noted(text, cosign(text, key, 5))
    assert read_cosignature(note, key.verifier(COSIGNATURE)) == 5
    assert key.verifier(COSIGNATURE).key_id != key.verifier().key_id


def test_cosignatures_that_say_nothing_are_refused():
    key = WITNESS.verifier(COSIGNATURE)
    line = cosign(TEXT, WITNESS, 5)
    with pytest.raises(CosignatureRefused, match="did not cosign"):
        read_cosignature(noted(TEXT, sign_note(TEXT, WITNESS)), key)
    with pytest.raises(NoteRefused, match="more than one"):
        read_cosignature(noted(TEXT, line, cosign(TEXT, WITNESS, 6)), key)
    with pytest.raises(CosignatureRefused, match="kind 0x01"):
        read_cosignature(noted(TEXT, line), WITNESS.verifier())
    with pytest.raises(CheckpointRefused):
        read_cosignature(noted("no checkpoint\n", line), key)
    with pytest.raises(CheckpointRefused):
        cosign("no checkpoint\n", WITNESS, 5)
    for time in (0, -1, TIME_LIMIT + 1):
        with pytest.raises(CosignatureRefused, match="no time"):
            cosign(TEXT, WITNESS, time)
    for time in (0, TIME_LIMIT + 1):
        message = f"cosignature/v1\ntime {time}\n{TEXT}".encode()
        blob = time.to_bytes(8, "big") + WITNESS.sign(message)
        with pytest.raises(CosignatureRefused, match="not a time"):
            read_cosignature(Note(TEXT, (Signature(key.name, key.key_id, blob),)), key)
    for blob in (b"x", b"\x01" * 71, b"\x01" * 73):
        with pytest.raises(CosignatureRefused, match="not a time"):
            read_cosignature(Note(TEXT, (Signature(key.name, key.key_id, blob),)), key)


@given(text=st.text() | st.text("example.com/log\n0123456789+/=", max_size=120))
def test_a_hostile_checkpoint_is_only_ever_refused(text):
    try:
        checkpoint = parse_checkpoint(text)
    except CheckpointRefused:
        return
    assert format_checkpoint(checkpoint) == text


lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)


@given(
    origin=lines,
    size=st.integers(1, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines).map(tuple),
)
def test_a_checkpoint_is_read_back_as_it_was(origin, size, root, extensions):
    checkpoint = Checkpoint(origin, size, root, extensions)
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint
