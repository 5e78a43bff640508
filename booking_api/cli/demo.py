"""`gongdao demo`: the demo city, demo tokens, and an opening rush to watch. Only against a demo that runs here."""

import asyncio
import http.client
import sys
from contextlib import closing
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console

from booking_api import clock
from booking_api.cli import Unusable
from booking_api.cli.demo_draw import draw
from booking_api.cli.surroundings import (
    Addresses,
    on_database,
    open_kernel,
    read_addresses,
    settings_or_exit,
)
from booking_api.demo.applicants import applicant
from booking_api.demo.city import Founded, found
from booking_api.demo.display import console_for, print_reckoning, shown
from booking_api.demo.people import able_people, add_learners, first_number_at
from booking_api.demo.rush import (
    CLIENTS_MOST,
    Reckoning,
    Rush,
    UnusableStageError,
    find_session,
    gather_crowd,
    play,
    raise_file_limit,
    reckon,
    settle_crowd,
    stage_session,
)
from booking_api.demo.tally import Tally
from booking_api.demo.wire import NoAnswerError, Origin
from booking_api.identity.tokens import KeyFileError, issue_token, load_key
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.settings import Settings
from reservation.errors import ReservationError

ASK_TIMEOUT_S = 5.0
SEATS_MOST = 10_000


@click.group("demo")
def command() -> None:
    """A demo city, demo tokens, an opening rush to watch, and a draw."""


command.add_command(draw)


@command.command("city")
def city() -> None:
    """Found the demo city on the running embedded servers; adds only what is missing."""
    settings = settings_or_exit()
    if not settings.embedded:
        raise Unusable("the demo city is founded on embedded servers only, never beside real pools")
    try:
        founded = asyncio.run(_found(read_addresses(settings)))
    except ReservationError as error:
        raise Unusable(_told(error)) from error
    if founded.pools:
        click.echo(f"demo city: {founded.pools} pools with {founded.units} sessions and windows added")
    else:
        click.echo("demo city: it is there, nothing added")


async def _found(addresses: Addresses) -> Founded:
    async with open_kernel(addresses) as kernel:
        return await found(kernel, founding_day=clock.today())


@command.command("learners")
@click.option("--count", default=200, show_default=True, type=click.IntRange(1, CLIENTS_MOST))
@click.option("--school", required=True, help="The school they let book for them; it must be registered.")
@click.option("--subject", default=1, show_default=True, type=click.IntRange(1, 4))
@click.option("--json", "as_json", is_flag=True, help="Print the accounts as JSON.")
def learners(*, count: int, school: str, subject: int, as_json: bool) -> None:
    """Add verified learners of C1 whom no rule keeps from SUBJECT, each with consent for SCHOOL."""
    settings = settings_or_exit()
    addresses = read_addresses(settings)
    _require_demo(addresses.url)
    now_ms = clock.now_ms()
    people = able_people(
        [f"learner-{now_ms:x}-{number}" for number in range(count)],
        first_number=first_number_at(now_ms),
        subject=subject,
        vehicle_class="C1",
        today=clock.today(),
    )
    try:
        on_database(lambda engine: add_learners(engine, people, school=school, subject=subject))
    except UnknownOrganisation as error:
        raise Unusable(f"--school: there is no school {school!r}") from error
    accounts = [person.account for person in people]
    if as_json:
        sys.stdout.write(msgspec.json.encode(accounts).decode() + "\n")
    else:
        click.echo(f"{count:,} learners: {accounts[0]} to {accounts[-1]}")


@command.command("token")
@click.option(
    "--account", required=True, help="Whose token: somebody of /demo/applicants, or any name of yours."
)
@click.option(
    "--vehicle", "vehicles", multiple=True, help="A number plate the token vouches for; may be repeated."
)
@click.option(
    "--hours", default=12, show_default=True, type=click.IntRange(1, 24 * 30), help="How long it is good."
)
def token(*, account: str, vehicles: tuple[str, ...], hours: int) -> None:
    """Print a bearer token for the demo that runs here."""
    settings = settings_or_exit()
    _require_demo(read_addresses(settings).url)
    person = applicant(account)
    try:
        key = load_key(settings.key_file)
        text = issue_token(
            key,
            account=account,
            now_s=clock.now_s(),
            life_s=hours * 3_600,
            verified=person is None or person.verified,
            roles=person.roles if person is not None else (),
            vehicles=vehicles,
        )
    except (KeyFileError, ValueError) as error:
        raise Unusable(str(error)) from error
    click.echo(text)


