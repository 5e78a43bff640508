"""`gongdao serve`: supervises the embedded servers (or uses given ones), migrates, runs the HTTP server.

This process serves no request itself: it watches its children, serves `/metrics` on the private port, and stops all
in order: HTTP server (drained), Valkey, PostgreSQL. If it is killed, the kernel ends its children.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec
from prometheus_client import start_http_server
from sqlalchemy.exc import SQLAlchemyError

from booking_api.cli import Unusable
from booking_api.cli.surroundings import Addresses, settings_or_exit, write_addresses
from booking_api.demo.city import found_demo_city
from booking_api.embedded import EmbeddedError, embedded_backends, spawn_child
from booking_api.identity.shared_secrets import read_secret
from booking_api.identity.tokens import KeyFileError, make_key
from booking_api.log import configure
from booking_api.schema import migrate_platform
from booking_api.services import Service, ServiceUnusable, load_services
from booking_api.settings import Settings, is_loopback
from booking_api.supervision import make_registry
from booking_api.telemetry import TelemetryUnusable, check_telemetry
from reservation.database import SchemaError, create_engine
from reservation.errors import ReservationError

STOP_TIMEOUT_S = 25.0
WATCH_EVERY_S = 0.2


@click.command("serve")
@click.option("--demo", is_flag=True, help="Found the demo city if there is none, and offer demo sign-ins.")
def command(*, demo: bool) -> int:
    """Run the platform until Ctrl-C. Without server URLs in the environment, on embedded servers."""
    settings = settings_or_exit()
    configure(settings.log_format)
    if (demo or settings.demo_sign_ins) and not (settings.embedded and is_loopback(settings.host)):
        raise Unusable("demo sign-ins exist only on embedded servers bound to loopback")
    for port in (settings.port, settings.metrics_port):
        _check_port(settings.host if port == settings.port else "127.0.0.1", port)
    try:
        services = load_services()
        check_telemetry(os.environ)
    except (ServiceUnusable, TelemetryUnusable) as error:
        raise Unusable(" ".join(str(error).split())) from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    with ExitStack() as stack:
        try:
            settings = _with_servers(settings, stack, demo=demo, stop=stop)
            make_key(settings.key_file)
            _check_secrets(settings)
            asyncio.run(_prepare(settings, services, demo=demo))
        except (
            EmbeddedError,
            KeyFileError,
            SchemaError,
            ReservationError,
            OSError,
            SQLAlchemyError,
        ) as error:
            raise Unusable(" ".join(_first_lines(error).split())) from error
        return _serve(settings, stack, stop)


def _first_lines(error: Exception) -> str:
    """PostgreSQL's first line says what is wrong; those after it may quote rows."""
    said = str(error)
    return said.partition("\n")[0] if isinstance(error, SQLAlchemyError) else said


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unusable(
                f"{host}:{port} cannot be used ({error.strerror}): set GONGDAO_PORT or GONGDAO_METRICS_PORT"
            ) from error


def _with_servers(settings: Settings, stack: ExitStack, *, demo: bool, stop: threading.Event) -> Settings:
    if not settings.embedded:
        return settings
    backends = stack.enter_context(embedded_backends(settings.data, on_failure=lambda _: stop.set()))
    settings = msgspec.structs.replace(
        settings,
        database_url=backends.database_url,
        valkey_url=backends.valkey_url,
        demo_sign_ins=demo,
        # Nobody's gateway belongs to servers of a trial: whoever runs them reads the messages here.
        messages_file=settings.messages_file or settings.data / "messages.jsonl",
    )
    write_addresses(
        settings.data,
        Addresses(backends.database_url, backends.valkey_url, f"http://{settings.host}:{settings.port}"),
    )
    stack.callback((settings.data / "addresses.json").unlink, missing_ok=True)
    return settings


def _check_secrets(settings: Settings) -> None:
    """A worker could only end without a word about them."""
    for path in (
        settings.payments_key_file,
        settings.verification_key_file,
        settings.sms_key_file,
        settings.oidc_client_secret_file,
    ):
        if path is not None:
            read_secret(path)


async def _prepare(settings: Settings, services: Sequence[Service], *, demo: bool) -> None:
    assert settings.database_url is not None  # noqa: S101 - `_with_servers` filled it in
    engine = create_engine(settings.database_url, connections=2)
    try:
        await migrate_platform(engine, *(each.migrations for each in services if each.migrations))
    finally:
        await engine.dispose()
    if demo:
        await found_demo_city(settings)


def _serve(settings: Settings, stack: ExitStack, stop: threading.Event) -> int:
    counters = stack.enter_context(TemporaryDirectory(prefix="gongdao-metrics-"))
    server = spawn_child(
        [sys.executable, "-m", "booking_api.server"],
        death_signal=signal.SIGTERM,
        env=_environment(settings, counters),
    )
    stack.callback(_end, server)
    _serve_metrics(settings, stack, Path(counters))
    _announce(settings)
    while not stop.wait(WATCH_EVERY_S):
        if server.poll() is not None:
            click.echo(f"the HTTP server ended by itself with status {server.returncode}", err=True)
            return 1
    click.echo("stopping: requests are drained, then the servers end", err=True)
    return 0


def _serve_metrics(settings: Settings, stack: ExitStack, counters: Path) -> None:
    assert settings.database_url is not None  # noqa: S101 - `_with_servers` filled both in
    assert settings.valkey_url is not None  # noqa: S101
    registry, stores = make_registry(
        counters, database_url=settings.database_url, valkey_url=settings.valkey_url
    )
    stack.callback(stores.close)
    served, _ = start_http_server(settings.metrics_port, addr="127.0.0.1", registry=registry)
    stack.callback(served.shutdown)


def _environment(settings: Settings, counters: str) -> Mapping[str, str]:
    given = {
        "GONGDAO_DATA": str(settings.data),
        "GONGDAO_DATABASE_URL": settings.database_url or "",
        "GONGDAO_VALKEY_URL": settings.valkey_url or "",
        "GONGDAO_DEMO_SIGN_INS": "on" if settings.demo_sign_ins else "off",
        "GONGDAO_MESSAGES_FILE": str(settings.messages_file or ""),
        "PROMETHEUS_MULTIPROC_DIR": str(Path(counters)),
    }
    return {**os.environ, **given}


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _announce(settings: Settings) -> None:
    url = f"http://{settings.host}:{settings.port}"
    click.echo(f"\n  Gongdao 公道   {url}")
    click.echo(f"  metrics        http://127.0.0.1:{settings.metrics_port}/metrics")
    if settings.demo_sign_ins:
        click.echo(
            "  demo sign-ins  choose a demo applicant on the page, or: gongdao demo token --account applicant-1"
        )
        click.echo("  opening rush   gongdao demo rush")
    click.echo("  Ctrl-C stops\n")
