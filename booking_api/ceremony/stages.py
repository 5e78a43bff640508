"""The stages of a draw, each on files: announce, freeze, contribute, finish. What each writes is an entry for the log.

`docs/spec/draw.md` has the protocol. Clocks are the caller's.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

from booking_api.ceremony.beacons import Round
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.secret_files import ContributorKey
from fairness.beacon import Chain
from fairness.bundle import LINE_LIMIT, read_line
from fairness.canonical import NotCanonical, name_of
from fairness.conclude import CategoryList, conclude, empty_lists
from fairness.draw import Scored, Scoring, scored_within
from fairness.entrants import (
    Entrant,
    EntrantsRefused,
    line_of,
    read_id_hash,
    read_weight,
    reader_of_lines,
    root_of_list,
)
from fairness.entries import Announced, Beacon, Contributed, Entry, Finished, Frozen, read
from fairness.seed import contribution_input, freeze_hash
from fairness.vrf import VrfRefused, prove, verify

Kind = TypeVar("Kind", bound=Entry)
COLUMNS = ["id_hash", "weight", "category"]


class Concluded(NamedTuple):
    """A result and each category's winners."""

    finished: Finished
    winners: list[tuple[str, list[Scored]]]


def read_entrants_csv(path: Path) -> list[Entrant]:
    """The entrants of a CSV file with the columns id_hash,weight,category, put in order.

    Raises:
        CeremonyUnusable: the file, or a line of it, or an entrant who is there twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            entrants = sorted(_rows(source))
    except (OSError, UnicodeDecodeError) as error:
        raise CeremonyUnusable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except (csv.Error, EntrantsRefused, NotCanonical) as error:
        raise CeremonyUnusable(f"{path}: {error}") from error
    for one, next_one in pairwise(entrants):
        if one.id_hash == next_one.id_hash:
            raise CeremonyUnusable(f"{path}: {one.id_hash.hex()} is there twice")
    if not entrants:
        raise CeremonyUnusable(f"{path}: there is no entrant")
    return entrants


def _rows(source: Iterable[str]) -> Iterator[Entrant]:
    rows = csv.reader(source, strict=True)
    if next(rows, None) != COLUMNS:
        raise EntrantsRefused("line 1: the columns must be id_hash,weight,category")
    for row in rows:
        try:
            id_hash, weight, category = row
            yield Entrant(
                read_id_hash(id_hash.encode()),
                read_weight(weight.encode()),
                name_of(category, "the category"),
            )
        except ValueError as error:
            raise EntrantsRefused(f"line {rows.line_num}: {error}") from error


def freeze(
    announced: Announced, entrants: Sequence[Entrant], *, quotas: Mapping[str, int], code: bytes
) -> Frozen:
    """The freeze of a list that is in order.

    Raises:
        CeremonyUnusable: somebody's category has no quota.
    """
    for entrant in entrants:
        if entrant.category not in quotas:
            raise CeremonyUnusable(f"the category {entrant.category} has no quota")
    return Frozen(
        draw=announced.draw,
        root=root_of_list(entrants),
        entrants=len(entrants),
        tickets=sum(entrant.weight for entrant in entrants),
        quotas=quotas,
        beacon=announced.beacon,
        contributors=announced.contributors,
        code=code,
    )


def write_list(path: Path, entrants: Iterable[Entrant]) -> None:
    """The frozen list as it is published: the lines of a bundle.

    Raises:
        CeremonyUnusable: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            file.writelines(line_of(entrant) + b"\n" for entrant in entrants)
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error


def read_frozen_list(path: Path, frozen: Frozen) -> Iterator[Entrant]:
    """The lines of a published list, each as it should be; whether they are the frozen ones, the root says.

    Raises:
        CeremonyUnusable: the file, or a line of it.
    """
    take = reader_of_lines(frozen.quotas)
    try:
        with path.open("rb") as source:
            number = 0
            while line := read_line(source, limit=LINE_LIMIT):
                number += 1
                try:
                    yield take(line)
                except EntrantsRefused as error:
                    raise CeremonyUnusable(f"{path}: line {number}: {error}") from error
    except NotCanonical as error:
        raise CeremonyUnusable(f"{path}: {error}") from error
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error


def contribute(freeze_entry: bytes, entrants: Iterable[Entrant], key: ContributorKey) -> Contributed:
    """A contributor's proof, after they have found the list to be the frozen one.

    Raises:
        CeremonyUnusable: the entry is no freeze.
        CeremonyRefused: the list is another, or the key is not asked for.
    """
    frozen = read_kind(freeze_entry, Frozen)
    if root_of_list(entrants) != frozen.root:
        raise CeremonyRefused("the list is not the one that was frozen")
    if key.public not in frozen.contributors:
        raise CeremonyRefused(f"the freeze does not ask for the key {key.public.hex()}")
    code = freeze_hash(freeze_entry)
    return Contributed(frozen.draw, code, key.public, prove(key.secret, contribution_input(code)))


def finish(
    freeze_entry: bytes,
    entrants: Iterable[Entrant],
    contributions: Sequence[Contributed],
    *,
    chain: Chain,
    beacon_round: Round,
    scoring: Scoring = scored_within,
) -> Concluded:
    """The result, computed as any auditor will.

    Raises:
        CeremonyUnusable: the entry is no freeze.
        CeremonyRefused: chain or round are not the announced ones, or a contribution is missing or false.
    """
    frozen, code = read_kind(freeze_entry, Frozen), freeze_hash(freeze_entry)
    if Beacon(chain.hash, beacon_round.number) != frozen.beacon:
        raise CeremonyRefused("the round is not the one that was announced")
    lists = empty_lists(frozen.quotas)
    if root_of_list(_into(lists, entrants)) != frozen.root:
        raise CeremonyRefused("the list is not the one that was frozen")
    return Concluded(
        *conclude(
            frozen,
            lists,
            freeze=code,
            signature=beacon_round.signature,
            proofs=_proofs(frozen, code, contributions),
            scoring=scoring,
        )
    )


def _into(lists: Mapping[str, CategoryList], entrants: Iterable[Entrant]) -> Iterator[Entrant]:
    for entrant in entrants:
        lists[entrant.category].append(entrant)
        yield entrant


def _proofs(frozen: Frozen, code: bytes, contributions: Sequence[Contributed]) -> dict[bytes, bytes]:
    proofs = {one.key: one.proof for one in contributions if one.freeze == code}
    for key in frozen.contributors:
        if key not in proofs:
            raise CeremonyRefused(
                f"the contribution of {key.hex()} is missing: void the draw before its round"
            )
        try:
            verify(key, contribution_input(code), proofs[key])
        except VrfRefused as error:
            raise CeremonyRefused(f"the contribution of {key.hex()}: {error}") from error
    return proofs


def read_kind(text: bytes, kind: type[Kind]) -> Kind:
    """The entry of this kind in a text.

    Raises:
        CeremonyUnusable: it is another, or none.
    """
    try:
        entry = read(text)
    except NotCanonical as error:
        raise CeremonyUnusable(f"no entry of a draw: {error}") from error
    if not isinstance(entry, kind):
        raise CeremonyUnusable(f"this is an entry of another kind: {type(entry).__name__}")
    return entry
