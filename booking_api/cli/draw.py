"""`gongdao draw`: the stages of a draw, each by who does it, on files. Without a stage it ranks a list by a seed.

Operator: announce, freeze, finish, and `gongdao log append` after each. Contributors: contribute. Entrants: receipt. The plain ranking is
`python -m fairness draw`, which needs no server packages.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from booking_api import clock
from booking_api.ceremony.assembling import draw_entries, freeze_that_counts, size_of, write_evidence
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
from booking_api.ceremony.folders import LogFolder, log_at
from booking_api.ceremony.publishing import append
from booking_api.ceremony.receipts import Holder, holder_of, receipt_from_bundle, receipt_from_log
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
from booking_api.cli import ceremony_options as options
from fairness.__main__ import PROCESSES, main
from fairness.beacon import Chain
from fairness.canonical import NotCanonical, hex_of
from fairness.entrants import ID_HASH_BYTES
from fairness.entries import Announced, Beacon, Contributed, Entry, Frozen, Voided, write
from fairness.processes import scoring_with
from fairness.seed import freeze_hash

_COUNT = re.compile(r"[0-9]{1,10}")
_CHAIN = click.option("--chain", type=options.FILE, help="The beacon's chain (default: drand's quicknet).")
_LIST = click.option(
    "--list", "listed", type=options.FILE, required=True, help="The frozen list as it was published."
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
@options.out_option
def announce(*, out: Path, chain: Path | None, number: int, keys: Sequence[str], **names: str) -> int:
    """Write the announcement: one draw for this quota and period, one round, these contributors."""
    with options.told():
        try:
            contributors = tuple(bytes.fromhex(key) for key in keys)
        except ValueError as error:
            raise CeremonyUnusable(f"--contributor: {error}") from error
        beacon = Beacon(read_chain_file(chain).hash, number)
        options.write_new(out, _text(Announced(beacon=beacon, contributors=contributors, **names)))
    return 0


@command.command("freeze")
@click.option("--announcement", type=options.FILE, required=True)
@click.option("--entrants", type=options.FILE, required=True, help="CSV: id_hash,weight,category.")
@click.option("--place", "places", multiple=True, required=True, metavar="CATEGORY=K", help="How many win.")
@click.option("--code", default="00" * 32, help="SHA-256 of the rules as they were published.")
@click.option(
    "--list", "listed", type=options.FILE, required=True, help="The new file with the list to publish."
)
@options.out_option
def freeze_list(
    *, announcement: Path, entrants: Path, places: Sequence[str], code: str, listed: Path, out: Path
) -> int:
    """Freeze the list: write it as it is published, and the entry that binds it."""
    with options.told():
        announced = read_kind(options.read_entry(announcement), Announced)
        found = read_entrants_csv(entrants)
        try:
            frozen = freeze(announced, found, quotas=_quotas(places), code=bytes.fromhex(code))
        except ValueError as error:
            raise CeremonyUnusable(f"--code: {error}") from error
        text = _text(frozen)
        write_list(listed, found)
        options.write_new(out, text)
    click.echo(f"{frozen.entrants} entrants, {frozen.tickets} tickets, freeze {freeze_hash(text).hex()}")
    return 0


@command.command("contribute")
@click.option("--freeze", "frozen", type=options.FILE, required=True, help="The freeze's entry.")
@_LIST
@click.option("--secret", type=options.FILE, required=True, help="The contributor's key.")
@options.out_option
def contribute_proof(*, frozen: Path, listed: Path, secret: Path, out: Path) -> int:
    """Check the frozen list against the published one, and write a contributor's proof for it."""
    with options.told():
        text = options.read_entry(frozen)
        entrants = read_frozen_list(listed, read_kind(text, Frozen))
        options.write_new(out, _text(contribute(text, entrants, read_contributor_key(secret))))
    return 0


@command.command("void")
@click.option("--freeze", "frozen", type=options.FILE, help="The freeze's entry.")
@click.option("--announcement", type=options.FILE, help="Or the announcement's, where nothing was frozen.")
@click.option("--reason", required=True)
@options.out_option
def void(*, frozen: Path | None, announcement: Path | None, reason: str, out: Path) -> int:
    """Write the entry that voids a freeze or an announcement, for the log before the round is due.

    The same matter may then be announced under another name: `gongdao log monitor` names both, and the reason.
    """
    with options.told():
        if frozen is not None and announcement is None:
            text = options.read_entry(frozen)
            draw = read_kind(text, Frozen).draw
        elif announcement is not None and frozen is None:
            text = options.read_entry(announcement)
            draw = read_kind(text, Announced).draw
        else:
            raise CeremonyUnusable("say --freeze or --announcement, one of them")
        options.write_new(out, _text(Voided(draw, freeze_hash(text), reason)))
    return 0


