"""The aftermath passes the truth and catches each kind of lie, in the journal and in the stores."""

import json
import os
import subprocess
import sys

import pytest
from redis import Redis

from loadtest.journal import Action
from reservation.claim_id import new_claim_id


async def a_day(scene):
    """Ann books and keeps; Bob cancels; Cat moves to the third unit. Their bookings."""
    first, second, third = scene.units
    ann = await scene.people.book("ann", first)
    bob = await scene.people.book("bob", first)
    await scene.people.cancel("bob", bob)
    cat = await scene.people.book("cat", second)
    return {"ann": ann, "bob": bob, "cat": cat, "cat moved": await scene.people.move("cat", cat, third)}


async def test_the_truth_is_clean(scene):
    await a_day(scene)
    aftermath = await scene.examine()
    assert aftermath.clean, aftermath
    assert (aftermath.told_booked, aftermath.stored_booked) == (2, 2)
    assert (aftermath.told_ended, aftermath.stored_ended) == (2, 2)
    assert [(unit.told, unit.stored, unit.counter) for unit in aftermath.units] == [
        (1, 1, 1),
        (0, 0, 0),
        (1, 1, 1),
    ]


LIES_IN_ROWS = {
    "a booking is missing": ("DELETE FROM booking WHERE id = :ann", "lost"),
    "a booking is another's": ("UPDATE booking SET owner = 'bob' WHERE id = :ann", "owner"),
    "a booking is in another unit": ("UPDATE booking SET unit_id = :second WHERE id = :ann", "unit"),
    "a booking was ended behind its owner": (
        "UPDATE booking SET state = 'cancelled', ended_at = now(), ended_by = 'owner' WHERE id = :ann",
        "state",
    ),
    "a cancelled booking lives": (
        "UPDATE booking SET state = 'booked', ended_at = NULL, ended_by = NULL WHERE id = :bob",
        "state",
    ),
    "a booking was moved elsewhere": ("UPDATE booking SET moved_to = :ann WHERE id = :cat", "state"),
    "a key gave another booking": ("UPDATE idempotency SET claim_id = :bob WHERE owner = 'ann'", "key"),
    "a key is forgotten": ("DELETE FROM idempotency WHERE owner = 'ann'", "key"),
    "a counter is off": ("UPDATE unit SET booked = booked + 1 WHERE id = :first", "count"),
}


@pytest.mark.parametrize("lie", LIES_IN_ROWS)
async def test_a_row_that_is_not_as_told_is_seen(scene, lie):
    statement, kind = LIES_IN_ROWS[lie]
    values = await a_day(scene) | dict(zip(("first", "second", "third"), scene.units, strict=True))
    await scene.sql(statement, **{name: value for name, value in values.items() if f":{name}" in statement})
    assert kind in await scene.kinds()


@pytest.mark.parametrize("owner", ["ann", "stranger"])
async def test_a_booking_that_nobody_was_told_of_is_seen(scene, owner):
    await a_day(scene)
    await scene.sql(
        """
        INSERT INTO booking (id, pool_id, unit_id, claimant, owner, service, rule, source, state)
        VALUES (:id, :pool, :unit, :claimant, :owner, 'driving_test', 'subject-2', 'hold', 'booked')
        """,
        id=new_claim_id(pool=scene.people.pool, now_ms=1_764_000_000_000),
        pool=scene.people.pool,
        unit=scene.units[0],
        claimant=f"person:{owner}",
        owner=owner,
    )
    assert "untold" in await scene.kinds()


async def test_a_confirm_that_never_was_is_seen(scene):
    held = await scene.people.hold("ann", scene.units[0])
    scene.people.note("ann", Action.CONFIRM, hold=held, key="k", unit=scene.units[0], status=201, became=held)
    assert {"lost", "count"} <= await scene.kinds()


async def test_a_cancel_that_never_was_is_seen(scene):
    booked = await scene.people.book("ann", scene.units[0])
    scene.people.note("ann", Action.CANCEL, booking=booked, status=200, became=booked)
    assert "state" in await scene.kinds()


async def test_a_move_that_never_was_is_seen(scene):
    booked = await scene.people.book("ann", scene.units[0])
    held = await scene.people.hold("ann", scene.units[1])
    moved = {"hold": held, "unit": scene.units[1], "status": 200, "became": held}
    scene.people.note("ann", Action.RESCHEDULE, booking=booked, **moved)
    assert {"state", "lost"} <= await scene.kinds()


