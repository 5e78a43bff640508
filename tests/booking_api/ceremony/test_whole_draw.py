"""The commands as strangers use them: a ceremony of processes, a drill with a real round, and what each refuses."""

import json
import subprocess
import sys

import pytest

from fairness.policy import parse_policy
from fairness.verify import Refused, verify


def gongdao(*arguments, code=0, cwd=None):
    command = [sys.executable, "-m", "booking_api.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_a_ceremony_of_processes_ends_in_a_bundle_that_holds_with_demo_and_not_without(tmp_path):
    said = gongdao("demo", "draw", "--entrants", 60, "--out", tmp_path / "new")
    accepted, _, refused = said.partition("without --demo:")
    assert "The procedure holds; its beacon is a demonstration" in accepted
    assert "FAILS: demo is a demonstration" in refused
    played = tmp_path / "new" / "draw"
    secrets = {path.name for path in (played / "public").rglob("*")} & {
        "log.key",
        "vrf.key",
        "key",
        "chain.secret",
    }
    assert not secrets, "what is public holds nobody's key"
    log, trust = played / "public" / "log", played / "public" / "trust"
    assert "7 entries, cosigned by demo.example/witness" in gongdao("log", "verify", log, "--trust", trust)
    lines = gongdao("log", "monitor", log, "--trust", trust, "--state", tmp_path / "seen").splitlines()
    assert [line.split()[1] for line in lines[-4:]] == ["Frozen", "Contributed", "Contributed", "Finished"]
    gongdao("log", "prove", log, "--trust", trust, "--index", 3, "--out", tmp_path / "receipt")
    assert (tmp_path / "receipt").read_text().startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
    bundle = log / "tile" / "entries" / "000.p" / "7"
    bundle.write_bytes(bundle.read_bytes().replace(b"demo-2026-12", b"demo-2026-11", 1))
    assert "does not add up" in gongdao("log", "verify", log, "--trust", trust, code=1)


@pytest.mark.slow
def test_a_drill_with_a_real_round_holds_for_who_believes_its_parties_and_nobody_else(tmp_path):
    gongdao("demo", "draw", "--drill", "--entrants", 90, "--out", tmp_path / "new")
    bundle, trust = tmp_path / "new" / "drill" / "evidence.bundle", tmp_path / "new" / "drill" / "trust"
    told = json.loads(gongdao("verify", bundle, "--trust", trust, "--json"))
    assert (told["verified"], told["demo"]) == (True, False)
    assert "FAILS: checkpoint 1: no log of the policy" in gongdao("verify", bundle, code=1)
    believed = trust.read_text()
    for wanted, step in (
        ("contributor notary", "trust"),
        ("chain quicknet", "trust"),
        ("log drill", "witnesses"),
    ):
        others = "".join(line for line in believed.splitlines(keepends=True) if not line.startswith(wanted))
        with bundle.open("rb") as source, pytest.raises(Refused) as refused:
            verify(source, parse_policy(others))
        assert refused.value.name == step


def test_keys_and_entries_by_command(tmp_path):
    line = gongdao("keys", "new", "contributor", "--name", "notary", "--out", "vrf.key", cwd=tmp_path)
    assert line == gongdao("keys", "show", "contributor", "vrf.key", cwd=tmp_path)
    gongdao("keys", "entry", "vrf.key", "--out", "key.entry", cwd=tmp_path)
    assert json.loads((tmp_path / "key.entry").read_bytes())["key"] == line.split()[-1]
    assert "is there already" in gongdao(
        "keys", "entry", "vrf.key", "--out", "key.entry", code=2, cwd=tmp_path
    )


def test_what_a_command_cannot_use_is_one_line(tmp_path):
    for arguments in (
        ("log", "verify", tmp_path / "nowhere", "--trust", __file__),
        ("log", "append", "--log", tmp_path / "log", "--key", "none", "--trust", "none"),
        (
            "draw",
            "finish",
            "--log",
            tmp_path,
            "--key",
            "a",
            "--trust",
            "b",
            "--draw",
            "d",
            "--list",
            "l",
            "--out",
            "o",
        ),
        ("draw", "contribute", "--freeze", __file__, "--list", "l", "--secret", "s", "--out", tmp_path / "o"),
        ("demo", "draw", "--out", tmp_path),
    ):
        said = gongdao(*arguments, code=2)
        assert said.count("\n") == 1, said
