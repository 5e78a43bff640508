"""What each server process runs: the application, observed. Granian calls `create` once per worker."""

import ctypes
import gc
import os
import signal

from litestar.types import ASGIApp

from booking_api.app import create_app
from booking_api.log import configure
from booking_api.observation import Observed
from booking_api.services import load_services
from booking_api.settings import read_settings
from booking_api.telemetry import open_tracing

_PR_SET_PDEATHSIG = 1

GC_ALLOCATIONS = 20_000
"""Container objects made before the youngest generation is looked at; the default of 700 is a few requests."""


def create() -> ASGIApp:
    """The ASGI application of one worker, from the environment."""
    settings = read_settings(os.environ)
    configure(settings.log_format)
    # A killed server process must not leave workers behind that answer for nobody.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    tracing = open_tracing(os.environ)
    app = Observed(
        create_app(settings, load_services(), tracing=tracing),
        trusted_proxies=settings.trusted_proxies,
        log_requests=settings.log_requests,
        tracing=tracing,
    )
    # What is loaded now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    return app
