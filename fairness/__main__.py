"""`python -m fairness`: what an auditor runs, with this package's few dependencies alone.

    python -m fairness verify BUNDLE [--trust FILE] [--demo] [--json]
    python -m fairness receipt FILE [--bundle BUNDLE] [--trust FILE] [--demo] [--json]
    python -m fairness beacon --round N --signature HEX
    python -m fairness draw --entrants FILE.csv --quota K --seed HEX [--category NAME] --out RESULT.json
    python -m fairness check PROBLEM.json RESULT.json [--after RESULT.json] [--seed HEX] [--json]

Exit codes: 0 good, 1 the thing checked is false, 2 unusable input. No network.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

from fairness.beacon import QUICKNET, BeaconRefused, verify_round
from fairness.canonical import NotCanonical, encode, hex_of
from fairness.draw import rank
from fairness.plain import ListUnusable, read_list, result_of
from fairness.policy import Policy, PolicyUnusable, parse_policy
from fairness.processes import scoring_with
from fairness.receipt_steps import RECEIPT_STEPS, ReceiptRefused, check_receipt
from fairness.receipt_words import facts_of, sentences_of
from fairness.rounds import command as check_command
from fairness.seed import category_seed
from fairness.verify import STEPS, Refused, Verified, silent, verify

DEFAULT_TRUST = f"chain quicknet {QUICKNET.hash.hex()}\nquorum none\n"
PROCESSES = 2
_BAR = 30
_ROUND_LIMIT = 2**63
_QUOTA_LIMIT = 2**32


class Unusable(Exception):
    """Input that cannot be used; the message says what would be right."""


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m fairness") -> int:
    """Runs a command and gives its exit code; input that cannot be used is one line on standard error."""
    asked = _parser(program).parse_args(arguments)
    try:
        code: int = asked.run(asked)
    except Unusable as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    return code


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        program, description="Checks draws and rounds, offline and without trusting anybody."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_verify(commands.add_parser("verify", help="Is this draw what it says it is?"))
    _add_receipt(
        commands.add_parser("receipt", help="Is somebody in a draw's list, and what became of them?")
    )
    _add_beacon(commands.add_parser("beacon", help="Is this signature the round's?"))
    _add_draw(commands.add_parser("draw", help="Rank a list by a seed."))
    check = commands.add_parser("check", help="Is a round's result what the rule promises?")
    check_command.add_options(check)
    check.set_defaults(run=check_command.run)
    return parser


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.description = "Verifies an evidence bundle; names the first step that fails."
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    _add_auditing(parser)
    parser.set_defaults(run=_verify)


def _add_receipt(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Checks an entrant's receipt: their line in the frozen list, or that they have none; with the draw's bundle "
        "also what became of them."
    )
    parser.add_argument("receipt", type=Path, metavar="FILE")
    parser.add_argument("--bundle", type=Path, metavar="BUNDLE", help="the draw's evidence")
    _add_auditing(parser)
    parser.set_defaults(run=_receipt)


def _add_auditing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust", type=Path, metavar="FILE", help="whom you believe (default: drand quicknet alone)"
    )
    parser.add_argument(
        "--demo", action="store_true", help="accept a demonstration's beacon, marking every line"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--processes", type=int, default=PROCESSES, help="for the ranking (default: %(default)s)"
    )


def _add_beacon(parser: argparse.ArgumentParser) -> None:
    parser.description = "Verifies a round of drand quicknet and prints its randomness."
    parser.add_argument("--round", type=int, required=True, metavar="N")
    parser.add_argument("--signature", required=True, metavar="HEX")
    parser.set_defaults(run=_beacon)


def _add_draw(parser: argparse.ArgumentParser) -> None:
    parser.description = "Ranks the entrants of a CSV file (columns id_hash,weight) by a seed."
    parser.add_argument("--entrants", type=Path, required=True, metavar="FILE.csv")
    parser.add_argument("--quota", type=int, required=True, metavar="K")
    parser.add_argument("--seed", required=True, metavar="HEX", help="the draw's seed, 64 hex digits")
    parser.add_argument("--category", default="", metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="RESULT.json")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="default: %(default)s")
    parser.set_defaults(run=_draw)


def _verify(asked: argparse.Namespace) -> int:
    policy = _policy(asked.trust)
    progress = _bar if sys.stderr.isatty() else silent
    try:
        with asked.bundle.open("rb") as source:
            found = verify(
                source,
                policy,
                demo=asked.demo,
                scoring=scoring_with(asked.processes),
                progress=progress,
            )
    except OSError as error:
        raise Unusable(f"{asked.bundle}: {error.strerror or error}") from error
    except Refused as refused:
        _say_refused(refused, STEPS, as_json=asked.json)
        return 1
    _say_verified(found, as_json=asked.json)
    return 0


def _say_verified(found: Verified, *, as_json: bool) -> None:
    if as_json:
        told = {
            "verified": True,
            "demo": found.demo,
            "draw": found.draw,
            "seed": found.seed.hex(),
            "steps": dict(zip(STEPS, found.notes, strict=True)),
            "categories": {
                name: {**one._asdict(), "cutoff": one.cutoff.hex()} for name, one in found.outcomes.items()
            },
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    mark = "DEMONSTRATION  " if found.demo else ""
    for number, (name, note) in enumerate(zip(STEPS, found.notes, strict=True)):
        sys.stdout.write(f"{mark}({number}) {name:<14}{note}\n")
    for category, one in found.outcomes.items():
        sys.stdout.write(
            f"{mark}{category}: {one.winners} of {one.entrants} entrants, {one.tickets} tickets\n"
        )
    end = (
        "The procedure holds; its beacon is a demonstration and proves nothing."
        if found.demo
        else "Verified."
    )
    sys.stdout.write(f"{mark}{end}\n")


def _receipt(asked: argparse.Namespace) -> int:
    policy = _policy(asked.trust)
    try:
        text = asked.receipt.read_bytes()
        with nullcontext() if asked.bundle is None else asked.bundle.open("rb") as bundle:
            checked = check_receipt(
                text,
                policy,
                bundle=bundle,
                demo=asked.demo,
                scoring=scoring_with(asked.processes),
                progress=_bar if sys.stderr.isatty() else silent,
            )
    except OSError as error:
        raise Unusable(f"{error.filename}: {error.strerror or error}") from error
    except ReceiptRefused as refused:
        _say_refused(refused, RECEIPT_STEPS, as_json=asked.json)
        return 1
    if asked.json:
        sys.stdout.write(json.dumps(facts_of(checked), ensure_ascii=False) + "\n")
        return 0
    mark = "DEMONSTRATION  " if checked.draw is not None and checked.draw.demo else ""
    sys.stdout.writelines(f"{mark}{sentence}\n" for sentence in sentences_of(checked))
    return 0


def _say_refused(refused: Refused | ReceiptRefused, steps: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        told = {"verified": False, "step": refused.number, "name": refused.name, "reason": refused.reason}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    for number, name in enumerate(steps[: refused.number]):
        sys.stdout.write(f"({number}) {name:<14}holds\n")
    sys.stdout.write(f"({refused.number}) {refused.name:<14}FAILS: {refused.reason}\n")


def _beacon(asked: argparse.Namespace) -> int:
    if not 1 <= asked.round < _ROUND_LIMIT:
        raise Unusable(f"--round: {asked.round} is no round, they begin with 1")
    signature = _bytes_of(asked.signature, "--signature", 48)
    try:
        randomness = verify_round(QUICKNET, asked.round, signature)
    except BeaconRefused as refused:
        sys.stderr.write(f"false: {refused}\n")
        return 1
    sys.stdout.write(randomness.hex() + "\n")
    return 0


def _draw(asked: argparse.Namespace) -> int:
    seed = _bytes_of(asked.seed, "--seed", 32)
    if not 0 <= asked.quota < _QUOTA_LIMIT:
        raise Unusable(f"--quota: {asked.quota} is no number of places, 0 and up are")
    if asked.out.exists() and not asked.out.is_file():
        raise Unusable(f"--out: {asked.out} is no file")
    try:
        with asked.entrants.open("r", encoding="utf-8-sig", newline="") as source:
            id_hashes, weights = read_list(source)
    except OSError as error:
        raise Unusable(f"--entrants: {asked.entrants}: {error.strerror or error}") from error
    except (ListUnusable, UnicodeDecodeError) as error:
        raise Unusable(f"--entrants: {asked.entrants}: {error}") from error
    drawn_by = category_seed(seed, asked.category)
    ranked = rank(drawn_by, id_hashes, weights, quota=asked.quota, scoring=scoring_with(asked.processes))
    result = encode(result_of(ranked, seed=seed, category=asked.category, quota=asked.quota))
    unfinished = asked.out.with_name(asked.out.name + ".part")
    try:
        # A crash here leaves the .part file; a result that is there is whole.
        unfinished.write_bytes(result + b"\n")
        unfinished.replace(asked.out)
    except OSError as error:
        raise Unusable(f"--out: {asked.out}: {error.strerror or error}") from error
    sys.stderr.write(f"{len(ranked)} of {len(weights)} entrants drawn: {asked.out}\n")
    return 0


def _policy(path: Path | None) -> Policy:
    try:
        return parse_policy(DEFAULT_TRUST if path is None else path.read_bytes())
    except OSError as error:
        raise Unusable(f"--trust: {path}: {error.strerror or error}") from error
    except PolicyUnusable as error:
        raise Unusable(f"--trust: {path}: {error}") from error


def _bytes_of(text: str, option: str, size: int) -> bytes:
    try:
        return hex_of(text, size, option)
    except NotCanonical:
        raise Unusable(f"{option}: {2 * size} digits of lower-case hex are needed") from None


def _bar(step: str, done: int, of: int) -> None:
    filled = _BAR * done // of
    end = "\n" if done == of else ""
    sys.stderr.write(f"\r{step:<10}[{'#' * filled}{' ' * (_BAR - filled)}] {done:,} of {of:,}{end}")
    sys.stderr.flush()


def run() -> NoReturn:
    """The command, ending the process with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    run()
