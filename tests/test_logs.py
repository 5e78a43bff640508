"""The run's reading of its logs sees what it is to see: the negative control of `tests.logs`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs import KINDS, passwords, scan

ROOT = Path(__file__).parents[1]

PLANTED = {
    "identity number": "DETAIL: Key (identity_number)=(11010519491231002X) exists",
    "mobile number": "sent to +8613800138000",
    "plate": "pool 4: 浙A12345 refused",
    "name": "account of 张 伟 verified",
    "e-mail address": "mail zhang@example.cn",
    "token": "Authorization: Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln",
    "API key": "key gdk_0af3_secretsecret",
    "session cookie": "Cookie: gongdao_session=abcdef",
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "password": "sign-in with four horses, one cart",
    "claimant": "hold of person:applicant-1",
}
HARMLESS = [
    "2026-11-25 17:41:42.990 UTC [27619] LOG:  checkpoint complete: wrote 13800138 buffers",
    "claim 01a2077b-1510-8000-8000-138001380001 of pool 7",
    "request d9c7d39885b62762 took 0.13800138000 s",
    "order 110105194912310021",
    "postgresql://gongdao@/gongdao?host=/tmp/x",
    "1764092502990123456 ns",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_line_is_found_by_its_line_and_kind(kind):
    log = "\n".join([HARMLESS[0], PLANTED[kind], HARMLESS[1]])
    assert [(finding.line, finding.kind) for finding in scan(log, log="x")] == [(2, kind)]


def test_what_only_looks_like_it_is_not_found():
    assert scan("\n".join(HARMLESS), log="x") == []


def test_the_passwords_of_the_tests_are_known():
    assert {"four horses, one cart", "five oxen, no cart"} <= passwords()


PLANTING = """
import logging, subprocess, sys

def test_of_this_process():
    logging.getLogger("booking_api").info("for %s", "11010519491231002X")

def test_of_a_server(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "serve.log").write_text("harmless\\n13800138000\\n")

def test_of_a_child():
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('person:zhang')"])
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_whose_tests_pass_fails_if_it_has_logged_a_person_and_says_where(tmp_path, workers):
    test = tmp_path / "test_planted.py"
    test.write_text(PLANTING)
    words = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:valkey", "-p", "tests.logs"]
    run = subprocess.run(
        [*words, "-n", workers, "--rootdir", tmp_path, "--basetemp", tmp_path / "base", test],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # What was planted is not for the run that this test is part of.
    shutil.rmtree(tmp_path)
    assert "3 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 1
    told = [line.rpartition(".log:")[2] for line in run.stdout.splitlines() if ".log:" in line]
    assert sorted(told) == ["1: identity number", "2: claimant", "2: mobile number"]