@pytest.mark.parametrize(
    ("status", "code"), [(409, "full"), (409, "hold_lost"), (503, "busy"), (503, "rebuilding")]
)
async def test_a_booking_behind_a_refusal_is_seen(scene, status, code):
    booked = await scene.people.book("ann", scene.units[0], told=False)
    scene.people.note("bob", Action.LOOK, status=200)
    # Ann's client is told of the very request that booked, not of a repetition of it.
    (path,) = scene.people.folder.iterdir()
    asked = next(
        line for line in map(json.loads, path.read_text().splitlines()) if line["action"] == "confirm"
    )
    told = {name: value for name, value in asked.items() if name != "asked"} | {
        "status": status,
        "code": code,
    }
    with path.open("a") as file:
        file.write(json.dumps(told) + "\n")
    assert booked
    assert "untold" in await scene.kinds()


@pytest.mark.parametrize("booked", [True, False])
async def test_an_outcome_that_was_never_learnt_may_be_either(scene, booked):
    if booked:
        await scene.people.book("ann", scene.units[0], told=False)
    else:
        held = await scene.people.hold("ann", scene.units[0])
        scene.people.note("ann", Action.CONFIRM, hold=held, key="k", asked_only=True)
    aftermath = await scene.examine()
    assert aftermath.clean, aftermath
    assert (aftermath.unknown, aftermath.stored_booked) == (1, int(booked))


@pytest.mark.parametrize("done", [True, False])
async def test_a_cancel_that_was_never_answered_may_be_either(scene, done):
    booked = await scene.people.book("ann", scene.units[0])
    if done:
        await scene.people.cancel("ann", booked, told=False)
    else:
        scene.people.note("ann", Action.CANCEL, booking=booked, asked_only=True)
    aftermath = await scene.examine()
    assert aftermath.clean, aftermath
    assert aftermath.unknown == 1


async def test_a_move_that_was_never_answered_may_be_either(scene):
    booked = await scene.people.book("ann", scene.units[0])
    await scene.people.move("ann", booked, scene.units[1], told=False)
    assert (await scene.examine()).clean


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "internal"), (422, "idempotency_key_reused"), (0, "no_answer"), (404, "unknown_unit")],
)
async def test_an_answer_nobody_should_be_given_is_seen(scene, status, code):
    await a_day(scene)
    scene.people.note("ann", Action.HOLD, unit=scene.units[0], status=status, code=code)
    aftermath = await scene.examine()
    assert [(answer.status, answer.code) for answer in aftermath.unexpected] == [(status, code)]
    assert not aftermath.clean


async def test_what_the_audit_finds_is_not_clean_even_if_all_was_told(scene):
    await a_day(scene)
    pool, unit = scene.people.pool, scene.units[1]
    with Redis.from_url(scene.addresses.valkey_url) as valkey:
        epoch = valkey.get(f"{{p{pool}}}:fence").decode().partition(":")[0]
        valkey.zadd(f"{{p{pool}}}:{epoch}:u{unit}", {new_claim_id(pool=pool, now_ms=1): "+inf"})
    aftermath = await scene.examine()
    assert aftermath.differences == []
    assert [broken.invariant for broken in aftermath.audit] == ["I1"]
    assert not aftermath.clean


def run_command(scene, *arguments):
    servers = {
        "GONGDAO_DATABASE_URL": scene.addresses.database_url,
        "GONGDAO_VALKEY_URL": scene.addresses.valkey_url,
    }
    command = [sys.executable, "-m", "loadtest.aftermath", *arguments]
    return subprocess.run(
        command, env=os.environ | servers, capture_output=True, text=True, check=False, timeout=60
    )


async def test_the_command_ends_with_0_when_all_agrees(scene):
    await a_day(scene)
    run = run_command(scene, "--journal", str(scene.people.folder))
    assert run.returncode == 0, run.stderr
    assert "bookings as told" in run.stdout
    assert "audit clean" in run.stdout


async def test_the_command_ends_with_1_and_names_what_differs(scene):
    bookings = await a_day(scene)
    await scene.sql("UPDATE booking SET owner = 'bob' WHERE id = :ann", ann=bookings["ann"])
    run = run_command(scene, "--journal", str(scene.people.folder), "--json")
    assert run.returncode == 1, run.stderr
    told = json.loads(run.stdout)
    assert not told["clean"]
    assert [(found["kind"], bookings["ann"] in found["where"]) for found in told["differences"]] == [
        ("owner", True)
    ]


async def test_the_command_ends_with_2_without_a_journal(scene, tmp_path):
    (tmp_path / "empty").mkdir()
    run = run_command(scene, "--journal", str(tmp_path / "empty"))
    assert run.returncode == 2
    assert "no journal" in run.stderr
    assert "Traceback" not in run.stderr