@command.command("finish")
@options.log_option
@options.key_option
@options.trust_option
@click.option("--draw", required=True, help="The draw's name.")
@_LIST
@_CHAIN
@click.option("--beacon", type=options.FILE, help="The round as a file, instead of asking relays.")
@click.option("--relay", "relays", multiple=True, default=RELAYS, help="Where the round is asked for.")
@click.option("--processes", type=click.IntRange(1, 64), default=PROCESSES, show_default=True)
@options.out_option
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
    with options.told():
        log, policy, signing = LogFolder(folder), options.read_trust(trust), read_signing_key(key)
        found = draw_entries(log, size_of(log), draw=draw)
        counted, frozen = freeze_that_counts(found, draw=draw)
        of_chain = read_chain_file(chain)
        drawn_round = _round(of_chain, frozen.beacon.round, beacon, relays)
        concluded = finish(
            counted.text,
            read_frozen_list(listed, frozen),
            [one.entry for one in found if isinstance(one.entry, Contributed)],
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


@command.command("receipt")
@click.option("--bundle", type=options.FILE, help="The draw's evidence; or, from the freeze on:")
@click.option("--log", help="the log, a folder or an http(s) address,")
@click.option("--draw", help="the draw's name,")
@click.option("--list", "listed", type=options.FILE, help="and the frozen list as it was published.")
@click.option("--id", "entrant_id", help="The entrant's id, which will be in the receipt, as will the salt.")
@click.option("--salt", help="Their salt, 64 hex digits.")
@click.option("--id-hash", help="Their id_hash instead of both, for a receipt that names nobody.")
@options.out_option
def receipt(
    *,
    bundle: Path | None,
    log: str | None,
    draw: str | None,
    listed: Path | None,
    entrant_id: str | None,
    salt: str | None,
    id_hash: str | None,
    out: Path,
) -> int:
    """Write an entrant's receipt: their line in the frozen list with its proof, or their neighbours' if they have none.

    `gongdao receipt FILE` checks it.
    """
    with options.told():
        holder = _holder(entrant_id, salt, id_hash)
        if bundle is not None and (log, draw, listed) == (None, None, None):
            text = receipt_from_bundle(bundle, holder)
        elif bundle is None and log is not None and draw is not None and listed is not None:
            text = receipt_from_log(log_at(log), listed, holder, draw=draw)
        else:
            raise CeremonyUnusable("say --bundle alone, or --log, --draw and --list together")
        options.write_new(out, text)
    return 0


@command.command("demo-chain")
@click.argument("folder", type=options.FOLDER)
def demo_chain(*, folder: Path) -> int:
    """Make a demonstration's beacon in FOLDER. Whoever has its secret knows every round: it proves nothing."""
    with options.told():
        chain = new_demo_chain(folder, now_s=clock.now_s())
    click.echo(f"chain {chain.beacon_id} {chain.hash.hex()}")
    return 0


@command.command("demo-round")
@click.argument("folder", type=options.FOLDER)
@click.option("--round", "number", type=click.IntRange(1), required=True)
@options.out_option
def demo_round_of(*, folder: Path, number: int, out: Path) -> int:
    """Write a round of a demonstration's beacon, once it is due."""
    with options.told():
        options.write_new(out, demo_round(folder, number, now_s=clock.now_s()).removesuffix(b"\n"))
    return 0


def _holder(entrant_id: str | None, salt: str | None, id_hash: str | None) -> Holder:
    if entrant_id is not None and salt is not None and id_hash is None:
        return holder_of(entrant_id=entrant_id, salt=salt)
    if id_hash is None or entrant_id is not None or salt is not None:
        raise CeremonyUnusable("say --id and --salt together, or --id-hash alone")
    try:
        return Holder(hex_of(id_hash, ID_HASH_BYTES, "--id-hash: the id_hash"))
    except NotCanonical as error:
        raise CeremonyUnusable(str(error)) from error


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
        if not equals or not _COUNT.fullmatch(count) or category in quotas:
            raise CeremonyUnusable(f"--place: {place} is not CATEGORY=K, each category once")
        quotas[category] = int(count)
    return quotas


def _text(entry: Entry) -> bytes:
    """The entry's text; what a name or number in it cannot be is the caller's input."""
    try:
        return write(entry)
    except NotCanonical as error:
        raise CeremonyUnusable(str(error)) from error
