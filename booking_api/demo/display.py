"""A rush to watch: a live panel on a terminal, plain lines elsewhere, and the closing table. Imports rich."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from booking_api.demo.rush import Reckoning
from booking_api.demo.tally import Latency, Outcome, Tally

FRAMES_PER_S = 5
LINES_EVERY_S = 1.0
RATE_WINDOW_S = 1.0

OUTCOMES = {
    Outcome.BOOKED: "booked a seat",
    Outcome.FULL: "refused, no seat left",
    Outcome.LEFT: "held, then let go",
    Outcome.GAVE_UP: "no answer in time",
    Outcome.FAILED: "unexpected answer",
}


class _Rate:
    """Requests per second over the last RATE_WINDOW_S."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = [(time.monotonic(), 0)]

    def of(self, requests: int) -> float:
        now = time.monotonic()
        self._marks.append((now, requests))
        while len(self._marks) > 2 and now - self._marks[1][0] >= RATE_WINDOW_S:
            del self._marks[0]
        then, before = self._marks[0]
        return (requests - before) / max(now - then, 1e-9)


@asynccontextmanager
async def shown(console: Console, tally: Tally) -> AsyncGenerator[None]:
    """Shows the tally while the block runs."""
    frames = _animate(console, tally) if console.is_terminal else _print_lines(console, tally)
    task = asyncio.create_task(frames, name="rush-display")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _animate(console: Console, tally: Tally) -> None:
    rate, started = _Rate(), time.monotonic()
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(_frame(tally, rate.of(tally.requests), time.monotonic() - started), refresh=True)
                await asyncio.sleep(1 / FRAMES_PER_S)
        finally:
            elapsed_s = time.monotonic() - started
            live.update(_frame(tally, tally.requests / elapsed_s, elapsed_s), refresh=True)


async def _print_lines(console: Console, tally: Tally) -> None:
    rate, started = _Rate(), time.monotonic()
    while True:
        await asyncio.sleep(LINES_EVERY_S)
        counts = (
            f"{time.monotonic() - started:5.1f} s  arrived {tally.arrived}  held {tally.holding}  "
            f"booked {len(tally.bookings)} of {tally.seats}  done {tally.finished} of {tally.clients}  "
            f"{rate.of(tally.requests):,.0f} requests/s"
        )
        console.print(counts, highlight=False, soft_wrap=True)


def _frame(tally: Tally, requests_per_s: float, elapsed_s: float) -> Panel:
    booked, places = len(tally.bookings), max(1, tally.seats)
    seats = Table.grid(padding=(0, 2), expand=True)
    seats.add_column(width=14)
    seats.add_column(ratio=1)
    seats.add_column(justify="right", width=16)
    seats.add_row(
        "booked", ProgressBar(places, booked, complete_style="green"), f"{booked:,} of {tally.seats:,}"
    )
    seats.add_row(
        "on hold", ProgressBar(places, tally.holding, complete_style="yellow"), f"{tally.holding:,}"
    )
    seats.add_row(
        "clients done",
        ProgressBar(tally.clients, tally.finished, complete_style="cyan"),
        f"{tally.finished:,} of {tally.clients:,}",
    )
    facts = Table.grid(padding=(0, 3))
    live = "?" if tally.free is None else f"{tally.free:,}"
    facts.add_row("live count", Text(f"{live} free", style="bold"), "let go", f"{tally.released:,}")
    facts.add_row("requests/s", Text(f"{requests_per_s:,.0f}", style="bold"), "elapsed", f"{elapsed_s:.1f} s")
    refused = ", ".join(f"{code} {count:,}" for code, count in sorted(tally.refused.items())) or "none yet"
    return Panel(
        Group(seats, "", facts, "", Text(f"refused  {refused}"), "", _latency_table(tally.latencies())),
        title="opening rush 开放预约",
        title_align="left",
        padding=(1, 2),
    )


def _latency_table(latencies: Mapping[str, Latency]) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="dim")
    table.add_column("step")
    for name in ("requests", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        table.add_column(name, justify="right", min_width=8)
    for step, times in latencies.items():
        figures = (times.p50_ms, times.p95_ms, times.p99_ms, times.max_ms)
        table.add_row(step, f"{times.requests:,}", *(f"{figure:,.1f}" for figure in figures))
    return table


def print_reckoning(console: Console, reckoning: Reckoning) -> None:
    """The closing tables: outcomes, latencies, refusals, and whether all of it is true."""
    console.print(
        f"\n{reckoning.clients:,} clients, {reckoning.seats:,} seats, unit {reckoning.unit} of pool {reckoning.pool}: "
        f"{reckoning.seconds:.1f} s, {reckoning.requests:,} requests, {reckoning.requests_per_s:,.0f}/s\n",
        highlight=False,
        soft_wrap=True,
    )
    outcomes = Table(box=None, padding=(0, 2), pad_edge=False, header_style="dim")
    outcomes.add_column("outcome")
    outcomes.add_column("clients", justify="right")
    for outcome, meaning in OUTCOMES.items():
        outcomes.add_row(meaning, f"{reckoning.outcomes[outcome]:,}")
    console.print(outcomes, "", _latency_table(reckoning.latencies), "")
    refused = ", ".join(f"{code} {count:,}" for code, count in reckoning.refused.items()) or "none"
    console.print(
        f"refused by code: {refused}\nrepeated {reckoning.repeats:,}, reconnected {reckoning.reconnects:,}, "
        f"stored {reckoning.stored:,} of {reckoning.capacity:,} places",
        highlight=False,
        soft_wrap=True,
    )
    for sentence in (*reckoning.wrong, *reckoning.audit):
        console.print(f"WRONG  {sentence}", style="bold red", highlight=False, soft_wrap=True)
    if not reckoning.wrong and not reckoning.audit:
        told = f"every one of {reckoning.stored:,} acknowledged bookings is stored, nothing oversold; audit clean"
        console.print(told, style="green", highlight=False, soft_wrap=True)


def console_for(*, as_json: bool) -> Console:
    """Standard output for people; standard error when standard output is for a program."""
    return Console(file=sys.stderr if as_json else sys.stdout)
