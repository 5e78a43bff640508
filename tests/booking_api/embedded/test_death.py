"""Whoever dies, and however: nothing is left running, nothing is lost, the next start works."""

import os
import signal
import subprocess
import threading
import time

import pytest

from booking_api.embedded import (
    EmbeddedError,
    Supervisor,
    ValkeyServer,
    embedded_backends,
    leftovers,
    spawn_child,
    supervisor,
)
from booking_api.embedded import server as server_module

DEATH_S = 5.0
RESTART_S = 10.0
SPAWNING = {
    "ours": """
import signal, sys, time
from booking_api.embedded import spawn_child
print(spawn_child(["sleep", "60"], death_signal=signal.SIGTERM).pid, flush=True)
time.sleep(60)
""",
    "plain": """
import subprocess, time
print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid, flush=True)
time.sleep(60)
""",
}

pytestmark = pytest.mark.fault


async def test_killed_parent_takes_both_servers_along_and_the_next_start_works(data, parent_on, tools):
    parent = parent_on(data)
    ready = parent.wait_ready()
    await tools.sql(ready["database_url"], "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    await tools.ask(ready["valkey_url"], "SET", "kept", "7")
    parent.kill()
    assert tools.eventually(
        lambda: not tools.alive(ready["postgres"]) and not tools.alive(ready["valkey"]), within_s=DEATH_S
    )
    with embedded_backends(data) as backends:
        assert await tools.sql(backends.database_url, "SELECT n FROM kept") == 7
        assert await tools.ask(backends.valkey_url, "GET", "kept") == "7"


def test_ctrl_c_stops_both_servers_in_order(data, parent_on, tools):
    parent = parent_on(data)
    ready = parent.wait_ready()
    parent.interrupt()
    assert not tools.alive(ready["postgres"])
    assert not tools.alive(ready["valkey"])
    assert "ready to exit" in (data / "log" / "valkey.log").read_text()
    assert "database system is shut down" in (data / "log" / "postgres.log").read_text()


async def test_start_right_after_the_parent_was_killed_waits_for_its_servers(data, parent_on, tools):
    parent = parent_on(data)
    ready = parent.wait_ready()
    parent.kill()
    with embedded_backends(data) as backends:
        assert await tools.sql(backends.database_url, "SELECT 1") == 1
        assert not tools.alive(ready["postgres"])
        assert not tools.alive(ready["valkey"])


async def test_leftover_server_that_does_not_answer_its_signal_is_killed(data, parent_on, tools, monkeypatch):
    monkeypatch.setattr(server_module, "LEFTOVER_STOP_TIMEOUT_S", 0.3)
    parent = parent_on(data)
    ready = parent.wait_ready()
    for name in ("postgres", "valkey"):
        os.kill(ready[name], signal.SIGSTOP)
    parent.kill()
    assert tools.alive(ready["postgres"]), "else this test proves nothing"
    with embedded_backends(data) as backends:
        assert not tools.alive(ready["postgres"])
        assert not tools.alive(ready["valkey"])
        assert await tools.sql(backends.database_url, "SELECT 1") == 1


@pytest.mark.parametrize(("how", "survives"), [("ours", False), ("plain", True)])
def test_child_of_a_killed_parent_dies_only_if_spawned_with_a_death_signal(
    data, parent_on, tools, how, survives
):
    """The plain child is the negative control: without the death signal the orphan goes on."""
    parent = parent_on(data, SPAWNING[how])
    child = parent.wait_ready()
    try:
        parent.kill()
        assert tools.eventually(lambda: not tools.alive(child), within_s=1.0) is not survives
    finally:
        if tools.alive(child):
            os.kill(child, signal.SIGKILL)


def test_child_outlives_the_thread_that_asked_for_it():
    """The kernel ties the death signal to the forking thread, which therefore must not be the caller's."""
    children: list[subprocess.Popen[bytes]] = []
    asking = threading.Thread(
        target=lambda: children.append(spawn_child(["sleep", "60"], death_signal=signal.SIGKILL))
    )
    asking.start()
    asking.join()
    with children[0] as child:
        time.sleep(0.3)
        assert child.poll() is None
        child.kill()


def test_death_while_making_the_cluster_leaves_no_trap(data, parent_on, tools):
    parent = parent_on(data)
    home = data / "postgres"
    assert tools.eventually(lambda: any(home.glob("18.init-*/PG_VERSION")), within_s=DEATH_S)
    parent.kill()
    assert any(home.glob("18.init-*")), "else it was not killed in the middle"
    assert not (home / "18").exists()
    with embedded_backends(data):
        assert [path.name for path in home.iterdir()] == ["18"]


@pytest.mark.parametrize("name", ["postgres", "valkey"])
async def test_killed_server_is_restarted_with_its_data(data, tools, name):
    given_up: list[EmbeddedError] = []
    with embedded_backends(data, on_failure=given_up.append) as backends:
        await tools.sql(backends.database_url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        await tools.ask(backends.valkey_url, "SET", "kept", "7")
        server = getattr(backends, name)
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        assert tools.eventually(lambda: server.pid not in (None, killed), within_s=RESTART_S)
        server.wait_ready(RESTART_S)
        assert await tools.sql(backends.database_url, "SELECT n FROM kept") == 7
        assert await tools.ask(backends.valkey_url, "GET", "kept") == "7"
        assert given_up == []


def test_server_that_keeps_dying_is_given_up_with_an_error(data, tools):
    told: list[EmbeddedError] = []
    backends = Supervisor(data, restart_limit=2, on_failure=told.append)
    backends.start()
    try:
        for _ in range(3):
            pid = backends.valkey.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            tools.eventually(lambda before=pid: backends.valkey.pid not in (None, before), within_s=1.0)
        assert tools.eventually(lambda: bool(told), within_s=RESTART_S)
        [failure] = told
        assert failure.code == "restarts_exhausted"
        assert "valkey.log" in failure.remedy
    finally:
        backends.stop()


def test_restarts_long_ago_do_not_count():
    restarts = supervisor._Restarts(2)
    for now in (0.0, 1.0):
        restarts.count(now)
    assert restarts.exhausted(59.0)
    assert not restarts.exhausted(60.5)


def test_restarts_wait_longer_each_time():
    restarts = supervisor._Restarts(5)
    assert restarts.due(10.0)
    restarts.count(10.0)
    assert not restarts.due(10.05)
    assert restarts.due(10.15)
    restarts.count(10.15)
    assert not restarts.due(10.3)


@pytest.mark.parametrize(
    ("tag", "found"),
    [("gongdao-0123", True), ("gongdao-4567", False), (None, False)],
)
@pytest.mark.usefixtures("as_root")
def test_server_whose_folder_is_hidden_is_known_by_its_tag_alone(tmp_path, monkeypatch, tag, found):
    """As in a container whose root may not look into other accounts' processes."""

    def hidden(*_):
        raise PermissionError

    monkeypatch.setattr(leftovers.os.path, "samestat", hidden)
    with subprocess.Popen(["gongdao-0123", "60"], executable="/bin/sleep", cwd=tmp_path) as server:
        try:
            time.sleep(0.05)
            assert (server.pid in leftovers.servers_in(tmp_path, names=("sleep",), tag=tag)) is found
        finally:
            server.kill()


def test_process_that_only_looks_like_a_leftover_is_spared(data):
    """A pid file proves nothing, nor does a working folder: an operator's shell may stand in the data folder."""
    first = ValkeyServer(data)
    first.start()
    first.stop()
    (data / "postgres" / "18").mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=data / "valkey") as bystander:
        (data / "valkey" / "valkey.pid").write_text(f"{bystander.pid}\n")
        first.start()
        first.wait_ready()
        assert bystander.poll() is None
        first.stop()
        assert bystander.poll() is None
        bystander.kill()
