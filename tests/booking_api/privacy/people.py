"""People with an account, what registers and bookings know of them, and the whole database to look for traces in."""

from sqlalchemy import text

from booking_api.registers import REGISTERS

NUMBER, OTHER_NUMBER = "11010519491231002X", "440524188001010014"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}
EXPORT, ERASE = "/api/v1/accounts/me/export", "/api/v1/accounts/me/erase"


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def sign_in(client, login="zhang.wei"):
    return await client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})


async def person(client, token, *, verified=True, **changed):
    """A registered person, verified at the counter; their headers."""
    who = ZHANG | changed
    opened = await client.post("/api/v1/accounts", json=who)
    assert opened.status_code == 201, opened.text
    if verified:
        done = await verified_at_counter(client, token, who)
        assert done.status_code == 200, done.text
    told = (await sign_in(client, who["login"])).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


async def verified_at_counter(client, token, who):
    card = {"login": who["login"], "identity_number": who["identity_number"]}
    return await client.post("/api/v1/verifications", json=card, headers=token("clerk", roles=("clerk:cn",)))


async def booked(client, headers, pool, unit, key="k"):
    held = await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=headers)
    assert held.status_code == 201, held.text
    done = await client.post(
        f"/api/v1/holds/{held.json()['id']}/confirm", headers=headers | {"Idempotency-Key": key}
    )
    assert done.status_code == 201, done.text
    return done.json()["id"]


async def erase(client, headers, password=PASSWORD):
    return await client.post(ERASE, json={"password": password}, headers=headers)


async def registered(kernel, number):
    """Rows of every register about this person."""
    rows = {
        "person": ":n, '张伟', '13800138000'",
        "learner_certificate": "'L1' || :n, :n, 'C1', '2026-01-01', '2029-01-01', NULL, NULL",
        "exam_result": "'R' || :n, :n, 'cn-hz', 'xihu', 1, 'C1', '2026-02-01', 'passed'",
        "licence": ":n, 'D', '2020-01-01', '2030-01-01', 3",
        "vehicle": "'浙' || right(:n, 6), '02', :n, '2020-01-01', '2027-01-01', 5",
        "violation": "'V' || :n, '浙' || right(:n, 6), '02', now(), '1039', 3, 200, false",
    }
    columns = {kind.value: ", ".join(register.fields) for kind, register in REGISTERS.items()}
    async with kernel.engine.begin() as connection:
        for table, values in rows.items():
            statement = (
                "WITH i AS (INSERT INTO register_import (register, source, file, sha256, rows, bad_rows)"
                " VALUES ('x', 'the city office', 't', 't', 1, 0) RETURNING id)"
                f" INSERT INTO {table} ({columns[table]}, import_id) SELECT {values}, id FROM i"
            )
            await connection.execute(text(statement.replace(":n", f"'{number}'")))


async def whole_database(kernel):
    """Every row of every table, as text."""
    async with kernel.engine.connect() as connection:
        names = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        )
        told = {}
        for name in names.scalars().all():
            found = await connection.execute(text(f"SELECT t::text FROM {name} t"))
            told[name] = "\n".join(found.scalars().all())
    return told
