"""`gongdao backup` and `gongdao restore` as people run them: exit codes, one line, and kills in the middle."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from booking_api.embedded.binaries import find_client
from booking_api.keeping.backing_up import STAMPED, prune_archives
from booking_api.keeping.programs import connection_environment
from tests.serving import GONGDAO, environment, gongdao

BIN = find_client("pg_dump").parent
WAIT_S = 30


@pytest.fixture
def programs(tmp_path):
    """A folder that comes first on the PATH: the server's own clients unless a test puts another in their place."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).symlink_to(BIN / name)
    return folder


@pytest.fixture
def env(installation, programs):
    """The installation's, as one with servers of its own; its URL has a password."""
    head, at, rest = installation.database_url.partition("@")
    return environment(
        installation.settings.data,
        GONGDAO_DATABASE_URL=f"{head}:four-horses{at}{rest}",
        GONGDAO_VALKEY_URL=installation.settings.valkey_url,
        PATH=f"{programs}:{os.environ['PATH']}",
    )


def put(programs: Path, name: str, script: str) -> None:
    (programs / name).unlink()
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def told_in_one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def kill_in_the_middle(env: dict[str, str], programs: Path, name: str, *words: str) -> None:
    """SIGKILL for the command when its client program has begun; the program must not outlive it."""
    begun, path = programs / "begun", programs / name
    put(programs, name, f'test "$1" = --version && exec {BIN / name} "$@"\necho $$ > {begun}\nexec sleep 60')
    command = subprocess.Popen([*GONGDAO, *words], env=env, stderr=subprocess.DEVNULL)
    wait_for(begun)
    child = int(begun.read_text())
    command.send_signal(signal.SIGKILL)
    command.wait()
    wait_until_gone(child)
    path.unlink()
    path.symlink_to(BIN / name)


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while (Path("/proc") / str(pid)).exists() and "Z" not in (Path("/proc") / str(pid) / "stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_killed_backup_leaves_nothing_and_a_repeated_one_is_good(env, programs, tmp_path):
    out = tmp_path / "archives"
    out.mkdir()
    kill_in_the_middle(env, programs, "pg_dump", "backup", "--out", str(out / "a.tar"))
    assert list(out.iterdir()) == []
    done = gongdao(env, "backup", "--out", str(out / "a.tar"), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bytes"] == (out / "a.tar").stat().st_size
    assert told["manifest"]["database"]["rows"]["booking"] == 1
    checked = gongdao(env, "backup", "--verify", str(out / "a.tar"), "--json")
    assert (checked.returncode, json.loads(checked.stdout)["good"]) == (0, True)
    assert "four-horses" not in (out / "a.tar").read_bytes().decode(errors="replace")
    raw = bytearray((out / "a.tar").read_bytes())
    raw[len(raw) // 2] ^= 1
    (out / "a.tar").write_bytes(raw)
    broken = gongdao(env, "backup", "--verify", str(out / "a.tar"))
    assert (broken.returncode, "SHA-256" in broken.stdout) == (1, True)


async def test_a_killed_restore_leaves_the_old_state_and_repeating_it_cures(
    installation, archive, env, programs
):
    restore = ("restore", str(archive), "--replace", installation.name)
    kill_in_the_middle(env, programs, "pg_restore", *restore)
    assert await installation.owners() == {"ada", "ben"}
    assert f"{installation.name}_restoring" in await installation.databases()
    done = gongdao(env, *restore, "--drop-replaced", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["clean"], told["replaced"], told["pools"]) == (True, None, 1)
    assert await installation.owners() == {"ada"}
    assert await installation.databases() == [installation.name]


async def test_findings_of_the_audit_are_told_with_exit_code_1(installation, env, tmp_path):
    await installation.ask("UPDATE unit SET booked = booked + 1")
    path = await installation.back_up(tmp_path / "archive.tar")
    done = gongdao(env, "restore", str(path), "--replace", installation.name)
    assert done.returncode == 1, done.stderr
    assert "audit: " in done.stdout.splitlines()[-1]
    assert "I1" in done.stdout


async def test_secrets_reach_the_programs_by_their_environment_only(env, programs, tmp_path):
    told = tmp_path / "told"
    put(programs, "pg_dump", f'echo "$PGPASSWORD $@" >> {told}\nexec {BIN}/pg_dump "$@"')
    assert gongdao(env, "backup", "--out", str(tmp_path / "a.tar")).returncode == 0
    password, arguments = told.read_text().splitlines()[-1].split(" ", 1)
    assert password == "four-horses"
    assert "four-horses" not in arguments


async def test_what_stands_in_the_way_is_one_line(installation, archive, env, programs, tmp_path):
    put(programs, "pg_dump", "echo 'pg_dump (PostgreSQL) 14.20 (Debian 14.20-1)'")
    older = told_in_one_line(gongdao(env, "backup", "--out", str(tmp_path / "a.tar")))
    assert "14.20" in older
    assert "client programs of version 18" in older
    assert not (tmp_path / "a.tar").exists()
    assert "already" in told_in_one_line(gongdao(env, "backup", "--out", str(archive)))
    assert "not empty" in told_in_one_line(gongdao(env, "restore", str(archive)))
    assert "No such file" in told_in_one_line(gongdao(env, "restore", str(tmp_path / "none.tar")))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["backup"], "--out FILE"),
        (["backup", "--out", "a.tar", "--keep", "3"], "--keep"),
        (["backup", "--out", "a.tar"], "no database was ever made here"),
        (["backup", "--verify", "none.tar"], "No such file"),
        (["restore"], "FILE"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(tmp_path, words, names):
    assert names in told_in_one_line(gongdao(environment(tmp_path / "data"), *words))
    assert not (tmp_path / "data").exists()


def test_the_newest_archives_are_kept_and_other_files_left_alone(tmp_path):
    names = [STAMPED.format(f"202611{day:02}T021500Z") for day in range(1, 6)]
    names[1] += ".age"
    names[3] += ".age"
    for name in (*names, "gongdao-before-the-move.tar", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in prune_archives(tmp_path, keep=2)] == names[:3]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*names[3:], "gongdao-before-the-move.tar", "notes.txt"]
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql+asyncpg://me:p%40ss@db.example:5433/gongdao?ssl=verify-full",
            {
                "PGHOST": "db.example",
                "PGPORT": "5433",
                "PGUSER": "me",
                "PGPASSWORD": "p@ss",
                "PGDATABASE": "gongdao",
                "PGSSLMODE": "verify-full",
            },
        ),
        (
            "postgresql+asyncpg://me@/g?host=%2Frun%2Fpg",
            {"PGHOST": "/run/pg", "PGUSER": "me", "PGDATABASE": "g"},
        ),
    ],
)
def test_a_url_is_told_to_libpq_whole(url, told):
    made = connection_environment(
        url, {"PATH": "/bin", "PGOPTIONS": "-c statement_timeout=1", "GONGDAO_DATA": "x"}
    )
    ours = {"PATH": "/bin", "LC_ALL": "C", "PGTZ": "UTC", "PGAPPNAME": "gongdao-keeping"}
    assert made == ours | told
