"""What each server process runs: the application, measured. Granian calls `create` once per worker."""

import ctypes
import os
import signal

from litestar.types import ASGIApp

from booking_api.app import create_app
from booking_api.log import configure
from booking_api.metrics import Measured
from booking_api.settings import read_settings

_PR_SET_PDEATHSIG = 1


def create() -> ASGIApp:
    """The ASGI application of one worker, from the environment."""
    settings = read_settings(os.environ)
    configure(settings.log_format)
    # A killed server process must not leave workers behind that answer for nobody.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return Measured(create_app(settings))
