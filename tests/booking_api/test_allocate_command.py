"""`gongdao allocate` and `gongdao check`, as operators and auditors run them: in processes of their own, by files."""

import json
import subprocess
import sys

import pytest

from booking_api.cli.allocate import _ids

SEED = "ab" * 32
PROBLEM = {
    "version": 1,
    "sessions": [{"id": "早上", "capacity": 1}, {"id": "下午", "capacity": 1}],
    "applications": [
        {"id": "李雷", "class": 0, "lines": [["早上"]]},
        {"id": "韩梅梅", "class": 1, "lines": [["早上"], ["下午"]]},
        {"id": "小明", "class": 2, "lines": [["下午"]]},
    ],
}


def run(*arguments, program=("-m", "booking_api.cli")):
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def problem(tmp_path):
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(PROBLEM))
    return path


@pytest.fixture
def result(problem):
    path = problem.with_name("result.json")
    done = run("allocate", problem, "--seed", SEED, "--out", path)
    assert done.returncode == 0, done.stderr
    return path


def seated(path):
    return {one["id"]: one["session"] for one in json.loads(path.read_text())["applications"]}


def test_a_round_is_solved_and_checked(problem, result):
    assert seated(result) == {"李雷": "早上", "韩梅梅": "下午", "小明": None}
    assert result.read_bytes().endswith(b"}\n")
    told = run("check", problem, result, "--json", "--rerun")
    assert (told.returncode, json.loads(told.stdout)["seated"]) == (0, 2)


def test_an_auditor_checks_with_the_base_packages_alone(problem, result):
    blocked = ["ortools", "numpy", "click", "rich", "litestar", "sqlalchemy", "allocator", "booking_api"]
    code = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        "from fairness.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    done = run("check", problem, result, program=("-c", code))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "The rule is kept: 2 of 3 seated, 2 at most could be; 1 got their first line.",
        f"The order is that of the seed {SEED}.",
        "Only solving again (gongdao check --rerun) shows whether the bound can be reached.",
    ]


def test_a_result_of_another_seed_than_the_draws_is_refused(problem, result):
    assert run("check", problem, result, "--seed", SEED).returncode == 0
    other = run("check", problem, result, "--seed", "cd" * 32)
    assert (other.returncode, other.stdout) == (1, f"(1) order FAILS: it is of another seed, {SEED}\n")
    bad = run("check", problem, result, "--seed", "cd")
    assert (bad.returncode, bad.stderr) == (2, "Error: --seed: it is not 32 bytes in lower-case hex\n")


def test_checking_loads_no_solver(problem, result):
    code = (
        "import sys\nsys.modules['ortools'] = None\nsys.argv[0] = 'gongdao'\n"
        "from booking_api.cli import main\nmain()"
    )
    assert run("check", problem, result, program=("-c", code)).returncode == 0


@pytest.mark.parametrize("command", ["allocate", "roster"])
def test_without_the_solvers_packages_it_says_what_to_install(problem, command):
    code = "import sys\nsys.modules['ortools'] = None\nfrom booking_api.cli import main\nmain()"
    seed = ("--seed", SEED) if command == "allocate" else ()
    staff = problem if command == "allocate" else "docs/examples/staff.json"
    done = run(command, staff, *seed, "--out", problem.with_name("out.json"), program=("-c", code))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gongdao: ortools is missing: pip install 'gongdao[rounds]'\n"


def test_a_forged_result_is_false_and_the_step_is_named(problem, result):
    result.write_text(result.read_text().replace('"line":1', '"line":0', 1))
    done = run("check", problem, result, "--json")
    assert done.returncode == 1
    assert (json.loads(done.stdout)["step"], json.loads(done.stdout)["name"]) == (3, "promises")
    assert run("check", problem, result).stdout.startswith("(3) promises FAILS: ")


def test_a_round_goes_on_after_declines(problem, result):
    for name, ids in (("declined", "李雷\n"), ("improving", "韩梅梅\n")):
        problem.with_name(name).write_text(ids)
    on = problem.with_name("on.json")
    files = ("--declined", problem.with_name("declined"), "--improving", problem.with_name("improving"))
    done = run("allocate", problem, "--after", result, *files, "--out", on)
    assert done.returncode == 0, done.stderr
    assert seated(on) == {"李雷": None, "韩梅梅": "早上", "小明": "下午"}
    assert run("check", problem, on, "--after", result, "--rerun").returncode == 0
    alone = run("check", problem, on)
    assert (alone.returncode, "continues another result" in alone.stdout) == (1, True)


def test_a_result_that_the_solver_would_not_give_is_refused_by_rerunning(problem, result):
    """Two people who hold two sessions equal could sit the other way round: a certificate for both, one by the rule."""
    equal = {"id": "x", "class": 0, "lines": [["下午", "早上"]]}
    problem.write_text(json.dumps(PROBLEM | {"applications": [equal]}))
    assert run("allocate", problem, "--seed", SEED, "--out", result).returncode == 0
    text = result.read_text()
    assert '"session":"下午"' in text
    result.write_text(text.replace('"session":"下午"', '"session":"早上"'))
    assert run("check", problem, result).returncode == 0
    again = run("check", problem, result, "--rerun")
    assert again.returncode == 1
    assert again.stdout.startswith("(6) rerun FAILS: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "AB" * 32], "'--seed': 64 digits of lower-case hex are needed"),
        (["--seed", "ab"], "'--seed': 64 digits of lower-case hex are needed"),
        ([], "--seed: 64 digits of lower-case hex are needed"),
        (["--seed", SEED, "--declined", "problem.json"], "--after names"),
        (["--after", "nothing.json"], "nothing.json: No such file"),
        (["--after", "problem.json"], "--after: (1) order FAILS"),
    ],
)
def test_what_cannot_be_used_is_one_line(problem, arguments, said):
    arguments = [problem.with_name(one) if one.endswith(".json") else one for one in arguments]
    done = run("allocate", problem, *arguments, "--out", problem.with_name("out.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in problem.parent.iterdir()) == ["problem.json"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (b"\xef\xbb\xbfa\r\nb", {"a", "b"}),
        ("a\u2028b\n\nc\x0bd\r\r\n".encode(), {"a\u2028b", "c\x0bd\r"}),
        (b"", set()),
    ],
)
def test_an_id_is_a_line_whatever_it_has_in_it(tmp_path, text, ids):
    (tmp_path / "ids").write_bytes(text)
    assert _ids(tmp_path / "ids") == ids


def test_somebody_who_has_nothing_to_decline_is_named_with_the_file(problem, result):
    declined = problem.with_name("declined")
    for text, said in (("小明".encode(), "'小明' has no seat to decline"), (b"\xff", "not UTF-8")):
        declined.write_bytes(text)
        done = run(
            "allocate", problem, "--after", result, "--declined", declined, "--out", problem.with_name("on")
        )
        assert done.returncode == 2
        assert done.stderr.startswith(f"gongdao: {declined}: {said}")


@pytest.mark.parametrize("bad", [b"", b"{", b"\xff", b"[]", b'{"version":2}'])
def test_a_file_that_is_no_problem_is_one_line(problem, bad):
    problem.write_bytes(bad)
    out = problem.with_name("out.json")
    for words in (("allocate", problem, "--seed", SEED, "--out", out), ("check", problem, problem)):
        done = run(*words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "problem.json" in done.stderr
    assert not out.exists()
