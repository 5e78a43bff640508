"""What each server process runs: the application, measured. Granian calls `create` once per worker."""

import ctypes
import gc
import os
import signal

from litestar.types import ASGIApp

from booking_api.app import create_app
from booking_api.log import configure
from booking_api.metrics import Measured
from booking_api.services import load_services
from booking_api.settings import read_settings

_PR_SET_PDEATHSIG = 1

GC_ALLOCATIONS = 20_000
"""Container objects made before the youngest generation is looked at; the default of 700 is a few requests."""


def create() -> ASGIApp:
    """The ASGI application of one worker, from the environment."""
    settings = read_settings(os.environ)
    configure(settings.log_format)
    # A killed server process must not leave workers behind that answer for nobody.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    app = Measured(create_app(settings, load_services()))
    # What is loaded now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    return app
