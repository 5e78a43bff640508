"""Both servers together: first start, later starts, exclusive use, where they can be reached."""

import os
import time
from pathlib import Path

import pytest

from booking_api.embedded import EmbeddedError, embedded_backends
from booking_api.embedded.folders import SOCKET_PATH_LIMIT_BYTES
from booking_api.embedded.postgres import PostgresServer


async def test_first_start_makes_both_usable(tmp_path: Path, tools):
    began = time.monotonic()
    with embedded_backends(tmp_path / "data") as backends:
        print(f"empty folder on disk to ready: {time.monotonic() - began:.2f} s")
        assert await tools.sql(backends.database_url, "SELECT 1") == 1
        await tools.ask(backends.valkey_url, "SET", "plate", "A12345")
        assert await tools.ask(backends.valkey_url, "GET", "plate") == "A12345"


async def test_second_start_reuses_the_data(data, tools):
    with embedded_backends(data) as backends:
        await tools.sql(
            backends.database_url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('公道')"
        )
        await tools.ask(backends.valkey_url, "SET", "kept", "yes")
    began = time.monotonic()
    with embedded_backends(data) as backends:
        print(f"second start to ready: {time.monotonic() - began:.2f} s")
        assert await tools.sql(backends.database_url, "SELECT word FROM kept") == "公道"
        assert await tools.ask(backends.valkey_url, "GET", "kept") == "yes"


def test_second_supervisor_on_a_folder_is_refused_with_the_holders_pid(data, parent_on, tools):
    parent = parent_on(data)
    pids = parent.wait_ready()
    with (
        pytest.raises(EmbeddedError, match=f"in use by process {parent.pid} ") as refused,
        embedded_backends(data),
    ):
        pytest.fail("two supervisors on one folder")
    assert refused.value.code == "folder_in_use"
    assert f"kill {parent.pid}" in refused.value.remedy
    assert tools.alive(pids["postgres"])
    assert tools.alive(pids["valkey"])


def test_lone_server_is_refused_on_a_folder_whose_server_runs(shared_backends):
    """Starting ends leftovers, so it must never get that far while the owner lives."""
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()} ") as refused:
        PostgresServer(shared_backends.data).start()
    assert refused.value.code == "folder_in_use"
    assert shared_backends.postgres.is_running()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
        ("jit", "off"),
        ("server_encoding", "UTF8"),
    ],
)
async def test_postgres_is_set_to_keep_what_it_acknowledged(shared_backends, tools, setting, value):
    assert await tools.sql(shared_backends.database_url, f"SHOW {setting}") == value


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("save", ""),
        ("maxmemory-policy", "noeviction"),
        ("enable-debug-command", "no"),
        ("port", "0"),
    ],
)
async def test_valkey_is_set_to_keep_its_claims(shared_backends, tools, setting, value):
    answer = await tools.ask(shared_backends.valkey_url, "CONFIG", "GET", setting)
    assert answer in ({setting: value}, [setting, value])


def test_sockets_are_closed_to_other_users(shared_backends):
    for server in (shared_backends.postgres, shared_backends.valkey):
        assert server.sockets.stat().st_mode & 0o007 == 0


async def test_data_path_too_long_for_a_socket_address_works(tmp_path: Path, tools):
    data = tmp_path.joinpath(*["deep-and-deeper-folder"] * 6, "data")
    with embedded_backends(data) as backends:
        for server in (backends.postgres, backends.valkey):
            assert len(os.fsencode(data / "run" / server.name / server.socket_name)) > SOCKET_PATH_LIMIT_BYTES
            assert len(os.fsencode(server.sockets / server.socket_name)) <= SOCKET_PATH_LIMIT_BYTES
        assert await tools.sql(backends.database_url, "SELECT 1") == 1
        assert await tools.ask(backends.valkey_url, "PING") in (True, "PONG")


def test_stop_leaves_no_process_and_no_socket(data, tools):
    with embedded_backends(data) as backends:
        pids = [backends.postgres.pid, backends.valkey.pid]
        sockets = [server.sockets / server.socket_name for server in (backends.postgres, backends.valkey)]
        assert all(path.is_socket() for path in sockets)
    assert not any(tools.alive(pid) for pid in pids)
    assert not any(path.exists() for path in sockets)
    assert not any(path.parent.exists() for path in sockets if not path.is_relative_to(data))
