"""A load test from the first seat published to the last client's word checked. Imports nothing of Locust.

One platform, one pool; a wave of clients, perhaps a crash in the middle of it, then those who come later for what was
left, then the aftermath.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from booking_api.cli import Unusable
from loadtest.aftermath import examine
from loadtest.answers import back_after_ms, done_after_ms
from loadtest.journal import Line, read_journal
from loadtest.plan import CLIENTS_LIMIT, Plan
from loadtest.result import Aftermath
from loadtest.stage import Stage, running_stage
from loadtest.stock import publish, settle
from loadtest.visitors import sign_in_everybody, until_over
from loadtest.waves import Wave, run_wave
from reservation.sweep import CONFIRM_PATIENCE_S

SESSION_SIZE = 25
PUBLISH_TIMEOUT_S = 60.0
LATER_WAVES = 3
LATER_SECONDS = 30
LATER_FILE = "opening_rush.py"
SETTLE_MARGIN_S = 10.0
Say = Callable[[str], None]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    locust_file: str
    clients: int
    seats: int
    seconds: int
    hold_ttl_s: int
    kill_valkey_at_s: float | None
    fill: bool
    """Fill the places that the first wave left, and count any that stay free as a difference."""
    allowed: frozenset[str] | None
    limits: dict[str, str]
    page_share: float = 0.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. `done_after_s` is the opening to the last booking of the first wave."""

    clean: bool
    seats: int
    waves: list[Wave]
    done_after_s: float
    back_after_s: float | None
    aftermath: Aftermath


def perform(campaign: Campaign, folder: Path, say: Say) -> Result:
    """Runs it all in `folder`.

    Raises:
        Unusable: the platform or Locust could not be run.
        JournalUnusable, ReservationError: nothing is known of what the test left behind.
    """
    with running_stage(folder, limits=campaign.limits) as stage:
        # (1) publish: every place can be held before anybody comes
        say("publishing")
        pool = _publish(campaign, stage)
        # (2) the wave, with the crash in the middle of it
        say(f"{campaign.clients:,} clients")
        first = _plan(
            stage, folder, pool=pool, wave="first", clients=campaign.clients, seconds=campaign.seconds
        )
        if campaign.page_share:
            first = _with_browsers(stage, first, share=campaign.page_share)
        locust_file, kill_at_s = campaign.locust_file, campaign.kill_valkey_at_s
        waves = [run_wave(stage, first, locust_file=locust_file, kill_valkey_at_s=kill_at_s)]
        # (3) what came back is given out to those who come later
        if campaign.fill:
            waves += _fill(campaign, stage, folder, pool, say)
        # (4) the aftermath, while the platform runs
        say("aftermath")
        aftermath = asyncio.run(examine(stage.addresses, _journal(folder), allowed=campaign.allowed))
    return _result(campaign, read_journal(_journal(folder)), waves, aftermath)


def _publish(campaign: Campaign, stage: Stage) -> int:
    sizes, ttl_s = _sizes(campaign.seats), campaign.hold_ttl_s
    pool, stock = asyncio.run(publish(stage, sizes=sizes, hold_ttl_s=ttl_s, timeout_s=PUBLISH_TIMEOUT_S))
    if stock.free != campaign.seats:
        raise Unusable(f"{stock.free} of {campaign.seats} places can be held after {PUBLISH_TIMEOUT_S:g} s")
    return pool


def _result(
    campaign: Campaign, files: Sequence[Sequence[Line]], waves: list[Wave], aftermath: Aftermath
) -> Result:
    first = waves[0]
    back_ms = back_after_ms(files, since_ms=first.crash.at_ms) if first.crash else None
    given_out = not campaign.fill or aftermath.stored_booked == campaign.seats
    # A rush in which no page has booked anything has not tested the pages.
    on_pages = not campaign.page_share or aftermath.told_on_pages > 0
    return Result(
        clean=aftermath.clean and given_out and on_pages,
        seats=campaign.seats,
        waves=waves,
        done_after_s=done_after_ms(files, wave=first.name, opened_ms=first.opened_ms) / 1000,
        back_after_s=None if back_ms is None else back_ms / 1000,
        aftermath=aftermath,
    )


def _journal(folder: Path) -> Path:
    return folder / "journal"


def _fill(campaign: Campaign, stage: Stage, folder: Path, pool: int, say: Say) -> list[Wave]:
    waves: list[Wave] = []
    patience_s = campaign.hold_ttl_s + CONFIRM_PATIENCE_S + SETTLE_MARGIN_S
    while len(waves) < LATER_WAVES:
        say("waiting until abandoned holds have ended")
        left = asyncio.run(settle(stage, pool=pool, timeout_s=patience_s)).unbooked
        if left == 0:
            break
        wave, clients = f"later-{len(waves) + 1}", min(2 * left + 5, CLIENTS_LIMIT)
        say(f"{clients:,} more clients for {left:,} places")
        plan = _plan(stage, folder, pool=pool, wave=wave, clients=clients, seconds=LATER_SECONDS)
        everybody_books = msgspec.structs.replace(plan, abandoning_share=0.0, patient_share=1.0)
        waves.append(run_wave(stage, everybody_books, locust_file=LATER_FILE))
    return waves


def _plan(stage: Stage, folder: Path, *, pool: int, wave: str, clients: int, seconds: int) -> Plan:
    return Plan(
        wave=wave,
        url=stage.url,
        key_file=str(stage.key_file),
        journal=str(_journal(folder)),
        pool=pool,
        clients=clients,
        seconds=seconds,
    )


def _with_browsers(stage: Stage, plan: Plan, *, share: float) -> Plan:
    """The plan with this share of its clients signed in at the pages."""
    secret = secrets.token_hex(16)
    # Which numbers have a browser is Locust's to say: everybody has a session, and some use it.
    accounts = [f"{plan.wave}-{number}" for number in range(plan.clients)]
    asyncio.run(sign_in_everybody(stage, accounts=accounts, secret=secret, until=until_over(plan.seconds)))
    return msgspec.structs.replace(plan, page_share=share, secret=secret)


def _sizes(seats: int) -> list[int]:
    """Sessions of SESSION_SIZE, the last one with what is left."""
    full, rest = divmod(seats, SESSION_SIZE)
    return [SESSION_SIZE] * full + [rest] * (rest > 0)
