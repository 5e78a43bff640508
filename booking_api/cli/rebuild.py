"""`gongdao rebuild`: Valkey's view of pools made anew from PostgreSQL."""

import asyncio

import click
from rich.console import Console

from booking_api.cli import Unusable
from booking_api.cli.surroundings import Addresses, open_kernel, read_addresses, settings_or_exit
from reservation import rebuild
from reservation.errors import ReservationError


@click.command("rebuild")
@click.argument("pools", type=click.IntRange(min=1), nargs=-1)
@click.option("--all", "every", is_flag=True, help="All pools.")
def command(*, pools: tuple[int, ...], every: bool) -> None:
    """Rebuild POOLS (ids). Holds of these pools are lost, confirmed bookings never."""
    if bool(pools) == every:
        raise click.UsageError("name the pools by id, or --all")
    addresses = read_addresses(settings_or_exit())
    try:
        asyncio.run(_rebuild(addresses, pools))
    except ReservationError as error:
        facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
        raise Unusable(f"{error.sentence} ({facts})") from error


async def _rebuild(addresses: Addresses, pools: tuple[int, ...]) -> None:
    console = Console(stderr=True)
    async with open_kernel(addresses) as kernel:
        for pool_id in pools or [pool.id for pool in await kernel.read_pools()]:
            with console.status(f"pool {pool_id}") as status:

                def progress(claims: int, units: int, pool_id: int = pool_id) -> None:
                    status.update(f"pool {pool_id}: {units} units, {claims} claims loaded")

                done = await rebuild(kernel, pool_id=pool_id, progress=progress)
            if done is None:
                click.echo(f"pool {pool_id}: another process is rebuilding it")
            else:
                click.echo(f"pool {pool_id}: epoch {done.epoch}, {done.units} units, {done.claims} claims")
