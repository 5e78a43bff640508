"""An entrant's receipt: what it shows of each person, and every bent one refused at its step, in both languages."""

import json
import subprocess
import sys

import pytest

from fairness.draw import score_of
from fairness.entrants import root_of_list
from fairness.policy import parse_policy
from fairness.receipt import prove_line
from fairness.receipt_steps import RECEIPT_STEPS, ReceiptRefused, check_receipt
from fairness.seed import category_seed
from tests.fairness.ceremonies import entrants_of, play, reading, trust_text
from tests.fairness.node import run_node
from tests.fairness.receipts import ABSENT, GOOD, LISTED, RECEIPT_TAMPERINGS, RECEIPTS, WINNER
from tests.vectors import vectors

POLICY = parse_policy(trust_text())
BUNDLE = GOOD.bundle()
BY_NAME = {tampering.name: tampering for tampering in RECEIPT_TAMPERINGS}
FATES = {
    one.id_hash: (category, rank) for category, ranked in GOOD.winners for rank, one in enumerate(ranked, 1)
}


def check(text, *, bundle=BUNDLE, policy=POLICY, demo=True):
    return check_receipt(text, policy, bundle=None if bundle is None else reading(bundle), demo=demo)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("receipts")
    (folder / "trust").write_text(trust_text())
    (folder / "bundle").write_bytes(BUNDLE)
    (folder / "listed").write_bytes(LISTED)
    (folder / "absent").write_bytes(ABSENT)
    return folder


@pytest.fixture(scope="module")
def verdicts(files):
    """JavaScript's verdict by the name of the receipt or of what was done to it."""
    texts = {name: make() for name, make in RECEIPTS.items()}
    texts |= {tampering.name: tampering.make() for tampering in RECEIPT_TAMPERINGS}
    asked = {
        "trust": str(files / "trust"),
        "bundle": str(files / "bundle"),
        "receipts": [text.decode() for text in texts.values()],
    }
    done = run_node("check_receipts.mjs", stdin=json.dumps(asked))
    assert done.returncode == 0, done.stderr
    return dict(zip(texts, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_receipt_says_who_is_listed_and_what_became_of_them(name, verdicts):
    checked = check(RECEIPTS[name]())
    listed = {one.id_hash: one for one in GOOD.entrants}
    own = listed.get(checked.receipt.id_hash)
    assert (checked.receipt.own is not None) == (own is not None)
    script = verdicts[name]
    assert (script["holds"], script["listed"]) == (True, own is not None)
    if own is None:
        assert (checked.fate, script["line"]) == (None, None)
        return
    fate = checked.fate
    assert (fate.category, fate.weight) == (own.category, own.weight)
    assert (fate.category, fate.rank) == FATES.get(own.id_hash, (own.category, None))
    assert fate.score == score_of(category_seed(checked.draw.seed, own.category), own.id_hash, own.weight)
    assert (fate.score <= fate.outcome.cutoff) == (fate.rank is not None)
    assert script["line"] == {
        "idHash": own.id_hash.hex(),
        "listed": True,
        "category": fate.category,
        "weight": fate.weight,
        "score": fate.score.hex(),
        "cutoff": fate.outcome.cutoff.hex(),
        "rank": fate.rank,
    }


@pytest.mark.parametrize("tampering", RECEIPT_TAMPERINGS, ids=lambda tampering: tampering.name)
def test_each_bent_receipt_is_refused_at_its_step(tampering, verdicts):
    with pytest.raises(ReceiptRefused) as refused:
        check(tampering.make())
    assert refused.value.name == tampering.step, refused.value
    failure = verdicts[tampering.name]["failure"]
    assert (failure["name"], failure["step"]) == (tampering.step, RECEIPT_STEPS.index(tampering.step)), (
        failure
    )


def test_names_of_tamperings_differ():
    assert len(BY_NAME) == len(RECEIPT_TAMPERINGS)


def test_without_a_bundle_all_but_the_last_step_are_checked(verdicts):
    for name, tampering in BY_NAME.items():
        assert verdicts[name]["alone"] == (None if tampering.step == "bundle" else tampering.step)
        if tampering.step == "bundle":
            assert check(tampering.make(), bundle=None).draw is None
            continue
        with pytest.raises(ReceiptRefused) as refused:
            check(tampering.make(), bundle=None)
        assert refused.value.name == tampering.step
    assert {one: verdicts[one]["alone"] for one in RECEIPTS} == dict.fromkeys(RECEIPTS)


def test_a_bundle_that_is_refused_refuses_the_receipt():
    with pytest.raises(ReceiptRefused, match="step 4, trust: demo is a demonstration"):
        check(LISTED, demo=False)
    with pytest.raises(ReceiptRefused, match="step 0, read"):
        check(LISTED, bundle=b"")


def test_a_trust_file_that_believes_no_log_refuses_every_receipt():
    with pytest.raises(ReceiptRefused) as refused:
        check(LISTED, policy=parse_policy("quorum none\n"))
    assert refused.value.name == "log"


def test_a_receipt_may_keep_its_id_to_itself():
    """What names nobody holds as well: id and salt are for the one who wants to show that it is they."""
    told = json.loads(LISTED) | {"id": "", "salt": ""}
    text = json.dumps(told, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() + b"\n"
    assert check(text).receipt.salt == b""


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_every_line_of_lists_of_any_size_is_proven(count):
    listed = entrants_of(count)
    played = play(count)
    assert root_of_list(listed) == root_of_list(played.entrants)
    for place, one in enumerate(listed):
        [line] = prove_line(listed, one.id_hash)
        assert (line.entrant, line.place) == (one, place)


def test_the_published_receipts_are_what_they_were():
    told = vectors("draw_v1")["receipts"]
    bundle = vectors("draw_v1")["bundle"].encode()
    assert (told["listed"].encode(), told["absent"].encode()) == (LISTED, ABSENT)
    assert check(told["listed"].encode(), bundle=bundle).fate is not None
    assert check(told["absent"].encode(), bundle=bundle).receipt.own is None


def run(*arguments):
    command = [sys.executable, "-m", "fairness", "receipt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_both_commands_tell_the_same(files):
    for name in ("listed", "absent"):
        words = (files / name, "--trust", files / "trust", "--bundle", files / "bundle", "--demo", "--json")
        done, script = (
            run(*words),
            run_node("../../../fairness/verifier/cli.mjs", "receipt", *map(str, words)),
        )
        assert (done.returncode, script.returncode) == (0, 0), done.stderr + script.stderr
        assert json.loads(done.stdout) == json.loads(script.stdout)


def test_the_command_says_it_in_sentences_and_marks_a_demonstration(files):
    (files / "winner").write_bytes(RECEIPTS["a winner without a name"]())
    done = run(files / "winner", "--trust", files / "trust", "--bundle", files / "bundle", "--demo")
    assert done.returncode == 0
    assert all(line.startswith("DEMONSTRATION") for line in done.stdout.splitlines())
    category, rank = FATES[WINNER]
    assert f"A PLACE: rank {rank} of 3 in {category}" in done.stdout
    assert "3 of 4 entrants in A got a place: 75 %" in done.stdout
    absent = run(files / "absent", "--trust", files / "trust")
    assert (absent.returncode, "NOT IN THE LIST of test-draw" in absent.stdout) == (0, True)


def test_the_command_ends_with_1_for_what_is_false_and_2_for_what_cannot_be_used(files):
    false = run(files / "listed")
    assert (false.returncode, "(3) log           FAILS" in false.stdout) == (1, True)
    for words in ((files / "none",), (files / "listed", "--bundle", files / "none"), (files,)):
        done = run(*words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
