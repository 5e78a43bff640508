"""`gongdao register` as people run it: exit codes, one line for what is unusable, a report of every bad row."""

import asyncio
import csv
import json
import subprocess

import pytest
from sqlalchemy import text

from reservation.database import create_reading_engine
from tests.serving import GONGDAO, environment, gongdao

HEADER = "number,identity_number,vehicle_class,issued,last_day\n"
GOOD = "L{},11010519491231002X,C1,2026-03-01,2029-02-28\n"


@pytest.fixture
def run(tmp_path, database_url, valkey_url):
    env = environment(tmp_path, GONGDAO_DATABASE_URL=database_url, GONGDAO_VALKEY_URL=valkey_url)

    def command(*arguments):
        return gongdao(env, "register", *map(str, arguments))

    return command


def test_an_import_is_told_and_listed(run, tmp_path):
    path = tmp_path / "learners.csv"
    path.write_text(HEADER + "".join(GOOD.format(n) for n in range(3)))
    done = run("import", "learner_certificate", path, "--source", "Hangzhou office", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    listed = run("list")
    assert "Hangzhou office (learners.csv" in listed.stdout
    assert json.loads(run("list", "--json").stdout)[0]["register"] == "learner_certificate"


def test_bad_rows_are_refused_with_exit_code_1_and_reported_whole(run, tmp_path):
    path, report = tmp_path / "learners.csv", tmp_path / "bad.csv"
    path.write_text(
        HEADER + GOOD.format(1) + "".join(f"B{n},x,C1,2026-03-01,2029-02-28\n" for n in range(25))
    )
    refused = run("import", "learner_certificate", path, "--source", "s", "--report", report)
    assert refused.returncode == 1
    assert "25 of 26 rows are bad" in refused.stderr
    assert "and 5 more" in refused.stderr
    told = list(csv.reader(report.read_text().splitlines()))
    assert told[0] == ["line", "field", "reason"]
    assert [(row[0], row[1]) for row in told[1:]] == [(str(n), "identity_number") for n in range(3, 28)]
    assert run("list").stdout.strip() == "nothing has been imported"
    taken = run("import", "learner_certificate", path, "--source", "s", "--skip-bad")
    assert taken.returncode == 0
    assert "1 rows taken, 25 left out" in taken.stdout


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("none.csv", (), "No such file"),
        ("learners.txt", (), "say --format"),
        ("learners.csv", ("--encoding", "klingon"), "unknown encoding"),
        ("learners.csv", ("--report", "/nowhere/bad.csv"), "--report /nowhere/bad.csv"),
        ("learners.csv", ("--source", " "), "--source"),
        ("empty.csv", (), "first line names the fields"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(run, tmp_path, name, options, says):
    (tmp_path / "learners.csv").write_text(HEADER + GOOD.format(1))
    (tmp_path / "learners.txt").write_text(HEADER)
    (tmp_path / "empty.csv").write_text("")
    refused = run("import", "learner_certificate", tmp_path / name, "--source", "s", *options)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


async def test_a_session_killed_in_the_middle_ends_the_command_at_once(tmp_path, database_url, valkey_url):
    path = tmp_path / "learners.csv"
    path.write_text(HEADER + "".join(GOOD.format(n) for n in range(200_000)))
    env = environment(tmp_path, GONGDAO_DATABASE_URL=database_url, GONGDAO_VALKEY_URL=valkey_url)
    words = [*GONGDAO, "register", "import", "learner_certificate", str(path), "--source", "s"]
    running = subprocess.Popen(  # noqa: ASYNC220
        words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    engine = create_reading_engine(database_url, connections=1)
    kill = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active'"
    )
    try:
        async with asyncio.timeout(20), engine.connect() as connection:
            while not (await connection.execute(kill)).scalar_one():
                await asyncio.sleep(0.02)
        said = await asyncio.to_thread(running.communicate, timeout=10)
    finally:
        running.kill()
        await engine.dispose()
    assert (running.returncode, said[0]) == (2, "")
    assert said[1].strip().splitlines() == [
        "gongdao: the database: the connection was closed while rows were copied"
    ]
