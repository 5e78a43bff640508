"""The tables a person reads. Imports rich."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from loadtest.result import Aftermath

SHOWN_LIMIT = 20


def print_aftermath(console: Console, aftermath: Aftermath, *, facts: Sequence[tuple[str, str]] = ()) -> None:
    """Told against stored, answers by code, latencies, the audit, and one closing line. `facts` come first."""
    _print_bookings(console, aftermath, facts)
    _print_answers(console, aftermath)
    _print_latencies(console, aftermath)
    _print_differences(console, aftermath)
    audit = "clean, I1 to I4 hold" if not aftermath.audit else f"{len(aftermath.audit)} findings"
    told = "as told" if not aftermath.differences else f"{len(aftermath.differences)} differences"
    answers = "as expected" if not aftermath.unexpected else f"{len(aftermath.unexpected)} kinds unexpected"
    colour = "green" if aftermath.clean else "red"
    console.print(f"[{colour}]bookings {told}; answers {answers}; audit {audit}")


def _print_bookings(console: Console, aftermath: Aftermath, facts: Sequence[tuple[str, str]]) -> None:
    table = Table(title="What clients were told, and what is stored", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in facts:
        table.add_row(name, value)
    table.add_row("accounts", f"{aftermath.clients:,}")
    table.add_row("requests answered", f"{aftermath.requests:,}")
    table.add_row("requests cut off", f"{aftermath.unanswered:,}")
    table.add_row("booked, as told", f"{aftermath.told_booked:,}")
    if aftermath.told_on_pages:
        table.add_row("of these on pages", f"{aftermath.told_on_pages:,}")
    table.add_row("booked, as stored", f"{aftermath.stored_booked:,} of {aftermath.capacity:,} seats")
    table.add_row("cancelled or moved, as told", f"{aftermath.told_ended:,}")
    table.add_row("cancelled or moved, as stored", f"{aftermath.stored_ended:,}")
    table.add_row("outcome never learnt", f"{aftermath.unknown:,}")
    agreeing = sum(1 for unit in aftermath.units if unit.agrees)
    table.add_row("units whose counts agree", f"{agreeing:,} of {len(aftermath.units):,}")
    console.print(table)


def _print_answers(console: Console, aftermath: Aftermath) -> None:
    table = Table("action", "status", "code", title="Answers", title_justify="left")
    table.add_column("count", justify="right")
    table.add_column()
    for answer in aftermath.answers:
        note = "" if answer.expected else "[red]unexpected"
        table.add_row(answer.action, str(answer.status), answer.code, f"{answer.count:,}", note)
    console.print(table)


def _print_latencies(console: Console, aftermath: Aftermath) -> None:
    table = Table("action", title="Milliseconds to the answer, as clients saw it", title_justify="left")
    for name in ("count", "median", "95 %", "99 %", "slowest"):
        table.add_column(name, justify="right")
    for seen in aftermath.latencies:
        times = (seen.p50_ms, seen.p95_ms, seen.p99_ms, seen.max_ms)
        table.add_row(seen.action, f"{seen.count:,}", *(f"{time_ms:,.0f}" for time_ms in times))
    console.print(table)


def _print_differences(console: Console, aftermath: Aftermath) -> None:
    if aftermath.differences:
        table = Table("kind", "where", "told", "stored", title="Differences", title_justify="left")
        for difference in aftermath.differences[:SHOWN_LIMIT]:
            table.add_row(difference.kind, difference.where, difference.told, difference.stored)
        console.print(table)
    for broken in aftermath.audit[:SHOWN_LIMIT]:
        console.print(f"{broken.invariant}  {broken.where}: {broken.seen}", markup=False)
    hidden = max(0, len(aftermath.differences) - SHOWN_LIMIT) + max(0, len(aftermath.audit) - SHOWN_LIMIT)
    if hidden:
        console.print(f"... and {hidden:,} more; --json has all")
