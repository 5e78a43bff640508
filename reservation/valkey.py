"""Valkey or Redis behind one URL: a single server, a replicated set or a cluster. Imports redis-py and `lane`.

    unix:///run/valkey.sock        one server on a socket
    redis://a:6379                 one server, or any node of a cluster (found out on connecting)
    redis://a:6379,b:6379          a replicated set or a cluster: every address is tried, replicas are passed over

A lost connection is reconnected for ever with a growing pause; meanwhile calls fail at once with `Unavailable`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from reservation.errors import Unavailable
from reservation.functions import Library
from reservation.lane import Lane

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2.0
PAUSE_MIN_S = 0.05
PAUSE_MAX_S = 1.0
SLOTS = 16384

Address = str
"""A URL with one host, or a socket path."""


class ValkeyConfigurationError(ValueError):
    """The URL cannot be used; the message says why."""


def split_addresses(url: str) -> list[Address]:
    """One URL per host of a comma-separated list.

    >>> split_addresses("redis://:pw@a:1,b:2/0")
    ['redis://:pw@a:1/0', 'redis://:pw@b:2/0']

    Raises:
        ValkeyConfigurationError: another scheme than unix, redis, rediss, valkey or valkeys, or no host.
    """
    parts = urlsplit(url)
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(parts.scheme, parts.scheme)
    if scheme == "unix":
        return [url]
    if scheme not in {"redis", "rediss"}:
        raise ValkeyConfigurationError(
            f"GONGDAO_VALKEY_URL: scheme {parts.scheme!r} is not one of unix, redis, rediss, valkey, valkeys"
        )
    sign_in, at, hosts = parts.netloc.rpartition("@")
    if not all(hosts.split(",")):
        raise ValkeyConfigurationError("GONGDAO_VALKEY_URL: a host is missing")
    return [urlunsplit((scheme, f"{sign_in}{at}{host}", parts.path, "", "")) for host in hosts.split(",")]


class Valkey:
    """Owns a lane to every primary and keeps them connected."""

    def __init__(self, url: str, *, libraries: Sequence[Library]) -> None:
        self._addresses = split_addresses(url)
        self._libraries = libraries
        self._lanes: dict[Address, Lane] = {}
        self._slots: list[Address] = []
        self._single: Lane | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.on_connected: Callable[[], None] | None = None

    async def open(self) -> None:
        """Connects, waiting once round the addresses; a server that is down is tried again in the background."""
        await self._connect_all()
        self._keeper = asyncio.create_task(self._keep(), name="valkey-keeper")

    async def close(self) -> None:
        """Closes every lane."""
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
        self._lanes.clear()
        self._single = None

    def lane(self, key: str) -> Lane:
        """The lane to the primary that owns `key`.

        Raises:
            Unavailable: that primary is not connected now.
        """
        lane = self._single
        if lane is None and self._slots:
            lane = self._lanes.get(self._slots[key_slot(key.encode())])
        if lane is None or lane.closed:
            raise Unavailable(part="valkey")
        return lane

    def lanes(self) -> list[Lane]:
        """Every lane that is connected now."""
        return [lane for lane in self._lanes.values() if not lane.closed]

    def missing(self) -> bool:
        """True when a primary we need is not connected."""
        if self._slots:
            return any(self._gone(address) for address in set(self._slots))
        return self._single is None or self._single.closed

    def look_again(self) -> None:
        """Called when a server said that a key has moved: reads the cluster's map again soon."""
        self._changed.set()

    async def _keep(self) -> None:
        pause_s = PAUSE_MIN_S
        while True:
            if self.missing():
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
            else:
                pause_s = PAUSE_MIN_S
                await self._wait_for_change()
                # A resharding answers many calls with MOVED at once: one look at the map serves them all.
                await asyncio.sleep(PAUSE_MIN_S)
            self._changed.clear()
            await self._connect_all()

    async def _wait_for_change(self) -> None:
        waits = [asyncio.ensure_future(self._changed.wait())]
        waits += [asyncio.ensure_future(asyncio.shield(lane.done)) for lane in self._lanes.values()]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _connect_all(self) -> None:
        """Finds the primary among the addresses, or reads a cluster's map from the first node that answers."""
        before = self.lanes()
        await self._find_primaries()
        if self.on_connected is not None and any(lane not in before for lane in self.lanes()):
            self.on_connected()

    async def _find_primaries(self) -> None:
        for address in list(self._addresses):
            if not await self._reach(address):
                continue
            lane = self._lanes[address]
            if not lane.clustered:
                self._single = lane
                return
            try:
                slots = _slot_map(await lane.command("CLUSTER", "SLOTS"), like=address)
            except (ResponseError, Unavailable) as error:
                log.info("valkey cluster map from %s: %s", _public(address), error)
                continue
            if "" in slots:
                log.info("valkey cluster: some of the %d slots have no owner yet", SLOTS)
                continue
            for node in set(slots):
                await self._reach(node)
            self._slots = slots
            # Every node seen is a door to the map later, when the first one is gone.
            self._addresses = list(dict.fromkeys([*self._addresses, *slots]))
            for node in set(self._lanes) - set(slots) - {address}:
                await self._drop(node)
            return

    async def _reach(self, address: Address) -> bool:
        """Makes sure that a lane to this address is open. False: it is down, or a replica outside a cluster."""
        if not self._gone(address):
            return True
        await self._drop(address)
        connection = _new_connection(address)
        lane = None
        try:
            about = await _handshake(connection, self._libraries)
            if about is not None:
                lane = Lane(
                    connection,
                    run_id=about["run_id"],
                    clustered=about["cluster_enabled"] == "1",
                    libraries=self._libraries,
                    on_moved=self.look_again,
                )
        except (RedisError, OSError, TimeoutError, Unavailable) as error:
            log.info("valkey at %s: %s", _public(address), error)
        if lane is None:
            await connection.disconnect(nowait=True)
            return False
        self._lanes[address] = lane
        return True

    def _gone(self, address: Address) -> bool:
        return address not in self._lanes or self._lanes[address].closed

    async def _drop(self, address: Address) -> None:
        lane = self._lanes.pop(address, None)
        if lane is not None:
            await lane.close()


