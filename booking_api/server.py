"""The HTTP server process: Granian with the settings' number of workers. Run as `python -m booking_api.server`."""

import os

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server

from booking_api.log import configure
from booking_api.settings import read_settings

BACKLOG = 2_048
BACKPRESSURE = 8_192
"""Requests and open event streams one worker has at once; more wait in the backlog."""
DRAIN_S = 15
"""A stopping worker has this long to answer what it has accepted."""


def main(target: str = "booking_api.worker:create") -> None:
    """Serves until SIGTERM or SIGINT, then drains."""
    settings = read_settings(os.environ)
    configure(settings.log_format)
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


# Granian's workers import this module again under another name.
if __name__ == "__main__":
    main()
