"""`gongdao log`: keep a log, witness other people's, prove and check what is in one, watch one grow."""

import sys
from pathlib import Path

import click

from booking_api import clock
from booking_api.ceremony.assembling import entries_of, size_of
from booking_api.ceremony.beacons import read_chain_file
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import CHECKPOINT, LogFolder, LogServer, log_at
from booking_api.ceremony.monitoring import look_again
from booking_api.ceremony.publishing import append
from booking_api.ceremony.secret_files import read_signing_key
from booking_api.ceremony.witness import Witness, serve_witness
from booking_api.cli import ceremony_options as options
from fairness.log import LogRefused, check_tiles
from fairness.merkle import ProofRefused, inclusion_proof
from fairness.note import NoteRefused
from fairness.policy import Cosigned, Policy, check_checkpoint
from fairness.tiles import TileReader, TileRefused
from fairness.tlog_proof import TlogProof, format_tlog_proof

_PLACE = click.argument("log")


@click.group("log")
def command() -> None:
    """Transparency logs by C2SP's formats. LOG is a folder or an http(s) address."""


@command.command("append")
@options.log_option
@options.key_option
@options.trust_option
@click.argument("entries", nargs=-1, type=options.FILE)
def append_entries(*, folder: Path, key: Path, trust: Path, entries: tuple[Path, ...]) -> int:
    """Append entries, each a file, have the log witnessed and publish its checkpoint.

    Without entries the log is witnessed anew. The trust file's witnesses with an address are asked.
    """
    with options.told():
        texts = [options.read_entry(entry) for entry in entries]
        policy, signing = options.read_trust(trust), read_signing_key(key)
        first = append(LogFolder(folder), signing, policy, texts)
    for index, entry in enumerate(entries, first):
        click.echo(f"{index} {entry}")
    return 0


@command.command("witness")
@options.key_option
@options.trust_option
@click.option(
    "--state", type=options.FOLDER, required=True, help="Where the witness remembers what it has cosigned."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8100, show_default=True)
def witness(*, key: Path, trust: Path, state: Path, host: str, port: int) -> int:
    """Cosign the logs of the trust file as long as they only grow (c2sp.org/tlog-witness). Ctrl-C stops."""
    with options.told():
        logs = tuple(log.key for log in options.read_trust(trust).logs)
        one = Witness(read_signing_key(key), logs, LogFolder(state), now_s=clock.now_s)
        server = serve_witness(one, host=host, port=port)
    with server:
        click.echo(f"http://{host}:{server.server_port}")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
    return 0


@command.command("verify")
@_PLACE
@options.trust_option
def verify(*, log: str, trust: Path) -> int:
    """Check a whole log: every entry and tile against its checkpoint, and the checkpoint against the trust file."""
    with options.told():
        place = log_at(log)
        seen = _cosigned(place, options.read_trust(trust))
        try:
            check_tiles(place.read, size=seen.checkpoint.size, root=seen.checkpoint.root)
        except (LogRefused, TileRefused) as error:
            raise CeremonyRefused(str(error)) from error
    click.echo(f"{seen.checkpoint.origin}: {seen.checkpoint.size} entries, cosigned by {_names(seen)}")
    return 0


@command.command("prove")
@_PLACE
@options.trust_option
@click.option("--index", type=click.IntRange(0), required=True, help="Which entry.")
@options.out_option
def prove(*, log: str, trust: Path, index: int, out: Path) -> int:
    """Write a receipt (c2sp.org/tlog-proof) of an entry: proof that it is in the log, cosigned, for good."""
    with options.told():
        place = log_at(log)
        seen = _cosigned(place, options.read_trust(trust))
        try:
            proof = inclusion_proof(
                index, seen.checkpoint.size, TileReader(seen.checkpoint.size, place.read).hash_of
            )
        except ProofRefused as error:
            raise CeremonyUnusable(f"--index: {error}") from error
        except TileRefused as error:
            raise CeremonyUnusable(f"the log: {error}") from error
        note = (place.read(CHECKPOINT) or b"").decode()
        receipt = TlogProof(index=index, proof=tuple(proof), checkpoint=note)
        options.write_new(out, format_tlog_proof(receipt).removesuffix("\n").encode())
    return 0


@command.command("monitor")
@_PLACE
@options.trust_option
@click.option("--state", type=options.FOLDER, required=True, help="Where what was seen is remembered.")
@click.option(
    "--chain", "chains", type=options.FILE, multiple=True, help="A beacon's chain, beside drand's quicknet."
)
def monitor(*, log: str, trust: Path, state: Path, chains: tuple[Path, ...]) -> int:
    """Look at a log again: has it only grown, and does it tell of one draw for each matter? Prints what is new.

    A second freeze of a draw, and a second draw for the same authority, quota and period, are WRONG unless the first was
    voided before its round; then both are named, and why.
    """
    with options.told():
        place = log_at(log)
        policy = options.read_trust(trust)
        findings = look_again(
            place,
            _cosigned(place, policy),
            LogFolder(state),
            policy=policy,
            chains=[read_chain_file(chain) for chain in (None, *chains)],
        )
    for line in findings.new:
        click.echo(line)
    for line in findings.wrong:
        click.echo(f"WRONG {line}", err=True)
    return 1 if findings.wrong else 0


@command.command("entries")
@_PLACE
def entries(*, log: str) -> int:
    """Print every entry of a log with its index."""
    with options.told():
        place = log_at(log)
        for index, text in entries_of(place, size_of(place)):
            click.echo(f"{index} {text.decode(errors='backslashreplace')}")
    return 0


def _cosigned(place: LogFolder | LogServer, policy: Policy) -> Cosigned:
    """The log's checkpoint, if the trust file believes it.

    Raises:
        CeremonyUnusable: there is none.
        CeremonyRefused: it is not to be believed.
    """
    note = place.read(CHECKPOINT)
    if note is None:
        raise CeremonyUnusable("there is no log here: it has no checkpoint")
    try:
        return check_checkpoint(policy, note)
    except NoteRefused as error:
        raise CeremonyRefused(f"the log's checkpoint: {error}") from error


def _names(seen: Cosigned) -> str:
    return ", ".join(sorted(seen.times)) or "nobody"
