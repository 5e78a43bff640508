"""Several Valkey processes of a test's own: a cluster of primaries and replicas, or one primary with one replica.

Imports `booking_api.embedded` and redis-py. All on 127.0.0.1.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot

from booking_api.embedded.valkey import ValkeyServer
from reservation.keys import fence_key
from tests.faults.worlds import eventually
from tests.ports import ours

BUS_OFFSET = 10_000
PORTS = ours(range(15_000, 25_000))
SLOTS = 16_384
NODE_TIMEOUT_MS = 800
FORMED_WITHIN_S = 30.0
PROMOTED_WITHIN_S = 20.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now, and whose cluster bus ports nobody uses either."""
    start = os.getpid() * 7 % len(PORTS)
    found: list[int] = []
    for port in PORTS[start:] + PORTS[:start]:
        if all(_is_free(number) for number in (port, port + BUS_OFFSET)):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def say(server: ValkeyServer, *command: Any) -> Any:
    """One command on one server."""
    async with Redis.from_url(server.url, decode_responses=True) as client:
        return await client.execute_command(*command)


async def facts(server: ValkeyServer, section: str) -> dict[str, Any]:
    async with Redis.from_url(server.url, decode_responses=True) as client:
        return await client.info(section)


class Shards:
    """Owns the servers; they are started and stopped together, and killed one by one by tests."""

    def __init__(self, folder: Path, *, count: int, config: dict[str, str]) -> None:
        self.servers = [
            ValkeyServer(folder / f"node-{n}", config=config, port=port)
            for n, port in enumerate(free_ports(count))
        ]

    async def start(self) -> None:
        for server in self.servers:
            server.start()
        for server in self.servers:
            await asyncio.to_thread(server.wait_ready)

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def url(self, *numbers: int) -> str:
        """One URL with these servers' addresses."""
        return "redis://" + ",".join(self.servers[n].url.removeprefix("redis://") for n in numbers)


async def form_cluster(folder: Path, *, primaries: int) -> Shards:
    """A cluster in which server `primaries + n` is the replica of server `n`."""
    config = {
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        "cluster-replica-validity-factor": "0",
        "repl-diskless-sync-delay": "0",
    }
    shards = Shards(folder, count=2 * primaries, config=config)
    await shards.start()
    servers = shards.servers
    bounds = [SLOTS * n // primaries for n in range(primaries + 1)]
    for n, server in enumerate(servers):
        await say(server, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        if n < primaries:
            await say(server, "CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
        if n:
            await say(server, "CLUSTER", "MEET", "127.0.0.1", servers[0].url.rpartition(":")[2])
    await eventually(lambda: _strangers(servers), within_s=FORMED_WITHIN_S)
    for n, server in enumerate(servers[primaries:]):
        await say(server, "CLUSTER", "REPLICATE", await say(servers[n], "CLUSTER", "MYID"))
    await eventually(lambda: unlinked(servers[primaries:]), within_s=FORMED_WITHIN_S)
    await eventually(lambda: _not_ok(servers), within_s=FORMED_WITHIN_S)
    return shards


async def form_pair(folder: Path) -> Shards:
    """Server 0 is the primary, server 1 its replica."""
    pair = Shards(folder, count=2, config={"repl-diskless-sync-delay": "0"})
    await pair.start()
    await follow(pair.servers[1], pair.servers[0])
    return pair


async def follow(replica: ValkeyServer, primary: ValkeyServer) -> None:
    """Makes it a replica and waits until it has everything."""
    await say(replica, "REPLICAOF", "127.0.0.1", primary.url.rpartition(":")[2])
    await eventually(lambda: unlinked([replica]), within_s=FORMED_WITHIN_S)


async def unlinked(replicas: Sequence[ValkeyServer]) -> list[str]:
    """Replicas that do not follow their primary yet."""
    found: list[str] = []
    for server in replicas:
        about = await facts(server, "replication")
        if about["role"] != "slave" or about["master_link_status"] != "up":
            found.append(f"{server.url}: {about['role']}")
    return found


async def role(server: ValkeyServer) -> str:
    return (await facts(server, "replication"))["role"]


async def _strangers(servers: Sequence[ValkeyServer]) -> list[str]:
    known = [len((await say(server, "CLUSTER", "NODES")).splitlines()) for server in servers]
    return [f"{server.url} knows {n}" for server, n in zip(servers, known, strict=True) if n < len(servers)]


async def _not_ok(servers: Sequence[ValkeyServer]) -> list[str]:
    return [
        server.url for server in servers if "cluster_state:ok" not in await say(server, "CLUSTER", "INFO")
    ]


def primary_of(pool: int, *, primaries: int) -> int:
    """Which of a fresh cluster's primaries has the pool's slot."""
    return key_slot(fence_key(pool).encode()) * primaries // SLOTS
