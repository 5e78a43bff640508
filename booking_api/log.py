"""Logging for every process: one line per event on standard error, console or JSON. No personal data is logged.

Every line of a request carries its `request_id`. Of what is given beside the sentence only the fields of access lines
are written: nobody adds a person's data by the way.
"""

import logging
import sys
from typing import TextIO

import structlog

from booking_api.access_lines import FIELDS
from booking_api.request_id import REQUEST_ID
from reservation.failure import Discreet

NOISY = ("alembic", "httpx", "httpcore", "_granian", "granian", "urllib3")
"""Libraries whose lines below a warning are of no use here, or carry whole URLs."""


def configure(log_format: str) -> None:
    """Sets the root logger up once per process; `log_format` is console or json."""
    root = logging.getLogger()
    root.handlers[:] = [make_handler(sys.stderr, log_format)]
    root.setLevel(logging.INFO)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def make_handler(stream: TextIO, log_format: str) -> logging.Handler:
    """What writes log lines as every process of ours does."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(allow=FIELDS),
        _add_request_id,
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # Whoever logs, and whatever went wrong: no values out of the database.
    handler.addFilter(Discreet())
    return handler


def _add_request_id(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event
