"""`python -m fairness` as an auditor runs it: in a process of its own, by files."""

import csv
import json
import subprocess
import sys
from hashlib import sha256

import pytest

from fairness.draw import score_of
from fairness.seed import category_seed
from tests.fairness.ceremonies import play, trust_text
from tests.vectors import vectors

SEED = sha256(b"seed").hexdigest()
ROUND = vectors("drand_quicknet")["rounds"][0]


def run(*arguments, program=("-m", "fairness")):
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def refusal(*arguments):
    """The one line on standard error."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("draw")
    (folder / "good.bundle").write_bytes(play().bundle())
    (folder / "trust").write_text(trust_text())
    return folder


@pytest.fixture
def listed(tmp_path):
    entrants = [(sha256(b"%d" % number).hexdigest(), 1 + number % 3) for number in range(50)]
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id_hash", "weight"], *entrants])
    return tmp_path / "list.csv", entrants


def test_a_bundle_that_holds(files):
    done = run("verify", files / "good.bundle", "--trust", files / "trust", "--demo", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["verified"], told["demo"]) == (0, True, True)
    assert told["categories"]["A"]["winners"] == 3


def test_every_line_about_a_demonstration_says_so(files):
    done = run("verify", files / "good.bundle", "--trust", files / "trust", "--demo")
    assert done.returncode == 0
    assert all(line.startswith("DEMONSTRATION") for line in done.stdout.splitlines())


def test_the_trust_file_of_nobody_refuses_every_bundle(files):
    done = run("verify", files / "good.bundle", "--json")
    assert (done.returncode, json.loads(done.stdout)["name"]) == (1, "witnesses")


def test_a_demonstration_is_refused_by_default(files):
    done = run("verify", files / "good.bundle", "--trust", files / "trust")
    assert done.returncode == 1
    assert "(4) trust         FAILS: demo is a demonstration" in done.stdout


def test_files_that_cannot_be_used(files, tmp_path):
    assert "No such file" in refusal("verify", tmp_path / "none")
    (tmp_path / "trust").write_text("quorum nobody\n")
    assert "line 1" in refusal("verify", files / "good.bundle", "--trust", tmp_path / "trust")
    assert "Is a directory" in refusal("verify", tmp_path)


def test_a_real_round():
    done = run("beacon", "--round", ROUND["round"], "--signature", ROUND["signature"])
    assert (done.returncode, done.stdout) == (0, ROUND["randomness"] + "\n")


def test_a_round_that_is_not_the_signatures():
    done = run("beacon", "--round", ROUND["round"] + 1, "--signature", ROUND["signature"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "not that of round 124" in done.stderr


def test_arguments_that_cannot_be_used(tmp_path):
    assert "96 digits" in refusal("beacon", "--round", 1, "--signature", "ab")
    assert "begin with 1" in refusal("beacon", "--round", 0, "--signature", ROUND["signature"])
    out = ("--out", tmp_path / "out")
    for seed in ("ab", SEED.upper()):
        said = refusal("draw", "--entrants", "x", "--quota", 1, "--seed", seed, *out)
        assert "--seed: 64 digits of lower-case hex are needed" in said
    assert "no number of places" in refusal("draw", "--entrants", "x", "--quota", -1, "--seed", SEED, *out)
    assert "No such file" in refusal("draw", "--entrants", "x", "--quota", 1, "--seed", SEED, *out)


def test_a_list_is_ranked(listed, tmp_path):
    path, entrants = listed
    done = run(
        "draw", "--entrants", path, "--quota", 7, "--seed", SEED, "--category", "A", "--out", tmp_path / "r"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "r").read_bytes())
    seed = category_seed(bytes.fromhex(SEED), "A")
    scores = sorted(
        (score_of(seed, bytes.fromhex(one), weight).hex(), one, weight) for one, weight in entrants
    )
    assert [(one["score"], one["id_hash"], one["weight"]) for one in told["winners"]] == scores[:7]
    assert [one["rank"] for one in told["winners"]] == list(range(1, 8))
    assert (told["cutoff"], told["quota"], told["category"], told["version"]) == (scores[6][0], 7, "A", 1)
    assert told["seed"] == SEED
    assert not (tmp_path / "r.part").exists()


def test_processes_change_nothing(listed, tmp_path):
    path, _ = listed
    for processes in (1, 3):
        out = tmp_path / f"r{processes}"
        run("draw", "--entrants", path, "--quota", 9, "--seed", SEED, "--out", out, "--processes", processes)
    assert (tmp_path / "r1").read_bytes() == (tmp_path / "r3").read_bytes()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the columns must be"),
        ("id,weight\n", "the columns must be"),
        ("id_hash,weight\nab,1\n", "line 2: the id_hash is not 32 bytes"),
        (f"id_hash,weight\n{SEED},0\n", "line 2: the weight is not"),
        (f"id_hash,weight\n{SEED},1,2\n", "line 2: 3 columns"),
        (f"id_hash,weight\n{SEED},1\n{SEED},1\n", "line 3: this id_hash is there twice"),
        (f'id_hash,weight\n"{SEED},1\n', "line 2"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, text, reason):
    (tmp_path / "list.csv").write_text(text)
    said = refusal(
        "draw", "--entrants", tmp_path / "list.csv", "--quota", 1, "--seed", SEED, "--out", tmp_path / "out"
    )
    assert reason in said
    assert not (tmp_path / "out").exists()


def test_gongdao_has_the_same_commands():
    done = run("beacon", "--round", 123, "--signature", ROUND["signature"], program=("-m", "booking_api.cli"))
    assert (done.returncode, done.stdout) == (0, ROUND["randomness"] + "\n")
    assert "usage: gongdao verify" in run("verify", "--help", program=("-m", "booking_api.cli")).stdout


def test_no_server_package_is_needed():
    """What is loaded is this package, its three libraries and the standard library."""
    code = (
        "import sys, fairness.__main__\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    loaded = set(json.loads(run("-c", code, program=()).stdout.replace("'", '"')))
    assert {"fairness", "nacl", "rfc8785", "py_arkworks_bls12381"} <= loaded
    assert not loaded & {"litestar", "sqlalchemy", "redis", "click", "booking_api", "reservation"}
