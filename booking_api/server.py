"""The HTTP server process: Granian with the settings' number of workers. Run as `python -m booking_api.server`."""

import logging
import os
import resource

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server

from booking_api.log import configure
from booking_api.settings import read_settings

log = logging.getLogger(__name__)

BACKLOG = 2_048
BACKPRESSURE = 8_192
"""Requests and open event streams one worker has at once; more wait in the backlog."""
SPARE_FILES = 512
"""What a worker opens beside its clients' connections, and more."""
DRAIN_S = 15
"""A stopping worker has this long to answer what it has accepted."""


def main(target: str = "booking_api.worker:create") -> None:
    """Serves until SIGTERM or SIGINT, then drains."""
    settings = read_settings(os.environ)
    configure(settings.log_format)
    allow_connections()
    Server(
        target,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        workers=settings.workers,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        workers_kill_timeout=DRAIN_S,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        websockets=False,
        log_enabled=False,
    ).serve()


def allow_connections() -> None:
    """Lets each worker have as many connections as it takes: shells and units often allow a thousand files.

    The limit is inherited by the workers. Where the system allows less, it is said once, and who comes later waits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = BACKPRESSURE + SPARE_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("a worker may open %d files; %d would be enough for every connection", allowed, wanted)


# Granian's workers import this module again under another name.
if __name__ == "__main__":
    main()
