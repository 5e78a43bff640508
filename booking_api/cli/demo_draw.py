"""`gongdao demo draw`: a whole ceremony on this machine, ending in a bundle that both verifiers take for what it is."""

import shutil
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from booking_api.ceremony.errors import CeremonyUnusable
from booking_api.cli import Unusable
from booking_api.demo.ceremony import CeremonyFailed, Played, play
from booking_api.demo.drill import drill

ENTRANTS_MOST = 3_000_000


@click.command("draw")
@click.option("--entrants", type=click.IntRange(30, ENTRANTS_MOST), default=100_000, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new folder for everything (default: a temporary one)."
)
@click.option(
    "--drill", "as_drill", is_flag=True, help="Use a real round of drand's quicknet, and made-up clocks."
)
def draw(*, entrants: int, out: Path | None, as_drill: bool) -> int:
    """Play a draw: operator, notary and witness as separate processes with their own keys, on a demonstration's beacon.

    A drill is quicker: it takes a real round that is long past, so that its bundle needs no --demo to be verified, but
    the trust file written beside it.
    """
    if out is not None and out.exists():
        raise Unusable(f"{out} is there already")
    folder = Path(tempfile.mkdtemp(prefix="gongdao-draw-")) if out is None else out
    console = Console(stderr=True)
    try:
        if as_drill:
            drilled = drill(folder / "drill", entrants=entrants)
            sys.stdout.write(f"evidence  {drilled.bundle}\ntrust     {drilled.trust}\n")
            return 0
        played = play(
            folder / "draw",
            entrants=entrants,
            say=lambda who, what: console.print(f"[bold]{who:>9}[/]  {what}"),
        )
    except (CeremonyFailed, CeremonyUnusable, OSError) as error:
        if out is None:
            shutil.rmtree(folder)
        raise Unusable(str(error)) from error
    _print(played)
    return 0


def _print(played: Played) -> None:
    sys.stdout.write(f"{played.accepted}\nwithout --demo:\n{played.refused}\n")
    sys.stdout.write(f"evidence  {played.bundle}\ntrust     {played.trust}\n")
