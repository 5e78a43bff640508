"""Logging for every process: one line per event on standard error, console or JSON. No personal data is logged."""

import logging
import sys

import structlog

from reservation.failure import Discreet


def configure(log_format: str) -> None:
    """Sets the root logger up once per process; `log_format` is console or json."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # Whoever logs, and whatever went wrong: no values out of the database.
    handler.addFilter(Discreet())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "httpx", "httpcore", "_granian", "granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
