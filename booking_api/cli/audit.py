"""`gongdao audit`: do the invariants hold, now, on the live system?"""

import asyncio
import sys
from collections.abc import Callable

import click
import msgspec
from rich.console import Console

from booking_api.cli import Unusable
from booking_api.cli.surroundings import Addresses, open_kernel, read_addresses, settings_or_exit
from reservation import Finding, audit
from reservation.errors import ReservationError


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(*, as_json: bool) -> int:
    """Check the invariants on a live system; names what breaks one. Exit code 1 when something does."""
    addresses = read_addresses(settings_or_exit())
    console = Console(stderr=True)
    with console.status("audit", spinner="dots") as status:
        try:
            findings = asyncio.run(_audit(addresses, status.update))
        except ReservationError as error:
            facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
            raise Unusable(f"nothing is known: {error.sentence} ({facts})") from error
    if as_json:
        told = {"clean": not findings, "findings": [finding._asdict() for finding in findings]}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        for finding in findings:
            click.echo(f"{finding.invariant}  {finding.where}: {finding.seen}")
        click.echo("audit: clean, I1 to I4 hold" if not findings else f"audit: {len(findings)} findings")
    return 1 if findings else 0


async def _audit(addresses: Addresses, progress: Callable[[str], None]) -> list[Finding]:
    async with open_kernel(addresses) as kernel:
        return await audit(kernel, progress=progress)
