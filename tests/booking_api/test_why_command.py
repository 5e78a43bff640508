"""`gongdao why`, as an applicant or their school runs it on the published files."""

import json

import pytest

from tests.booking_api.test_allocate_command import problem, result, run  # noqa: F401 - fixtures


@pytest.fixture
def why(problem, result):  # noqa: F811
    def asked(applicant, *more):
        return run("why", problem, result, "--id", applicant, *more)

    return asked


def test_who_got_a_later_line_is_told_where_the_better_one_closed(why):
    done = why("韩梅梅")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("韩梅梅 got 下午\n")
    assert "早上: It closed at number 2; theirs is 2, 0 later." in done.stdout
    assert "1 seats are with people of an earlier class" in done.stdout
    assert "gongdao check" in done.stdout


def test_who_got_nothing_is_told_why_in_chinese_too(why):
    done = why("小明", "--lang", "zh-CN")
    assert done.stdout.startswith("小明 未获得场次\n")
    assert "在第 3 位关闭" in done.stdout


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


def test_a_result_that_is_false_is_not_explained(why, result):  # noqa: F811
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


def test_files_that_are_none_are_one_line_and_exit_code_two(why, problem, result):  # noqa: F811
    result.write_text("{}")
    assert why("小明").returncode == 2
    problem.write_text("[]")
    assert why("小明").returncode == 2
    result.unlink()
    done = why("小明")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_continuation_is_refused_with_what_would_be_right(why, problem, result, tmp_path):  # noqa: F811
    (tmp_path / "declined").write_text("李雷\n")
    after = tmp_path / "after.json"
    done = run("allocate", problem, "--after", result, "--declined", tmp_path / "declined", "--out", after)
    assert done.returncode == 0, done.stderr
    done = run("why", problem, after, "--id", "小明")
    assert done.returncode == 2
    assert "it continues another result" in done.stderr
