"""PostgreSQL and Valkey out of wheels, for one machine: `make run` needs no server of its own.

    with embedded_backends(Path("data")) as backends:
        serve(backends.database_url, backends.valkey_url)

Reads top-down: `supervisor` (lock, watch, restart, stop) over `postgres` and `valkey` (one `server` each), over
`cluster` (initdb, whole or not at all), `binaries`, `folders`, `accounts`, `leftovers` and `process` (children that
die with us). May import the standard library and msgspec; nothing else of ours.
"""

from booking_api.embedded.accounts import Account
from booking_api.embedded.errors import EmbeddedError, EmbeddedErrorCode
from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.process import spawn_child
from booking_api.embedded.supervisor import Supervisor, embedded_backends
from booking_api.embedded.valkey import ValkeyServer

__all__ = [
    "Account",
    "EmbeddedError",
    "EmbeddedErrorCode",
    "PostgresServer",
    "Supervisor",
    "ValkeyServer",
    "embedded_backends",
    "spawn_child",
]
