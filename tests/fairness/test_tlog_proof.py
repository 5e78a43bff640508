"""Receipts: written and read in one way, and believed only for their own entry, index and checkpoint."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.checkpoint import Checkpoint, format_checkpoint
from fairness.cosignature import cosign
from fairness.encoding import encode_base64
from fairness.log import LogBuilder
from fairness.note import COSIGNATURE, SigningKey, sign_note
from fairness.policy import parse_policy
from fairness.tlog_proof import (
    HEADER,
    TlogProof,
    TlogProofRefused,
    check_tlog_proof,
    format_tlog_proof,
    parse_tlog_proof,
)

LOG = SigningKey("example.com/log", b"l" * 32)
WITNESS = SigningKey("witness.example", b"w" * 32)
POLICY = parse_policy(f"log {LOG.verifier()}\nwitness W {WITNESS.verifier(COSIGNATURE)}\nquorum W\n")
ENTRIES = [b"entry %d" % n for n in range(13)]
INDEX = 5


class Kept(dict):
    read = dict.get
    write = dict.__setitem__


BUILDER = LogBuilder(Kept())
BUILDER.append(ENTRIES)
BODY = format_checkpoint(Checkpoint(LOG.name, *BUILDER.head))
NOTE = BODY + "\n" + sign_note(BODY, LOG) + cosign(BODY, WITNESS, 100)
RECEIPT = TlogProof(INDEX, tuple(BUILDER.inclusion_proof(INDEX, len(ENTRIES))), NOTE)
TEXT = format_tlog_proof(RECEIPT)
FIRST = encode_base64(RECEIPT.proof[0])


def believed(receipt, entry):
    try:
        check_tlog_proof(POLICY, receipt, entry)
    except TlogProofRefused:
        return False
    return True


def test_a_receipt_is_laid_out_as_the_specification_says_and_read_back():
    hashes = "".join(f"{encode_base64(value)}\n" for value in RECEIPT.proof)
    assert f"c2sp.org/tlog-proof@v1\nindex 5\n{hashes}\n{NOTE}" == TEXT
    assert parse_tlog_proof(TEXT) == parse_tlog_proof(TEXT.encode()) == RECEIPT
    extra = replace(RECEIPT, extra=b"who")
    assert format_tlog_proof(extra) == TEXT.replace("\nindex", "\nextra d2hv\nindex", 1)
    assert parse_tlog_proof(format_tlog_proof(extra)) == extra
    assert check_tlog_proof(POLICY, extra, ENTRIES[INDEX]).times == {"W": 100}


def test_a_log_of_one_entry_has_a_receipt_without_hashes():
    log = LogBuilder(Kept())
    body = format_checkpoint(Checkpoint(LOG.name, *log.append([b"alone"])))
    receipt = TlogProof(0, (), body + "\n" + sign_note(body, LOG) + cosign(body, WITNESS, 1))
    assert parse_tlog_proof(format_tlog_proof(receipt)) == receipt
    assert believed(receipt, b"alone")
    assert not believed(receipt, b"another")


def test_a_receipt_is_believed_for_its_own_entry_and_index_alone():
    for index in range(-1, 20):
        for entry in ENTRIES:
            own = index == INDEX and entry == ENTRIES[INDEX]
            assert believed(replace(RECEIPT, index=index), entry) == own
    for n, value in enumerate(RECEIPT.proof):
        proof = RECEIPT.proof
        for changed in (
            (*proof[:n], *proof[n + 1 :]),
            (*proof[:n], value, *proof[n:]),
            (*proof[:n], bytes(32), *proof[n + 1 :]),
        ):
            assert not believed(replace(RECEIPT, proof=changed), ENTRIES[INDEX])


def test_a_receipt_whose_checkpoint_the_policy_refuses_is_refused_with_the_reason():
    with pytest.raises(TlogProofRefused, match="no quorum"):
        check_tlog_proof(
            POLICY, replace(RECEIPT, checkpoint=BODY + "\n" + sign_note(BODY, LOG)), ENTRIES[INDEX]
        )
    unsigned = BODY + "\n" + cosign(BODY, WITNESS, 100)
    with pytest.raises(TlogProofRefused, match="no log of the policy"):
        check_tlog_proof(POLICY, replace(RECEIPT, checkpoint=unsigned), ENTRIES[INDEX])
    with pytest.raises(TlogProofRefused, match="another root"):
        check_tlog_proof(POLICY, RECEIPT, b"not logged")


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        "\n" + TEXT,
        TEXT.replace("index 5", "index 05"),
        TEXT.replace("index 5", "index"),
        TEXT.replace("index 5", "index -5"),
        TEXT.replace("index 5", "index 5 "),
        TEXT.replace("index 5", "Index 5"),
        TEXT.replace("index 5", f"index {2**63}"),
        TEXT.replace("index 5\n", ""),
        TEXT.replace("index 5", "extra \nindex 5"),
        TEXT.replace("index 5", "extra d2h\nindex 5"),
        TEXT.replace("index 5", "extra d2hv\nextra d2hv\nindex 5"),
        TEXT.replace("index 5", "index 5\nextra d2hv"),
        TEXT.replace("index 5", "index 5\nindex 5"),
        TEXT.replace(FIRST, FIRST[:-1]),
        TEXT.replace(FIRST, FIRST + " "),
        TEXT.replace(FIRST, FIRST + "\r"),
        TEXT.replace(FIRST, encode_base64(bytes(31))),
        TEXT.replace(FIRST, "\n".join([FIRST] * 64)),
        TEXT.replace(FIRST + "\n", FIRST + "\n\n"),
        TEXT.split("\n\n")[0],
        TEXT.split("\n\n")[0] + "\n\n",
        TEXT[:-1],
        TEXT + "more\n",
        HEADER + "\n\n" + NOTE,
        TEXT.replace("entry", "\ud800").replace("index 5", "extra \ud800\nindex 5"),
        TEXT.encode().replace(b"index", b"\xffindex"),
        "x" * 3_000_000,
        b"x" * 3_000_000,
    ],
)
def test_what_is_not_a_receipt_is_refused(text):
    with pytest.raises(TlogProofRefused):
        parse_tlog_proof(text)


def test_a_receipt_that_would_read_back_as_another_is_not_written():
    for changed in (
        {"index": -1},
        {"extra": b""},
        {"proof": (b"short",)},
        {"proof": (bytes(32),) * 64},
        {"checkpoint": BODY},
        {"checkpoint": "\n" + NOTE + "x"},
    ):
        with pytest.raises(TlogProofRefused):
            format_tlog_proof(replace(RECEIPT, **changed))


@given(text=st.text() | st.binary(), place=st.integers(0, len(TEXT) - 1), put=st.text(max_size=2))
def test_a_hostile_receipt_is_refused_or_says_the_same(text, place, put):
    for hostile in (text, TEXT[:place] + put + TEXT[place + 1 :]):
        try:
            receipt = parse_tlog_proof(hostile)
            cosigned = check_tlog_proof(POLICY, receipt, ENTRIES[INDEX])
        except TlogProofRefused:
            continue
        assert format_tlog_proof(receipt) == hostile
        assert (receipt.index, receipt.proof, cosigned.checkpoint[:3]) == (
            INDEX,
            RECEIPT.proof,
            (LOG.name, *BUILDER.head),
        )
