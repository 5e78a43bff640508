"""`gongdao draw`: the stages of a draw, each by who does it, on files. Without a stage it ranks a list by a seed.

Operator: announce, freeze, finish, and `gongdao log append` after each. Contributors: contribute. The plain ranking is
`python -m fairness draw`, which needs no server packages.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from booking_api import clock
from booking_api.ceremony.assembling import Found, draw_entries, size_of, write_evidence
from booking_api.ceremony.beacons import (
    RELAYS,
    Round,
    demo_round,
    from_file,
    from_relays,
    new_demo_chain,
    read_chain_file,
)
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import LogFolder
from booking_api.ceremony.publishing import append
from booking_api.ceremony.secret_files import read_contributor_key, read_signing_key
from booking_api.ceremony.stages import (
    contribute,
    finish,
    freeze,
    read_entrants_csv,
    read_frozen_list,
    read_kind,
    write_list,
)
from booking_api.cli.ceremony_options import (
    FILE,
    FOLDER,
    key_option,
    log_option,
    out_option,
    read_entry,
    read_trust,
    told,
    trust_option,
    write_new,
)
from fairness.__main__ import PROCESSES, main
from fairness.beacon import Chain
from fairness.canonical import NotCanonical
from fairness.entries import Announced, Beacon, Contributed, Entry, Frozen, Voided, write
from fairness.processes import scoring_with
from fairness.seed import freeze_hash

_CHAIN = click.option("--chain", type=FILE, help="The beacon's chain (default: drand's quicknet).")
_LIST = click.option(
    "--list", "listed", type=FILE, required=True, help="The frozen list as it was published."
)


class _Stages(click.Group):
    """Stages; anything else is the plain ranking, with its own options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hands what names no stage to `python -m fairness draw`."""
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            ctx.exit(main(["draw", *args], program="gongdao"))
        return super().parse_args(ctx, args)


@click.group("draw", cls=_Stages)
def command() -> None:
    """A draw that anyone can check: announce, freeze, contribute, finish.

    With --entrants FILE.csv --quota K --seed HEX [--category NAME] --out RESULT.json it ranks a list by a seed.
    """


@command.command("announce")
@click.option("--draw", required=True, help="The draw's name.")
@click.option("--authority", required=True)
@click.option("--quota", required=True, help="What is drawn for.")
@click.option("--period", required=True)
@_CHAIN
@click.option("--round", "number", type=click.IntRange(1), required=True, help="The beacon's round.")
@click.option(
    "--contributor", "keys", multiple=True, required=True, help="A VRF key, in the order of the seed."
)
@out_option
def announce(*, out: Path, chain: Path | None, number: int, keys: Sequence[str], **names: str) -> int:
    """Write the announcement: one draw for this quota and period, one round, these contributors."""
    with told():
        try:
            contributors = tuple(bytes.fromhex(key) for key in keys)
        except ValueError as error:
            raise CeremonyUnusable(f"--contributor: {error}") from error
        beacon = Beacon(read_chain_file(chain).hash, number)
        write_new(out, _text(Announced(beacon=beacon, contributors=contributors, **names)))
    return 0


@command.command("freeze")
@click.option("--announcement", type=FILE, required=True)
@click.option("--entrants", type=FILE, required=True, help="CSV: id_hash,weight,category.")
@click.option("--place", "places", multiple=True, required=True, metavar="CATEGORY=K", help="How many win.")
@click.option("--code", default="00" * 32, help="SHA-256 of the rules as they were published.")
@click.option("--list", "listed", type=FILE, required=True, help="The new file with the list to publish.")
@out_option
def freeze_list(
    *, announcement: Path, entrants: Path, places: Sequence[str], code: str, listed: Path, out: Path
) -> int:
    """Freeze the list: write it as it is published, and the entry that binds it."""
    with told():
        announced = read_kind(read_entry(announcement), Announced)
        found = read_entrants_csv(entrants)
        try:
            frozen = freeze(announced, found, quotas=_quotas(places), code=bytes.fromhex(code))
        except ValueError as error:
            raise CeremonyUnusable(f"--code: {error}") from error
        text = _text(frozen)
        write_list(listed, found)
        write_new(out, text)
    click.echo(f"{frozen.entrants} entrants, {frozen.tickets} tickets, freeze {freeze_hash(text).hex()}")
    return 0


@command.command("contribute")
@click.option("--freeze", "frozen", type=FILE, required=True, help="The freeze's entry.")
@_LIST
@click.option("--secret", type=FILE, required=True, help="The contributor's key.")
@out_option
def contribute_proof(*, frozen: Path, listed: Path, secret: Path, out: Path) -> int:
    """Check the frozen list against the published one, and write a contributor's proof for it."""
    with told():
        text = read_entry(frozen)
        entrants = read_frozen_list(listed, read_kind(text, Frozen))
        write_new(out, _text(contribute(text, entrants, read_contributor_key(secret))))
    return 0


