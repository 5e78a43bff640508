"""Each stage refuses what the next could not go on with, in words."""

import pytest

from booking_api.ceremony.beacons import Round
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.secret_files import (
    ContributorKey,
    new_contributor_key,
    new_signing_key,
    read_contributor_key,
    read_signing_key,
)
from booking_api.ceremony.stages import (
    contribute,
    finish,
    freeze,
    read_entrants_csv,
    read_frozen_list,
    read_kind,
    write_list,
)
from fairness import beacon
from fairness.entries import Announced, Beacon, Frozen, write
from tests.fairness.ceremonies import CHAIN, CONTRIBUTORS, KEYS, QUOTAS, ROUND, SECRET, entrants_of, secret

ANNOUNCED = Announced("test-draw", "cn-zj-hz", "subject-2", "2026-12", Beacon(CHAIN.hash, ROUND), KEYS)
ENTRANTS = entrants_of(12)
PARTIES = [ContributorKey(name, one) for name, one in zip(("operator", "notary"), CONTRIBUTORS, strict=True)]
DRAWN = Round(ROUND, beacon.sign_round(SECRET, ROUND))


@pytest.fixture
def frozen():
    return freeze(ANNOUNCED, ENTRANTS, quotas=QUOTAS, code=bytes(32))


def csv_of(tmp_path, *rows, columns="id_hash,weight,category"):
    path = tmp_path / "entrants.csv"
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def test_entrants_come_in_any_order_and_leave_in_theirs(tmp_path):
    rows = [f"{one.id_hash.hex()},{one.weight},{one.category}" for one in ENTRANTS]
    assert read_entrants_csv(csv_of(tmp_path, *reversed(rows))) == ENTRANTS


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "there is no entrant"),
        (["ab,1,A"], "line 2: the id_hash is not 32 bytes"),
        ([f"{'a' * 64},0,A"], "line 2: the weight"),
        ([f"{'a' * 64},1,"], "line 2: the category is not a name"),
        ([f"{'a' * 64},1"], "line 2: not enough values"),
        ([f"{'a' * 64},1,A"] * 2, "is there twice"),
        ([f'"{"a" * 64},1,A'], "unexpected end"),
    ],
)
def test_entrants_that_cannot_be_used(tmp_path, rows, reason):
    with pytest.raises(CeremonyUnusable, match=reason):
        read_entrants_csv(csv_of(tmp_path, *rows))


def test_other_columns_and_other_files_are_said(tmp_path):
    with pytest.raises(CeremonyUnusable, match="columns must be"):
        read_entrants_csv(csv_of(tmp_path, columns="id,weight"))
    with pytest.raises(CeremonyUnusable, match="No such file"):
        read_entrants_csv(tmp_path / "none.csv")


def test_a_category_without_places_is_not_frozen():
    with pytest.raises(CeremonyUnusable, match="has no quota"):
        freeze(ANNOUNCED, ENTRANTS, quotas={"A": 1}, code=bytes(32))


def test_a_published_list_is_read_as_it_was_written(tmp_path, frozen):
    write_list(tmp_path / "list", ENTRANTS)
    assert list(read_frozen_list(tmp_path / "list", frozen)) == ENTRANTS
    (tmp_path / "list").write_bytes((tmp_path / "list").read_bytes()[:-1])
    with pytest.raises(CeremonyUnusable, match="ends in the middle"):
        list(read_frozen_list(tmp_path / "list", frozen))


def test_a_contributor_refuses_another_list_and_a_freeze_that_does_not_ask_for_them(frozen):
    with pytest.raises(CeremonyRefused, match="not the one that was frozen"):
        contribute(write(frozen), ENTRANTS[1:], PARTIES[0])
    with pytest.raises(CeremonyRefused, match="does not ask for the key"):
        contribute(write(frozen), ENTRANTS, ContributorKey("somebody", secret("somebody")))


def test_a_draw_is_finished_with_everything_and_nothing_else(frozen):
    text = write(frozen)
    both = [contribute(text, ENTRANTS, one) for one in PARTIES]
    done = finish(text, ENTRANTS, both, chain=CHAIN, beacon_round=DRAWN)
    assert {name: len(winners) for name, winners in done.winners} == QUOTAS
    with pytest.raises(CeremonyRefused, match="is missing: void the draw"):
        finish(text, ENTRANTS, both[:1], chain=CHAIN, beacon_round=DRAWN)
    with pytest.raises(CeremonyRefused, match="not this key's"):
        finish(
            text, ENTRANTS, [both[0], both[1]._replace(proof=both[0].proof)], chain=CHAIN, beacon_round=DRAWN
        )
    with pytest.raises(CeremonyRefused, match="not the one that was announced"):
        finish(text, ENTRANTS, both, chain=CHAIN, beacon_round=Round(ROUND + 1, DRAWN.signature))
    with pytest.raises(CeremonyRefused, match="not the one that was frozen"):
        finish(text, ENTRANTS[1:], both, chain=CHAIN, beacon_round=DRAWN)


def test_an_entry_of_another_kind_is_said(frozen):
    assert read_kind(write(frozen), Frozen) == frozen
    with pytest.raises(CeremonyUnusable, match="another kind: Frozen"):
        read_kind(write(frozen), Announced)
    with pytest.raises(CeremonyUnusable, match="no entry of a draw"):
        read_kind(b"{}", Announced)


def test_keys_are_files_of_their_owner_alone_and_never_written_over(tmp_path):
    signing = new_signing_key(tmp_path / "log", name="log.test/x")
    contributor = new_contributor_key(tmp_path / "vrf", name="notary")
    assert read_signing_key(tmp_path / "log") == signing
    assert read_contributor_key(tmp_path / "vrf") == contributor
    for name in ("log", "vrf"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        with pytest.raises(CeremonyUnusable, match="is there already"):
            new_signing_key(tmp_path / name, name="log.test/x")
    assert contributor.secret.hex() not in repr(contributor)
    for read, name in ((read_signing_key, "vrf"), (read_contributor_key, "log"), (read_signing_key, "none")):
        with pytest.raises(CeremonyUnusable):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["", "a b", "x" * 300, "a\nb"])
def test_names_that_a_trust_file_could_not_say_are_refused(tmp_path, name):
    with pytest.raises(CeremonyUnusable):
        new_contributor_key(tmp_path / "key", name=name)
    assert not (tmp_path / "key").exists()
