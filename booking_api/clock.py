"""The one place that reads the wall clock; everything else is handed a time."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """Whole seconds since 1970."""
    return time.time_ns() // 1_000_000_000


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def today() -> date:
    """The day it is in China (UTC+8, one zone, no summer time), where the authorities' days begin."""
    return now().astimezone(SHANGHAI).date()
