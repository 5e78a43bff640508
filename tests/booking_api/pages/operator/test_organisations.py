"""Schools and stations registered, suspended and resumed; whose accounts act for them; how accounts stand."""

from datetime import timedelta

from sqlalchemy import text

from booking_api import clock
from booking_api.organisations.keys import make_key
from tests.booking_api.pages.operator.conftest import HZ
from tests.booking_api.pages.visitors import Shown, account_row

SCHOOL = {"kind": "school", "id": "hz-a-school", "name": "甲驾校", "name_en": "School A"}
HERE = f"{HZ}/organisations/hz-a-school"


async def roles_of(kernel, account: str) -> list[str]:
    async with kernel.engine.connect() as connection:
        query = text("SELECT roles FROM account WHERE id = :id")
        return (await connection.execute(query, {"id": account})).scalar_one()


async def test_a_school_is_registered_once_and_shown(operator):
    assert "None is registered yet" in (await operator.page(f"{HZ}/organisations")).text
    answer = await operator.post(f"{HZ}/organisations/new", **SCHOOL)
    assert answer.headers["location"] == f"{HERE}?told=organisation_registered"
    again = Shown(await operator.post(f"{HZ}/organisations/new", **SCHOOL))
    assert (again.status, "There is an organisation with this id already." in again.text) == (409, True)
    for changed, field in (
        ({"id": "A School"}, "id"),
        ({"kind": "shop"}, "kind"),
        ({"name": ""}, "name"),
        ({"sites": "hz-xihu"}, "sites"),
        ({"kind": "station", "sites": "Xi Hu"}, "sites"),
    ):
        shown = Shown(await operator.post(f"{HZ}/organisations/new", **(SCHOOL | changed)))
        assert (shown.status, bool(shown.all("a", href=f"#f-{field}"))) == (422, True), changed
    assert (await operator.page(f"{HZ}/organisations")).text.count("School A") == 1


async def test_suspending_says_what_stops_and_stops_the_keys_within_it(operator, kernel, client):
    await operator.post(f"{HZ}/organisations/new", **SCHOOL)
    async with kernel.engine.begin() as connection:
        made = await make_key(
            connection,
            organisation="hz-a-school",
            name="booking system",
            scopes=["batches:read"],
            expires_at=clock.now() + timedelta(days=9),
            by="op",
        )
    key = {"Authorization": f"Bearer {made.key}"}
    batches = "/api/v1/schools/hz-a-school/batches"
    assert (await client.get(batches, headers=key)).status_code == 200
    asked = await operator.page(f"{HERE}/suspend")
    assert "Its 1 valid API key stops working within seconds." in asked.text
    refused = Shown(await operator.post(f"{HERE}/suspend", reason=""))
    assert (refused.status, bool(refused.all("a", href="#f-reason"))) == (422, True)
    await operator.post(f"{HERE}/suspend", reason="Complaints of learners.")
    told = await client.get(batches, headers=key)
    assert (told.status_code, told.json()["code"]) == (403, "organisation_suspended")
    shown = await operator.get(HERE)
    assert "Complaints of learners." in shown.text
    assert "stopped" in shown.text
    assert made.key not in shown.text
    await operator.post(f"{HERE}/resume", reason="They were mended.")
    assert (await client.get(batches, headers=key)).status_code == 200
    assert (await operator.get(f"{HERE}/burn")).status_code == 404


async def test_only_a_verified_account_can_be_let_act(operator, kernel, database_url):
    await operator.post(f"{HZ}/organisations/new", **SCHOOL)
    await account_row(database_url, "agent")
    await account_row(database_url, "new-agent", verified=False)
    for login, act in (("agent", "give"), ("agent", "end")):
        answer = await operator.post(f"{HERE}/members", login=login, act=act)
        assert answer.status_code == 303
        expected = ["school:hz-a-school"] if act == "give" else []
        assert await roles_of(kernel, "agent") == expected
    for login in ("new-agent", "nobody", ""):
        shown = Shown(await operator.post(f"{HERE}/members", login=login, act="give"))
        assert shown.status in {404, 409, 422}
        assert shown.all("a", href="#f-login"), login
    assert await roles_of(kernel, "new-agent") == []


async def test_another_authoritys_school_is_not_there(operator, browser_of):
    await operator.post(f"{HZ}/organisations/new", **SCHOOL)
    other = await browser_of("np", "operator:cn-zj-nb")
    theirs = "/operator/cn-zj-nb/organisations/hz-a-school"
    assert (await other.get(theirs)).status_code == 404
    assert (await other.post(f"{theirs}/suspend", reason="Because I can.")).status_code == 404
    assert (await other.post(f"{HERE}/suspend", reason="Because I can.")).status_code == 403


async def test_an_account_is_found_without_saying_whose_it_is(operator, database_url):
    await account_row(database_url, "somebody", roles=("school:hz-a-school", "clerk:cn-zj-nb"))
    await account_row(database_url, "fresh", verified=False)
    shown = Shown(await operator.post(f"{HZ}/people", login="SOMEBODY"))
    assert shown.status == 200
    assert "verified" in shown.text
    assert "hz-a-school" in shown.text
    assert "school:hz-a-school" not in shown.text
    for private in ("Name of somebody", "13800138000", "clerk:cn-zj-nb"):
        assert private not in shown.text
    assert "not verified" in Shown(await operator.post(f"{HZ}/people", login="fresh")).text
    for login, status in (("nobody", 404), ("", 422), ("\x01\x02", 404)):
        refused = Shown(await operator.post(f"{HZ}/people", login=login))
        assert (refused.status, bool(refused.all("a", href="#f-login"))) == (status, True), login
