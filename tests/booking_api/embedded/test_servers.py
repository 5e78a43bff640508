"""Each server by itself, as fault tests use it: kill, start again, lose or restore data, settings, ports."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from booking_api.embedded import EmbeddedError, PostgresServer, ValkeyServer
from tests.ports import ours

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def one_postgres(tmp_path_factory):
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "data", settings={"log_statement": "ddl"})
    yield server
    server.stop()


@pytest.fixture
def postgres(one_postgres):
    one_postgres.start()
    one_postgres.wait_ready()
    return one_postgres


@pytest.fixture
def valkey(data):
    server = ValkeyServer(data, config={"enable-debug-command": "local"})
    server.start()
    server.wait_ready()
    yield server
    server.stop()


async def test_postgres_killed_and_started_again_keeps_what_was_committed(postgres, tools):
    await tools.sql(postgres.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    postgres.kill()
    assert not postgres.is_running()
    postgres.start()
    postgres.wait_ready()
    assert await tools.sql(postgres.url, "SELECT n FROM kept") == 7
    assert "not properly shut down" in postgres.log.read_text(), "else it was no crash"


def test_postgres_kill_returns_when_its_children_are_gone(postgres, tools):
    assert postgres.pid is not None
    listed = Path(f"/proc/{postgres.pid}/task/{postgres.pid}/children").read_text()
    children = [int(pid) for pid in listed.split()]
    assert children
    postgres.kill()
    # The kernel may still be tidying away a child that has already let go of its files and memory.
    assert tools.eventually(lambda: not any(tools.alive(pid) for pid in children), within_s=0.2)


def test_postgres_starts_over_a_pid_file_that_names_another_program(postgres):
    postgres.kill()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        stale = (postgres.folder / "postmaster.pid").read_text().splitlines()
        stale[0] = str(bystander.pid)
        (postgres.folder / "postmaster.pid").write_text("\n".join(stale) + "\n")
        postgres.start()
        postgres.wait_ready()
        assert bystander.poll() is None
        bystander.kill()


async def test_extra_settings_reach_postgres(postgres, tools):
    assert await tools.sql(postgres.url, "SHOW log_statement") == "ddl"


async def test_valkey_whose_folder_was_wiped_starts_empty(valkey, tools):
    await tools.ask(valkey.url, "SET", "hold", "1")
    valkey.kill()
    shutil.rmtree(valkey.folder)
    valkey.start()
    valkey.wait_ready()
    assert await tools.ask(valkey.url, "DBSIZE") == 0


async def test_valkey_restored_from_an_older_copy_is_at_that_older_state(valkey, tools, tmp_path):
    await tools.ask(valkey.url, "SET", "hold", "old")
    valkey.stop()
    shutil.copytree(valkey.folder, tmp_path / "copy")
    valkey.start()
    valkey.wait_ready()
    await tools.ask(valkey.url, "SET", "hold", "new")
    valkey.kill()
    shutil.rmtree(valkey.folder)
    shutil.copytree(tmp_path / "copy", valkey.folder)
    valkey.start()
    valkey.wait_ready()
    assert await tools.ask(valkey.url, "GET", "hold") == "old"


def test_valkey_starts_again_well_under_a_second(valkey):
    valkey.stop()
    began = time.monotonic()
    valkey.start()
    valkey.wait_ready()
    took_s = time.monotonic() - began
    print(f"Valkey, warm start to ready: {took_s:.3f} s")
    assert took_s < 1.0


async def test_extra_config_reaches_valkey(valkey, tools):
    assert await tools.ask(valkey.url, "DEBUG", "SLEEP", "0") in (True, "OK")


async def test_valkey_on_a_port_can_be_a_cluster_node(data, tools):
    server = ValkeyServer(data, config={"cluster-enabled": "yes"}, port=_free_port())
    server.start()
    try:
        server.wait_ready()
        assert server.url == f"redis://127.0.0.1:{server._port}"
        assert "cluster_known_nodes:1" in str(await tools.ask(server.url, "CLUSTER", "INFO"))
    finally:
        server.stop()


def test_valkey_on_a_taken_port_is_an_error_though_someone_answers_there(data, tmp_path):
    port = _free_port()
    holder, late = ValkeyServer(data, port=port), ValkeyServer(tmp_path / "other", port=port)
    holder.start()
    try:
        holder.wait_ready()
        late.start()
        with pytest.raises(EmbeddedError, match="in use") as refused:
            late.wait_ready(5.0)
        assert refused.value.code == "server_died"
    finally:
        late.stop()
        holder.stop()


def test_stop_falls_back_to_killing(valkey):
    """A halted process does not see its SIGTERM."""
    os.kill(valkey.pid, signal.SIGSTOP)
    valkey.stop(timeout_s=0.3)
    assert valkey.exit_status == -signal.SIGKILL


def test_starting_a_running_server_does_nothing(valkey):
    before = valkey.pid
    valkey.start()
    assert valkey.pid == before


def test_url_before_the_first_start_is_an_error(data):
    with pytest.raises(EmbeddedError, match="was not started") as refused:
        _ = PostgresServer(data).url
    assert refused.value.code == "not_started"


@pytest.mark.parametrize("name", ["listen_addresses", "PORT", "a=b", ""])
def test_postgres_setting_that_is_ours_or_no_name_is_refused(data, name):
    with pytest.raises(EmbeddedError) as refused:
        PostgresServer(data, settings={name: "x"})
    assert refused.value.code == "bad_setting"


@pytest.mark.parametrize("name", ["dir", "UnixSocket", "--save", ""])
def test_valkey_setting_that_is_ours_or_no_name_is_refused(data, name):
    with pytest.raises(EmbeddedError) as refused:
        ValkeyServer(data, config={name: "x"})
    assert refused.value.code == "bad_setting"


def _free_port() -> int:
    """Low enough for the cluster bus, which is 10,000 above."""
    for port in ours(range(21000, 21200)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    pytest.fail("no free port between 21000 and 21200")
