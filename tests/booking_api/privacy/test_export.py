"""Everything stored about a person is given to them in one document, and nothing of anybody else."""

from sqlalchemy import text

from booking_api.privacy import records
from fairness.commitment import commit
from tests.booking_api.privacy.people import EXPORT, NUMBER, OTHER_NUMBER, booked, person, registered

NOT_ABOUT_PEOPLE = {
    "authority",
    "pool",
    "unit",
    "hold_verdict",
    "effect",
    "entry_cursor",
    "register_import",
    "alembic_version",
}
# Of people they know only who acted for the authority, by account.
OF_THE_AUTHORITY = {"plan", "plan_session", "authority_settings", "day_off", "webhook", "delivery"}
OF_THE_AUTHORITY |= {"organisation", "organisation_change", "api_key"}


async def test_one_document_has_everything_and_nobody_elses(client, token, kernel, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    theirs = await person(client, token, login="li.na", name="李娜", identity_number=OTHER_NUMBER)
    for number in (NUMBER, OTHER_NUMBER):
        await registered(kernel, number)
    booking = await booked(client, mine, pool, first)
    other = await booked(client, theirs, pool, second)
    answer = await client.get(EXPORT, headers=mine)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith('attachment; filename="gongdao-20')
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["format"] == "gongdao-person/1"
    assert told["account"][0]["identity_number"] == NUMBER
    assert told["account"][0]["verified_by"] == "counter"
    assert [row["id"] for row in told["bookings"]] == [booking]
    assert [row["key"] for row in told["idempotency_keys"]] == ["k"]
    for name in (
        "persons",
        "learner_certificates",
        "exam_results",
        "licences",
        "vehicles",
        "violations",
        "sign_ins",
    ):
        assert len(told[name]) == 1, name
    assert told["persons"][0]["imported_from"] == "the city office"
    for foreign in (other, OTHER_NUMBER, "李娜", "argon2", "clerk"):
        assert foreign not in answer.text


async def test_with_the_document_somebody_proves_their_entries_of_the_log(client, token, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    booking = await booked(client, mine, pool, first)
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    await booked(client, mine, pool, second, key="k2")
    told = (await client.get(EXPORT, headers=mine)).json()
    claims = {row["id"]: row for row in told["bookings"]}
    assert [entry["kind"] for entry in told["log_entries"]] == ["confirm", "cancel", "confirm"]
    for entry in told["log_entries"]:
        claim = claims[entry["claim_id"]]
        proof = commit(salt=bytes.fromhex(claim["salt"]), claimant=claim["claimant"])
        assert proof.hex() == entry["commitment"]


async def test_an_unverified_account_sees_nothing_of_the_person_whose_number_it_typed(client, token, kernel):
    await registered(kernel, NUMBER)
    stranger = await person(client, token, verified=False, name="李娜", phone="13900139000")
    told = (await client.get(EXPORT, headers=stranger)).json()
    for name in ("persons", "learner_certificates", "licences", "vehicles", "violations"):
        assert told[name] == []


async def test_every_table_about_people_has_a_room_that_answers_for_it(kernel):
    """A new table is to be named in a contributor, or above as one that knows nobody."""
    async with kernel.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition"
            )
        )
        tables = set(found.scalars().all())
    answered = {table.name for contributor in records.RECORDS for table in contributor.tables}
    assert tables - NOT_ABOUT_PEOPLE - OF_THE_AUTHORITY - {"resting_number"} == answered


def test_the_document_has_each_name_once():
    names = [name for contributor in records.RECORDS for name in contributor.exports]
    assert len(names) == len(set(names))
