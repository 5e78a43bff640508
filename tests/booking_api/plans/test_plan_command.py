"""`gongdao plan` as an operator of the installation runs it."""

import json

import pytest

from reservation import sweep
from tests.planning import authorities, in_days
from tests.serving import environment, gongdao

HEAD = "site,title,day,start,end,subject,vehicle_class,capacity,priority_capacity"


@pytest.fixture
async def run(kernel, database_url, valkey_url, tmp_path):
    await authorities(kernel)
    env = environment(tmp_path, GONGDAO_DATABASE_URL=database_url, GONGDAO_VALKEY_URL=valkey_url)

    def call(*words):
        return gongdao(env, "plan", *words)

    yield call
    # A running server's sweeper builds what a command has published.
    await sweep(kernel, effect_patience_s=0)


def write(tmp_path, *rows):
    path = tmp_path / "plan.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return str(path)


ABOUT = ("--authority", "cn-zj-hz", "--title", "\u5341\u4e8c\u6708", "--source", "document 12")


def test_a_file_becomes_a_draft_is_published_and_closed(run, tmp_path):
    day = in_days(20)
    path = write(tmp_path, f"hz-xihu,X,{day},09:00,11:00,2,C1,30,3", f"hz-xihu,X,{day},13:00,15:00,2,C1,30,")
    done = run("import", path, *ABOUT, "--opens-at", "2026-12-01T09:00", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["state"], plan["sessions"], plan["places"]) == ("draft", 3, 63)
    assert plan["opens_at"] == "2026-12-01T01:00:00Z"
    for verb, state in (("publish", "published"), ("close", "closed")):
        done = run(verb, str(plan["id"]))
        assert done.returncode == 0, done.stderr
        assert f"plan {plan['id']}  {state}  cn-zj-hz" in done.stdout
    again = run("publish", str(plan["id"]))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "1 sessions" not in run("list").stdout


def test_bad_rows_are_told_by_line_and_nothing_is_drafted(run, tmp_path):
    day = in_days(20)
    path = write(
        tmp_path,
        f"hz-xihu,X,{day},09:00,11:00,2,C1,30,",
        f"hz-xihu,X,{day},11:00,09:00,2,C1,30,",
        f"hz-xihu,X,{day},13:00,15:00,,,30,",
        f"hz-xihu,X,{day},09:00,12:00,2,C1,5,",
        f"hz-xihu,X,{day},13:00,15:00,2,Z9,30,",
    )
    done = run("import", path, *ABOUT)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == ["line 3", "line 4", "line 5", "line 6"]
    assert lines[-1] == "nothing was imported: 4 rows are bad"
    assert run("list").stdout == "there are no plans\n"


@pytest.mark.parametrize(
    "words",
    [
        ("publish", "99"),
        ("close", "99"),
        ("publish", "x"),
        ("import", "none.csv", *ABOUT),
        ("import", "none.csv", "--authority", "x"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(run, words):
    done = run(*words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_an_authority_that_is_not_there_is_told(run, tmp_path):
    path = write(tmp_path, f"hz-xihu,X,{in_days(20)},09:00,11:00,2,C1,30,")
    done = run("import", path, "--authority", "atlantis", "--title", "T", "--source", "s")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "atlantis" in done.stderr
