"""After the load: does PostgreSQL have exactly what clients were told, and do the invariants hold?

    python -m loadtest.aftermath --journal DIR [--json]

Reads the journals, then the database and Valkey of the running `gongdao serve` (GONGDAO_DATA), or of the servers in
GONGDAO_DATABASE_URL and GONGDAO_VALKEY_URL. Exit codes: 0 all agrees, 1 something differs, 2 unusable input.
Expects that nobody else booked in these pools: a booking that no client of the journal was told of is a difference.
"""

import asyncio
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from booking_api.cli import Unusable
from booking_api.cli.surroundings import Addresses, open_kernel, read_addresses, settings_or_exit
from loadtest.answers import count_answers, measure
from loadtest.cli import run
from loadtest.comparison import compare, count_units
from loadtest.journal import JournalUnusable, read_journal
from loadtest.report import print_aftermath
from loadtest.result import Aftermath, Broken
from loadtest.stored import read_stored
from loadtest.told import BOOKED, read_told
from reservation import audit
from reservation.errors import ReservationError

PAGE_KEY = "page-"
"""How the keys begin that the pages' forms bring for confirming."""


async def examine(addresses: Addresses, journal: Path, *, allowed: frozenset[str] | None = None) -> Aftermath:
    """Compares, counts and audits. With `allowed`, only these refusals are expected of any action.

    Raises:
        JournalUnusable: there is no journal, or it cannot be read.
        ReservationError: PostgreSQL or Valkey does not answer, so nothing is known.
    """
    files = read_journal(journal)
    told = read_told(files)
    async with open_kernel(addresses) as kernel:
        stored = await read_stored(kernel, pools=sorted(told.pools), accounts=sorted(told.accounts))
        findings = await audit(kernel)
    certain = [booking for booking in told.bookings.values() if booking.certain]
    active = sum(1 for row in stored.bookings.values() if row.state == BOOKED)
    return Aftermath(
        clients=len(told.accounts),
        requests=sum(1 for lines in files for line in lines if not line.asked),
        unanswered=told.unanswered,
        told_booked=sum(1 for booking in certain if booking.states == {BOOKED}),
        told_on_pages=sum(1 for booking in certain if booking.key.startswith(PAGE_KEY)),
        told_ended=sum(1 for booking in certain if BOOKED not in booking.states),
        unknown=sum(
            1 for booking in told.bookings.values() if not booking.certain or len(booking.states) > 1
        ),
        stored_booked=active,
        stored_ended=len(stored.bookings) - active,
        capacity=sum(unit.capacity for unit in stored.units.values()),
        units=count_units(told, stored),
        answers=count_answers(files, allowed=allowed),
        latencies=measure(files),
        differences=compare(told, stored),
        audit=[Broken(*finding) for finding in findings],
    )


@click.command("aftermath")
@click.option(
    "--journal",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder with the clients' journals.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
def command(*, journal: Path, as_json: bool) -> int:
    """Compare what clients were told with what is stored, then audit. Exit code 1 when anything differs."""
    addresses = read_addresses(settings_or_exit())
    try:
        aftermath = asyncio.run(examine(addresses, journal))
    except JournalUnusable as error:
        raise Unusable(str(error)) from error
    except ReservationError as error:
        raise Unusable(
            f"{error.facts.get('part', 'a server')} does not answer, so nothing is known"
        ) from error
    if as_json:
        told = {"clean": aftermath.clean, **msgspec.structs.asdict(aftermath)}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        print_aftermath(Console(), aftermath)
    return 0 if aftermath.clean else 1


if __name__ == "__main__":
    run(command)
