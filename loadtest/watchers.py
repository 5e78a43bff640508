"""Thousands of open pages on one worker: does it stay small, quick and right?

    python -m loadtest.watchers [--watchers 2000] [--seconds 60] [--holds-per-s 20]

Starts a platform of its own with one worker. Exit codes: 0 every watcher saw the last counts, no stream was lost, no
request refused and the worker did not grow; 1 one of these is not so; 2 it could not be run.
"""

import asyncio
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from booking_api.availability import WATCHERS_LIMIT
from booking_api.cli import Unusable
from booking_api.demo.rush import UnusableStageError, raise_file_limit
from booking_api.demo.wire import NoAnswerError
from loadtest.cli import run
from loadtest.stage import running_stage
from loadtest.stock import publish
from loadtest.watching import Latency, Say, Watched, watch_pool
from reservation.errors import ReservationError

SESSIONS = 20
SEATS = 50
HOLD_TTL_S = 60
PUBLISH_TIMEOUT_S = 60.0
GROWTH_LIMIT_MIB = 16.0
"""What a worker may grow by while it is watched: its allocator's own ups and downs, not a leak per event."""
LIMITS = {"GONGDAO_WORKERS": "1", "GONGDAO_NETWORK_RATE": "2000/8000"}


@click.command("watchers", context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--watchers", default=2_000, type=click.IntRange(1, WATCHERS_LIMIT), help="Open streams.")
@click.option("--seconds", default=60.0, type=click.FloatRange(1, 3_600), help="How long the counts change.")
@click.option("--holds-per-s", default=20.0, type=click.FloatRange(0.1, 200), help="Holds beside them.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, watchers: int, seconds: float, holds_per_s: float, as_json: bool) -> int:
    """Open pages that follow live counts, on one worker, and ordinary requests beside them."""
    folder = Path(tempfile.mkdtemp(prefix="gongdao-watch-"))
    good = False
    try:
        with Console(stderr=True).status("starting", spinner="dots") as status:
            seen = watch(
                folder, watchers=watchers, seconds=seconds, holds_per_s=holds_per_s, say=status.update
            )
        good = not wrongs(seen)
    except UnusableStageError as error:
        raise Unusable(str(error)) from error
    except ReservationError as error:
        raise Unusable(f"the platform does not answer: {error}") from error
    except ExceptionGroup as errors:
        # Of what runs at once, the first that failed has ended the others.
        if errors.subgroup((NoAnswerError, LookupError, TimeoutError)) is None:
            raise
        raise Unusable(f"it ended early: {errors.exceptions[0]!r}") from errors
    finally:
        if good:
            shutil.rmtree(folder)
        else:
            click.echo(f"data and log: {folder}", err=True)
    if as_json:
        sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")
    else:
        _print(Console(), seen)
    return 0 if good else 1


def watch(folder: Path, *, watchers: int, seconds: float, holds_per_s: float, say: Say) -> Watched:
    """Plays it all on a platform of its own in this folder.

    Raises:
        UnusableStageError, Unusable: it cannot be run here.
    """
    raise_file_limit(watchers)
    with (
        running_stage(folder, limits=LIMITS) as stage,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as asker,
    ):

        async def play() -> Watched:
            pool, _ = await publish(
                stage, sizes=[SEATS] * SESSIONS, hold_ttl_s=HOLD_TTL_S, timeout_s=PUBLISH_TIMEOUT_S
            )
            return await watch_pool(
                stage,
                pool,
                asker,
                watchers=watchers,
                seconds=seconds,
                holds_per_s=holds_per_s,
                say=say,
            )

        return asyncio.run(play())


def wrongs(seen: Watched) -> list[str]:
    """What is not as it should be, each in a few words."""
    found = {
        f"{seen.late:,} watchers have not seen the last counts": seen.late > 0,
        f"{seen.lost:,} streams were lost": seen.lost > 0,
        f"requests were refused: {seen.refused}": bool(seen.refused),
        f"the worker grew by {seen.growth_mib:.1f} MiB": seen.growth_mib > GROWTH_LIMIT_MIB,
        "nothing happened": seen.holds == 0 or seen.events == 0,
    }
    return [words for words, is_so in found.items() if is_so]


def _print(console: Console, seen: Watched) -> None:
    table = Table(title=f"{seen.watchers:,} watchers on one worker", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("seconds of changing counts", f"{seen.seconds:.0f}")
    table.add_row("holds", f"{seen.holds:,}")
    table.add_row("events received", f"{seen.events:,} ({seen.events_per_s:,.0f} a second)")
    table.add_row("worker's memory, nobody watching", f"{seen.start_mib:.1f} MiB")
    table.add_row("all streams open", f"{seen.connected_mib:.1f} MiB")
    table.add_row("in the end", f"{seen.end_mib:.1f} MiB")
    table.add_row("ordinary request, nobody watching", _latency(seen.alone))
    table.add_row("ordinary request, everybody watching", _latency(seen.during))
    console.print(table)
    found = wrongs(seen)
    for words in found:
        console.print(f"[red]{words}")
    if not found:
        console.print("[green]every watcher saw the last counts; nothing was lost or refused")


def _latency(seen: Latency) -> str:
    return f"median {seen.p50_ms:.1f}, 99 % {seen.p99_ms:.1f}, slowest {seen.max_ms:.1f} ms"


if __name__ == "__main__":
    run(command)