@command.command("rush")
@click.option("--clients", default=2_000, show_default=True, type=click.IntRange(1, CLIENTS_MOST))
@click.option(
    "--unit", type=click.IntRange(min=1), help="A demo session to rush for; without it a fresh one."
)
@click.option(
    "--seats", default=500, show_default=True, type=click.IntRange(1, SEATS_MOST), help="Of a fresh session."
)
@click.option("--seed", default=1, show_default=True, help="Who hesitates, who lets go, who comes when.")
@click.option("--json", "as_json", is_flag=True, help="Print the reckoning as JSON.")
def rush(*, clients: int, unit: int | None, seats: int, seed: int, as_json: bool) -> int:
    """Play an opening rush over HTTP against the demo that runs here, and check what it left behind.

    Exit code 1 when a booking is lost, a seat oversold, an answer unexpected, or the audit finds something.
    """
    settings = settings_or_exit()
    addresses = read_addresses(settings)
    _require_demo(addresses.url)
    console = console_for(as_json=as_json)
    try:
        raise_file_limit(clients)
        reckoning = asyncio.run(
            _rush(settings, addresses, console, clients=clients, unit=unit, seats=seats, seed=seed)
        )
    except (UnusableStageError, KeyFileError, NoAnswerError) as error:
        raise Unusable(str(error)) from error
    except ReservationError as error:
        raise Unusable(_told(error)) from error
    if as_json:
        sys.stdout.write(msgspec.json.encode(reckoning).decode() + "\n")
    else:
        print_reckoning(console, reckoning)
    return 1 if reckoning.wrong or reckoning.audit else 0


async def _rush(
    settings: Settings,
    addresses: Addresses,
    console: Console,
    *,
    clients: int,
    unit: int | None,
    seats: int,
    seed: int,
) -> Reckoning:
    origin = _origin(addresses.url)
    async with open_kernel(addresses) as kernel:
        if unit is None:
            stage = await stage_session(kernel, seats=seats, today=clock.today())
        else:
            stage = await find_session(kernel, unit=unit)
        now_ms = clock.now_ms()
        play_this = Rush(
            pool=stage.pool,
            unit=stage.unit,
            clients=clients,
            seats=stage.seats,
            seed=seed,
            tag=f"{now_ms:x}",
        )
        await settle_crowd(kernel, play_this, stage, now_ms=now_ms, today=clock.today())
        tally = Tally(clients=clients, seats=seats)
        crowd = gather_crowd(
            play_this, key=load_key(settings.key_file), now_s=clock.now_s(), host=origin.host
        )
        console.print(
            f"{clients:,} clients for {stage.seats:,} seats of unit {stage.unit}: {addresses.url}",
            highlight=False,
        )
        async with shown(console, tally):
            seconds = await play(play_this, crowd, origin, tally=tally)
        with console.status("reckoning") as status:
            return await reckon(kernel, play_this, tally, seconds=seconds, progress=status.update)


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    # A name may mean either family; the crowd's source addresses are IPv4.
    host = "127.0.0.1" if parts.hostname in {None, "localhost"} else str(parts.hostname)
    return Origin(host, parts.port or 80)


def _require_demo(url: str) -> None:
    """Refuses to sign tokens for anything but a demo that runs.

    Raises:
        Unusable: nothing runs there, or it is no demo.
    """
    origin = _origin(url)
    try:
        with closing(
            http.client.HTTPConnection(origin.host, origin.port, timeout=ASK_TIMEOUT_S)
        ) as connection:
            connection.request("GET", "/demo/applicants")
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unusable(f"{url} does not answer: start `gongdao serve --demo`") from error
    if status != 200:
        raise Unusable(f"{url} is not a demo (it answers {status}): start it with `gongdao serve --demo`")


def _told(error: ReservationError) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
    return f"{error.sentence} ({facts})" if facts else error.sentence