@command.command("void")
@click.option("--freeze", "frozen", type=FILE, required=True, help="The freeze's entry.")
@click.option("--reason", required=True)
@out_option
def void(*, frozen: Path, reason: str, out: Path) -> int:
    """Write the entry that voids a freeze, for the log before the round is due."""
    with told():
        text = read_entry(frozen)
        draw = read_kind(text, Frozen).draw
        write_new(out, _text(Voided(draw, freeze_hash(text), reason)))
    return 0


@command.command("finish")
@log_option
@key_option
@trust_option
@click.option("--draw", required=True, help="The draw's name.")
@_LIST
@_CHAIN
@click.option("--beacon", type=FILE, help="The round as a file, instead of asking relays.")
@click.option("--relay", "relays", multiple=True, default=RELAYS, help="Where the round is asked for.")
@click.option("--processes", type=click.IntRange(1, 64), default=PROCESSES, show_default=True)
@out_option
def finish_draw(
    *,
    folder: Path,
    key: Path,
    trust: Path,
    draw: str,
    listed: Path,
    chain: Path | None,
    beacon: Path | None,
    relays: Sequence[str],
    processes: int,
    out: Path,
) -> int:
    """Take the round, compute the result, log it, and write the evidence bundle."""
    with told():
        log, policy, signing = LogFolder(folder), read_trust(trust), read_signing_key(key)
        freeze_text, frozen, contributions = _drawn(draw_entries(log, size_of(log), draw=draw), draw)
        of_chain = read_chain_file(chain)
        drawn_round = _round(of_chain, frozen.beacon.round, beacon, relays)
        concluded = finish(
            freeze_text,
            read_frozen_list(listed, frozen),
            contributions,
            chain=of_chain,
            beacon_round=drawn_round,
            scoring=scoring_with(processes),
        )
        append(log, signing, policy, [write(concluded.finished)])
        write_evidence(
            out,
            log,
            draw=draw,
            chain=of_chain,
            beacon_round=drawn_round,
            entrants=read_frozen_list(listed, frozen),
            concluded=concluded,
        )
    for category, outcome in concluded.finished.categories.items():
        click.echo(f"{category}: {outcome.winners} of {outcome.entrants} entrants")
    click.echo(f"evidence: {out}")
    return 0


@command.command("demo-chain")
@click.argument("folder", type=FOLDER)
def demo_chain(*, folder: Path) -> int:
    """Make a demonstration's beacon in FOLDER. Whoever has its secret knows every round: it proves nothing."""
    with told():
        chain = new_demo_chain(folder, now_s=clock.now_s())
    click.echo(f"chain {chain.beacon_id} {chain.hash.hex()}")
    return 0


@command.command("demo-round")
@click.argument("folder", type=FOLDER)
@click.option("--round", "number", type=click.IntRange(1), required=True)
@out_option
def demo_round_of(*, folder: Path, number: int, out: Path) -> int:
    """Write a round of a demonstration's beacon, once it is due."""
    with told():
        write_new(out, demo_round(folder, number, now_s=clock.now_s()).removesuffix(b"\n"))
    return 0


def _drawn(found: Sequence[Found], draw: str) -> tuple[bytes, Frozen, list[Contributed]]:
    """The freeze that counts, and the contributions in the log."""
    voided = {one.entry.freeze for one in found if isinstance(one.entry, Voided)}
    freezes = [
        (one.text, one.entry)
        for one in found
        if isinstance(one.entry, Frozen) and freeze_hash(one.text) not in voided
    ]
    if len(freezes) != 1:
        raise CeremonyRefused(f"the log has {len(freezes)} freezes of {draw} that count, there must be one")
    [(text, frozen)] = freezes
    return text, frozen, [one.entry for one in found if isinstance(one.entry, Contributed)]


def _round(chain: Chain, number: int, beacon: Path | None, relays: Sequence[str]) -> Round:
    if beacon is not None:
        return from_file(chain, number, beacon)
    wait_s = chain.time_of(number) - clock.now_s()
    if wait_s > 0:
        raise CeremonyRefused(f"round {number} is due in {wait_s} s")
    return from_relays(chain, number, relays)


def _quotas(places: Sequence[str]) -> dict[str, int]:
    quotas: dict[str, int] = {}
    for place in places:
        category, equals, count = place.rpartition("=")
        if not equals or not count.isdigit() or category in quotas:
            raise CeremonyUnusable(f"--place: {place} is not CATEGORY=K, each category once")
        quotas[category] = int(count)
    return quotas


def _text(entry: Entry) -> bytes:
    """The entry's text; what a name or number in it cannot be is the caller's input."""
    try:
        return write(entry)
    except NotCanonical as error:
        raise CeremonyUnusable(str(error)) from error
