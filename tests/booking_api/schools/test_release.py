"""One release of places, wanted by a thousand people and by a school: the batch does not push anybody aside."""

import asyncio

from booking_api import clock
from booking_api.schools.carrying import carry_forever
from reservation import confirm, hold
from reservation.errors import Full

PLACES = 60
PEOPLE = 1_000
ROWS = 100
RATE = 20


async def test_a_batch_against_a_thousand_people_keeps_to_its_share_and_pace(town, second):
    await town.found(session_share=0.2, rows_per_s=RATE)
    [unit] = await town.publish(PLACES)
    [row] = await town.ask("SELECT pool_id FROM unit WHERE id = :u", u=unit)
    learners = await town.enrol(ROWS)
    people = await town.enrol(PEOPLE, school=None)
    batch = await town.send([(one.number, [unit]) for one in learners])
    carriers = [asyncio.create_task(carry_forever(parts)) for parts in (town.parts, second)]
    began = clock.now()

    async def individual(n: int, account: str) -> bool:
        # Everybody comes within the same two seconds, as they do at an opening.
        await asyncio.sleep(n / PEOPLE * 2)
        await town.parts.eligibility.check_hold(account=account, units=[unit], vehicle=None, now=clock.now())
        try:
            held = await hold(
                town.kernel, pool_id=row.pool_id, units=[unit], claimant=f"person:{account}", owner=account
            )
        except Full:
            return False
        await confirm(town.kernel, claim_id=held.id, owner=account, key="k")
        return True

    got = await asyncio.gather(*(individual(n, one.account) for n, one in enumerate(people)))
    while (await town.told(batch.id))[0].ended_at is None:
        await asyncio.sleep(0.1)
    for task in carriers:
        task.cancel()
    await asyncio.gather(*carriers, return_exceptions=True)
    done, results = await town.told(batch.id)
    limit = int(PLACES * 0.2)
    assert done.rows["booked"] == await town.seats(unit) <= limit
    assert sum(got) == PLACES - done.rows["booked"] >= PLACES - limit
    assert {row.code for row in results if row.code} <= {"full", "school_share_reached"}
    # Its n-th place came no sooner than its pace allows.
    booked = await town.ask(
        "SELECT b.created_at AS at FROM booking b JOIN school_seat s ON s.claim_id = b.id ORDER BY 1"
    )
    paces = [(one.at - began).total_seconds() for one in booked]
    assert all(seconds >= n / RATE * 0.9 for n, seconds in enumerate(paces)), paces
    print(f"\n{sum(got)} of {PEOPLE} people and {len(booked)} of {ROWS} rows got the {PLACES} places")
