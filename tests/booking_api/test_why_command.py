"""`gongdao why`, as an applicant or their school runs it on the published files."""

import json
import os
import subprocess
import sys

import pytest

from allocator.allocation import allocate
from allocator.bound import bound_of
from allocator.continuation import continue_round, continues_of
from fairness.rounds.continuing import continuing
from fairness.rounds.outcome import write_outcome
from fairness.rounds.problem import read_problem
from fairness.rounds.round import make_ready, public_order
from tests.booking_api.commanding import Commands
from tests.booking_api.test_allocate_command import PROBLEM

SEED = bytes.fromhex("ab" * 32)


@pytest.fixture
def problem(tmp_path):
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(PROBLEM))
    return path


@pytest.fixture
def solved(problem):
    read = read_problem(problem.read_bytes())
    round_ = make_ready(read, public_order(read.applications, SEED))
    return round_, allocate(round_, SEED, bound_of)


@pytest.fixture
def result(solved, tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(write_outcome(*solved) + b"\n")
    return path


@pytest.fixture
def why(problem, result, monkeypatch, capsys):
    run = Commands(monkeypatch, capsys)

    def asked(applicant, *more):
        return run("why", problem, result, "--id", applicant, *more)

    return asked


def test_who_got_a_later_line_is_told_where_the_better_one_closed(why):
    done = why("韩梅梅")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("韩梅梅 got 下午\n")
    assert (
        "早上: It closed at their turn, number 2: for the first time nothing could be given." in done.stdout
    )
    assert "Its seats are with people of an earlier class (1); ahead 1 had named it." in done.stdout
    assert "gongdao check" in done.stdout


def test_who_got_nothing_is_told_why_in_chinese_too(why):
    done = why("小明", "--lang", "zh-CN")
    assert done.stdout.startswith("小明 未获得场次\n")
    assert "在轮到本人时（第 3 位）关闭" in done.stdout


def test_a_page_is_written_and_json_told(why, tmp_path):
    done = why("小明", "--out", tmp_path / "why.html", "--json")
    told = json.loads(done.stdout)
    assert (told["session"], told["lines"][0]["sessions"][0]["answer"]) == (None, "closed")
    text = (tmp_path / "why.html").read_text()
    assert "小明 got no session" in text
    assert "<script" not in text


def test_nobody_else_is_named(why, tmp_path):
    done = why("小明", "--out", tmp_path / "why.html", "--json")
    for text in (done.stdout, why("小明").stdout, (tmp_path / "why.html").read_text()):
        assert "李雷" not in text
        assert "韩梅梅" not in text


def test_a_result_that_is_false_is_not_explained(why, result):
    told = json.loads(result.read_text())
    told["applications"][1], told["applications"][2] = (
        told["applications"][1] | {"line": None, "session": None},
        told["applications"][2] | {"line": 0, "session": "下午"},
    )
    result.write_text(json.dumps(told, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n")
    done = why("小明")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the result does not hold: (3) promises" in done.stderr


def test_who_did_not_apply_is_unusable_input(why):
    done = why("nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gongdao: --id: there is no application 'nobody' in this round\n"


def test_files_that_are_none_are_one_line_and_exit_code_two(why, problem, result):
    problem.write_text("[]")
    done = why("小明")
    assert (done.returncode, done.stderr.startswith(f"gongdao: {problem}: ")) == (2, True)
    result.unlink()
    done = why("小明")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_what_is_no_result_is_false(why, result):
    for text in ("{}", "[", "\n"):
        result.write_text(text)
        assert why("小明").returncode == 1


def test_a_continuation_is_refused_with_what_would_be_right(why, solved, result):
    round_, outcome = solved
    declined, text = {"李雷"}, result.read_bytes().removesuffix(b"\n")
    continued = continuing(round_, outcome, declined=declined, improving=set())
    continues = continues_of(text, declined=declined, improving=set())
    after = continue_round(continued, outcome, continues, bound_of)
    result.write_bytes(write_outcome(continued.whole, after) + b"\n")
    done = why("小明")
    assert done.returncode == 2
    assert f"{result}: it continues another result" in done.stderr


def test_json_is_utf_8_where_the_terminal_knows_ascii_alone(problem, result):
    words = ("why", problem, result, "--id", "小明", "--json")
    # The id comes as halves of characters there, the JSON must not go as such.
    surroundings = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "booking_api.cli", *map(str, words)],
        capture_output=True,
        check=False,
        env=surroundings,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["session"] is None
    assert "下午".encode() in done.stdout


def test_an_id_that_is_not_utf_8_is_unusable_input(why):
    done = why("\udcff")
    assert (done.returncode, done.stderr) == (2, "gongdao: --id: not UTF-8\n")
