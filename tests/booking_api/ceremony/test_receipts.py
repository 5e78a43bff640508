"""Receipts out of what is public: a log with the published list, or a bundle."""

import json

import pytest

from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import CHECKPOINT, LogFolder
from booking_api.ceremony.receipts import Holder, holder_of, receipt_from_bundle, receipt_from_log
from booking_api.ceremony.stages import write_list
from booking_api.cli import main
from fairness.log import LogBuilder
from fairness.merkle import leaf_hash
from fairness.policy import parse_policy
from fairness.receipt_steps import check_receipt
from tests.fairness.ceremonies import DUE_S, LOG, NOISE, WITNESSES, note_of, play, reading, secret, trust_text

GOOD = play(12)
POLICY = parse_policy(trust_text())


@pytest.fixture
def public(tmp_path):
    """(log, list, bundle) of the draw."""
    log = LogFolder(tmp_path / "log")
    texts = NOISE + GOOD.entries
    LogBuilder(log).append(texts)
    log.write(CHECKPOINT, note_of([leaf_hash(text) for text in texts], DUE_S + 60, LOG, WITNESSES).encode())
    write_list(tmp_path / "list", GOOD.entrants)
    (tmp_path / "bundle").write_bytes(GOOD.bundle())
    return log, tmp_path / "list", tmp_path / "bundle"


def person(number):
    return holder_of(entrant_id=f"person {number}", salt=secret(f"salt {number}").hex())


@pytest.mark.parametrize("number", [0, 1, 11, 91, 92, 99])
def test_log_and_list_give_the_receipt_that_the_bundle_gives(public, number):
    log, listed, bundle = public
    text = receipt_from_log(log, listed, person(number), draw="test-draw")
    assert text == receipt_from_bundle(bundle, person(number))
    checked = check_receipt(text + b"\n", POLICY, bundle=reading(GOOD.bundle()), demo=True)
    assert (checked.receipt.own is not None) == (number < 12)


def test_another_list_gives_no_receipt(public):
    log, listed, bundle = public
    write_list(listed, GOOD.entrants[1:])
    with pytest.raises(CeremonyRefused, match="not the one that was frozen"):
        receipt_from_log(log, listed, person(1), draw="test-draw")
    lines = bundle.read_bytes().split(b"\n")
    bundle.write_bytes(b"\n".join([lines[0], *lines[2:]]))
    with pytest.raises(CeremonyUnusable, match="not of the form"):
        receipt_from_bundle(bundle, person(1))


def test_what_there_is_no_receipt_of_is_said(public, tmp_path):
    log, listed, bundle = public
    with pytest.raises(CeremonyRefused, match="0 freezes of other"):
        receipt_from_log(log, listed, person(1), draw="other")
    with pytest.raises(CeremonyUnusable, match="No such file"):
        receipt_from_bundle(tmp_path / "none", person(1))
    bundle.write_bytes(b"{}\n")
    with pytest.raises(CeremonyUnusable, match="the header"):
        receipt_from_bundle(bundle, person(1))
    bundle.write_bytes(b"")
    with pytest.raises(CeremonyUnusable, match="not JSON"):
        receipt_from_bundle(bundle, person(1))


@pytest.mark.parametrize("entrant_id", ["", "\udcff"])
def test_a_holder_has_an_id_that_can_be_hashed(entrant_id):
    with pytest.raises(CeremonyUnusable, match=r"^--id: (the id that was hashed is needed|not UTF-8)$"):
        holder_of(entrant_id=entrant_id, salt="00" * 32)


@pytest.mark.parametrize("salt", ["", "00", "no hex", "AB" * 32, "ab " * 32, "ab" * 33, "\udcff" * 64])
def test_a_holder_has_a_salt_in_lower_case_hex(salt):
    with pytest.raises(CeremonyUnusable, match=r"^--salt: 64 digits of lower-case hex are needed$"):
        holder_of(entrant_id="a", salt=salt)
    assert holder_of(entrant_id="a", salt="ab" * 32).salt == b"\xab" * 32


def command(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["gongdao", "draw", "receipt", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_command_writes_it_and_says_what_it_needs(public, tmp_path, monkeypatch, capsys):
    _, listed, bundle = public
    who = ("--id-hash", GOOD.entrants[0].id_hash.hex())
    out = ("--out", tmp_path / "receipt")
    for words, reason in (
        ((*who, *out), "--bundle alone"),
        ((*who, *out, "--bundle", bundle, "--list", listed), "--bundle alone"),
        (("--bundle", bundle, *out), "--id-hash alone"),
        (("--bundle", bundle, *who, "--id", "person 0", *out), "--id-hash alone"),
        (("--bundle", bundle, "--id-hash", "AB" * 32, *out), "--id-hash: the id_hash is not 32 bytes"),
        (("--bundle", bundle, "--id-hash", "\udcff", *out), "--id-hash: the id_hash is not 32 bytes"),
    ):
        assert command(monkeypatch, *words) == 2
        assert reason in capsys.readouterr().err
        assert not (tmp_path / "receipt").exists()
    words = ("--log", tmp_path / "log", "--draw", "test-draw", "--list", listed, *who, *out)
    assert command(monkeypatch, *words) == 0
    assert json.loads((tmp_path / "receipt").read_bytes())["lines"][0]["index"] == 0
    assert command(monkeypatch, *words) == 2, "what is there is not written over"


def test_a_holder_without_a_name_leaves_no_name(public):
    _, _, bundle = public
    told = json.loads(receipt_from_bundle(bundle, Holder(GOOD.entrants[3].id_hash)))
    assert (told["id"], told["salt"], len(told["lines"])) == ("", "", 1)