def _public(address: Address) -> str:
    return address.rpartition("@")[2]


def _new_connection(address: Address) -> AbstractConnection:
    from_url = cast("Callable[..., ConnectionPool]", ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType]
    pool = from_url(
        address, protocol=2, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=None, driver_info=None
    )
    return pool.make_connection()


async def _handshake(connection: AbstractConnection, libraries: Sequence[Library]) -> dict[str, str] | None:
    """Connects, asks who answers and loads the functions on a primary. None: a replica outside a cluster."""
    await connection.connect()
    await connection.send_command("INFO")
    read = cast("Callable[..., Awaitable[Any]]", connection.read_response)
    text = await read(timeout=CONNECT_TIMEOUT_S)
    if text is None:
        raise TimeoutError("INFO was not answered in time")
    lines: list[str] = text.decode().splitlines()
    about = {name: value for name, colon, value in (line.partition(":") for line in lines) if colon}
    if about["role"] != "master":
        return about if about["cluster_enabled"] == "1" else None
    for library in libraries:
        await connection.send_command("FUNCTION", "LOAD", library.code)
        try:
            if await read(timeout=CONNECT_TIMEOUT_S) is None:
                # Its answer is still to come, and would be taken for that of the first call.
                raise TimeoutError("FUNCTION LOAD was not answered in time")
        except ResponseError as error:
            if "already exists" not in str(error):
                raise
    return about


def _slot_map(ranges: list[Any], *, like: Address) -> list[Address]:
    """The owner of each of the 16,384 slots, from CLUSTER SLOTS; sign-in and scheme are the seed's."""
    parts = urlsplit(like)
    sign_in, at, _ = parts.netloc.rpartition("@")
    slots: list[Address] = [""] * SLOTS
    for first, last, primary, *_ in ranges:
        host, port = primary[0].decode() or parts.hostname, primary[1]
        address = urlunsplit((parts.scheme, f"{sign_in}{at}{host}:{port}", parts.path, "", ""))
        slots[first : last + 1] = [address] * (last - first + 1)
    return slots
