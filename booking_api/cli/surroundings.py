"""What commands share: settings from the environment, and the servers of a running `gongdao serve`."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api import clock
from booking_api.cli import Unusable
from booking_api.embedded import EmbeddedError, embedded_backends
from booking_api.gate.limits import gate_library
from booking_api.settings import Settings, SettingsError, read_settings
from reservation import Kernel, watch
from reservation.database import create_engine

T = TypeVar("T")

ANSWER_TIMEOUT_S = 600.0
ADDRESSES_FILE = "addresses.json"


class Addresses(msgspec.Struct, frozen=True):
    """Where a running `gongdao serve` on embedded servers can be reached by commands on the same machine."""

    database_url: str
    valkey_url: str
    url: str


def settings_or_exit() -> Settings:
    """The environment's settings.

    Raises:
        Unusable: a variable cannot be used.
    """
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        raise Unusable(str(error).replace("\n", "; ")) from error


def write_addresses(data: Path, addresses: Addresses) -> None:
    """Leaves the addresses for other commands, readable by this user only."""
    path = data / ADDRESSES_FILE
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(addresses))


def read_addresses(settings: Settings) -> Addresses:
    """The servers to work on: the environment's, else those of a running `gongdao serve` with this data folder.

    Raises:
        Unusable: there are none.
    """
    url = f"http://{settings.host}:{settings.port}"
    if settings.database_url is not None and settings.valkey_url is not None:
        return Addresses(settings.database_url, settings.valkey_url, url)
    path = settings.data / ADDRESSES_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Addresses)
    except (OSError, msgspec.DecodeError):
        raise Unusable(
            f"nothing is running on {settings.data.resolve()}: start `gongdao serve`, "
            "or set GONGDAO_DATABASE_URL and GONGDAO_VALKEY_URL"
        ) from None


@contextmanager
def own_servers(settings: Settings) -> Generator[Addresses]:
    """The environment's servers, else embedded ones that run for the length of the block: nobody else may use them.

    Raises:
        EmbeddedError: `folder_in_use` while a `gongdao serve` runs on them, and others.
    """
    url = f"http://{settings.host}:{settings.port}"
    if settings.database_url is not None and settings.valkey_url is not None:
        yield Addresses(settings.database_url, settings.valkey_url, url)
        return
    with embedded_backends(settings.data) as backends:
        yield Addresses(backends.database_url, backends.valkey_url, url)


@contextmanager
def any_servers(settings: Settings) -> Generator[Addresses]:
    """The environment's servers, else those of a running `gongdao serve`, else embedded ones for the block.

    Raises:
        Unusable: no database was ever made here.
        EmbeddedError: the embedded servers cannot be started.
    """
    if settings.embedded and not (settings.data / "postgres").is_dir():
        raise Unusable(f"{settings.data.resolve()}: no database was ever made here")
    with ExitStack() as stack:
        try:
            addresses = stack.enter_context(own_servers(settings))
        except EmbeddedError as error:
            if error.code != "folder_in_use":
                raise
            addresses = read_addresses(settings)
        yield addresses


@asynccontextmanager
async def open_kernel(addresses: Addresses) -> AsyncGenerator[Kernel, None]:
    """A kernel for one command."""
    kernel = Kernel(
        create_engine(addresses.database_url, connections=4, answer_timeout_s=ANSWER_TIMEOUT_S),
        addresses.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
    )
    watch(kernel)
    await kernel.open()
    try:
        yield kernel
    finally:
        await kernel.close()


def on_database(
    work: Callable[[AsyncEngine], Coroutine[Any, Any, T]], *, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> T:
    """Runs a command's work on the database of this environment, on one connection.

    Raises:
        Unusable: there is no database, or it does not answer or refuses; the one line says what it said.
    """
    url = read_addresses(settings_or_exit()).database_url

    async def whole() -> T:
        engine = create_engine(url, connections=1, answer_timeout_s=answer_timeout_s)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(whole())
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        first_line = str(error).partition("\n")[0]
        raise Unusable(f"the database: {first_line}") from error
