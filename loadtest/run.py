"""A whole load test in one command: a platform of its own, the clients, a crash if asked for, and the aftermath.

    python -m loadtest.run rush [--clients 2000] [--seats 500] [--kill-valkey-at 2]
    python -m loadtest.run pages [--clients 5000] [--seats 1000] [--page-share 0.5]
    python -m loadtest.run day  [--clients 60] [--seats 100] [--seconds 60]

Exit codes: 0 all agrees (and a rush has given out every seat, once), 1 something differs, 2 it could not be run.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from booking_api.cli import Unusable
from loadtest.campaign import SESSION_SIZE, Campaign, Result, perform
from loadtest.cli import run
from loadtest.journal import JournalUnusable
from loadtest.plan import CLIENTS_LIMIT, SECONDS_LIMIT
from loadtest.report import print_aftermath
from loadtest.stock import UNITS_LIMIT
from reservation.errors import ReservationError

IN_A_RUSH = frozenset({"full"})
"""The one refusal that a rush without a fault may give, whatever it asks for."""
IN_A_CRASH = frozenset({"hold_lost", "unavailable", "rebuilding", "busy"})
"""What Valkey's crash may add: come again, and holds that were best effort."""

_CLIENTS = click.IntRange(1, CLIENTS_LIMIT)
_SEATS = click.IntRange(1, SESSION_SIZE * UNITS_LIMIT)
_SECONDS = click.IntRange(5, SECONDS_LIMIT)


def _options(*, clients: int, seats: int, seconds: int, hold_ttl_s: int) -> Callable[[Any], Any]:
    """The options both commands have, with their own defaults."""
    options = [
        click.option("--clients", type=_CLIENTS, default=clients, help="Clients at the same time, at most."),
        click.option("--seats", type=_SEATS, default=seats, help=f"Seats, in sessions of {SESSION_SIZE}."),
        click.option(
            "--seconds", type=_SECONDS, default=seconds, help="The clients are sent home after this time."
        ),
        click.option(
            "--hold-ttl", type=click.IntRange(5, 600), default=hold_ttl_s, help="Seconds a hold lives."
        ),
        click.option(
            "--kill-valkey-at",
            type=click.FloatRange(0, SECONDS_LIMIT),
            help="Kill the embedded Valkey so many seconds after the opening.",
        ),
        click.option("--account-rate", help="The platform's GONGDAO_ACCOUNT_RATE, if not its default."),
        click.option("--network-rate", help="The platform's GONGDAO_NETWORK_RATE, if not its default."),
        click.option(
            "--keep", type=click.Path(path_type=Path), help="Run in this new folder and leave it there."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON."),
    ]

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group("loadtest", context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def command() -> None:
    """Load, and a check of what it left behind. Loopback only, on a platform started for it."""


@command.command("rush")
@_options(clients=2_000, seats=500, seconds=90, hold_ttl_s=15)
def rush(**asked: Any) -> int:
    """Everybody at the opening second, until the last seat is booked."""
    allowed = IN_A_RUSH if asked["kill_valkey_at"] is None else IN_A_RUSH | IN_A_CRASH
    return _carry_out(_campaign("opening_rush.py", asked, fill=True, allowed=allowed), asked)


@command.command("pages")
@_options(clients=5_000, seats=1_000, seconds=150, hold_ttl_s=30)
@click.option(
    "--page-share", type=click.FloatRange(0.01, 0.99), default=0.5, help="How many come through the pages."
)
def pages(**asked: Any) -> int:
    """Everybody at the opening second, half of them with browsers on the pages and half through the API."""
    campaign = _campaign("page_rush.py", asked, fill=True, allowed=IN_A_RUSH)
    return _carry_out(msgspec.structs.replace(campaign, page_share=asked["page_share"]), asked)


@command.command("day")
@_options(clients=60, seats=100, seconds=60, hold_ttl_s=5)
def day(**asked: Any) -> int:
    """A slow trickle with a mild peak; people who change their minds, click twice and repeat themselves."""
    return _carry_out(_campaign("ordinary_day.py", asked, fill=False, allowed=None), asked)


def _campaign(
    locust_file: str, asked: dict[str, Any], *, fill: bool, allowed: frozenset[str] | None
) -> Campaign:
    rates = {"GONGDAO_ACCOUNT_RATE": asked["account_rate"], "GONGDAO_NETWORK_RATE": asked["network_rate"]}
    return Campaign(
        locust_file=locust_file,
        clients=asked["clients"],
        seats=asked["seats"],
        seconds=asked["seconds"],
        hold_ttl_s=asked["hold_ttl"],
        kill_valkey_at_s=asked["kill_valkey_at"],
        fill=fill,
        allowed=allowed,
        limits={name: rate for name, rate in rates.items() if rate is not None},
    )


def _carry_out(campaign: Campaign, asked: dict[str, Any]) -> int:
    keep: Path | None = asked["keep"]
    if keep is not None and keep.exists():
        raise Unusable(f"{keep} is there already: a load test begins with nothing")
    folder = Path(tempfile.mkdtemp(prefix="gongdao-load-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    clean = False
    try:
        with Console(stderr=True).status("starting", spinner="dots") as status:
            result = perform(campaign, folder, status.update)
        clean = result.clean
    except ReservationError as error:
        raise Unusable(
            f"{error.facts.get('part', 'a server')} does not answer, so nothing is known"
        ) from error
    except JournalUnusable as error:
        raise Unusable(str(error)) from error
    finally:
        # What went wrong is looked into there; what went well is not worth its disk.
        if keep is None and clean:
            shutil.rmtree(folder)
        else:
            click.echo(f"data, logs and journals: {folder}", err=True)
    if asked["as_json"]:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        _print(Console(), result)
    return 0 if clean else 1


def _print(console: Console, result: Result) -> None:
    first, *later = result.waves
    facts = [
        ("at the same time, at most", f"{first.clients:,} clients for {result.seats:,} seats"),
        ("their last booking after", f"{result.done_after_s:.1f} s"),
    ]
    if first.crash is not None and result.back_after_s is not None:
        facts += [
            ("Valkey killed after", f"{(first.crash.at_ms - first.opened_ms) / 1000:.1f} s"),
            ("holds and confirms again", f"{result.back_after_s:.2f} s later"),
        ]
    facts += [("later, for what was free", f"{wave.clients:,} clients") for wave in later]
    print_aftermath(console, result.aftermath, facts=facts)
    left = result.seats - result.aftermath.stored_booked
    console.print(
        f"{result.aftermath.stored_booked:,} of {result.seats:,} seats are booked, {left:,} are free"
    )


if __name__ == "__main__":
    run(command)
