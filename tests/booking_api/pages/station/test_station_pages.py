"""A station's pages: its own sites only, who came, and checking in by code, photo and card."""

import io
from datetime import timedelta

import pytest
import segno
from PIL import Image
from sqlalchemy import text

from booking_api import clock
from booking_api.demo.numbers import identity_number
from booking_api.identity.tokens import load_key
from booking_api.organisations.register import NewOrganisation, register_organisation, set_state
from booking_api.pages.catalogue import words_in
from booking_api.tickets.check_in import check_in_key, make_code
from reservation import confirm, hold
from reservation.transaction import transaction
from tests.booking_api.pages.visitors import Visiting, account_row, opened, signed_in
from tests.planning import person, planned, settle, test_row

HOME = "/station/st-1"
JSON = {"Accept": "application/json"}


@pytest.fixture
async def client(settings, token, quick_hashes):
    async with opened(settings) as client:
        yield client


@pytest.fixture
async def unit(kernel):
    """A session that is on now, at the first station's site, and one at another's."""
    here, there = await planned(kernel, [test_row(), test_row(site="elsewhere")])
    async with transaction(kernel.engine) as connection:
        for name, site in (("st-1", "hz-xihu"), ("st-2", "elsewhere")):
            new = NewOrganisation(
                id=name, kind="station", authority="cn-zj-hz", name={"en": name, "zh-CN": name}, sites=[site]
            )
            await register_organisation(connection, new, by="op")
    await settle(kernel, person("ann", name="Ann Other"), person("bob", number=2, name="Bob"))
    return {"here": here, "there": there}


@pytest.fixture
async def door(client, database_url, unit):
    await account_row(database_url, "guard", roles=("station:st-1",))
    browser = await signed_in(client, database_url, "guard")
    await browser.get(f"{HOME}/check-in")
    return browser


async def book(kernel, unit, who="ann"):
    held = await hold(kernel, pool_id=1, units=[unit], claimant=f"person:{who}", owner=who)
    return (await confirm(kernel, claim_id=held.id, owner=who, key=held.id)).id


async def begins(kernel, unit, *, in_minutes):
    """Moves a session in time, which no plan can do: minutes to its start."""
    async with kernel.engine.begin() as connection:
        at = clock.now() + timedelta(minutes=in_minutes)
        await connection.execute(
            text("UPDATE plan_session SET starts_at = :at, ends_at = :end WHERE unit_id = :unit"),
            {"at": at, "end": at + timedelta(hours=2), "unit": unit},
        )


def code_of(settings, booking):
    return make_code(booking, key=check_in_key(load_key(settings.key_file)))


def picture(code, *, form="PNG", size=600):
    drawn = io.BytesIO()
    segno.make_qr(code, error="m").save(drawn, kind="png", scale=8, border=4)
    photo = Image.new("RGB", (size, size), "grey")
    photo.paste(Image.open(drawn).convert("RGB").resize((size // 2, size // 2)), (size // 4, size // 5))
    saved = io.BytesIO()
    photo.save(saved, form)
    return saved.getvalue()


async def came(kernel):
    async with kernel.engine.connect() as connection:
        rows = await connection.execute(text("SELECT owner, by FROM attendance ORDER BY owner"))
        return [tuple(row) for row in rows]


async def test_the_day_shows_its_sessions_and_who_came(kernel, settings, door, unit):
    booking = await book(kernel, unit["here"])
    await book(kernel, unit["there"], "bob")
    await begins(kernel, unit["here"], in_minutes=10)
    day = (clock.now() + timedelta(minutes=10, hours=8)).date()
    shown = await door.page(f"{HOME}?day={day}")
    assert [row["data-unit"] for row in shown.all("tr") if "data-unit" in row] == [str(unit["here"])]
    await door.post(f"{HOME}/check-in", code=code_of(settings, booking))
    counts = (await door.get(f"{HOME}/counts?day={day}")).json()
    assert counts == {"sessions": {str(unit["here"]): [1, 1, 0]}, "all": [1, 1, 0]}
    people = await door.page(f"{HOME}/sessions/{unit['here']}")
    assert "A********" in people.text
    assert "Ann Other" not in people.text
    assert code_of(settings, booking)[-6:] in people.text


async def test_a_code_is_taken_as_it_is_typed_and_said_to_be_in_the_second_time(kernel, settings, door, unit):
    code = code_of(settings, await book(kernel, unit["here"]))
    await begins(kernel, unit["here"], in_minutes=10)
    typed = " ".join(code[n : n + 5] for n in range(0, len(code), 5)).lower()
    first = await door.page(f"{HOME}/check-in")
    assert first.all("input", name="code", autofocus=None)
    done = await door.post(f"{HOME}/check-in", code=typed)
    assert "Checked in" in done.text
    assert "Ann Other" in done.text
    assert "Already in" in (await door.post(f"{HOME}/check-in", code=code)).text
    assert await came(kernel) == [("ann", "guard")]


@pytest.mark.parametrize(
    "how",
    [
        ("early", "Too early"),
        ("late", "Too late"),
        ("elsewhere", "Wrong site"),
        ("cancelled", "Not booked any more"),
        ("unknown", "Unknown code"),
    ],
)
async def test_each_code_that_lets_nobody_in_says_why_and_what_to_do(kernel, settings, door, unit, how):
    what, said = how
    where = unit["there" if what == "elsewhere" else "here"]
    booking = await book(kernel, where)
    await begins(kernel, where, in_minutes={"early": 300, "late": -300}.get(what, 10))
    code = "GD1.NOTHING" if what == "unknown" else code_of(settings, booking)
    if what == "cancelled":
        async with kernel.engine.begin() as connection:
            ended = "UPDATE booking SET state = 'cancelled', ended_at = now(), ended_by = 'owner'"
            await connection.execute(text(ended))
    answer = await door.post(f"{HOME}/check-in", code=code)
    assert answer.status_code == 200
    assert said in answer.text
    assert await came(kernel) == []
    async with kernel.engine.begin() as connection:
        stands = "UPDATE booking SET state = 'booked', ended_at = NULL, ended_by = NULL"
        await connection.execute(text(stands))


async def test_with_scripts_the_answer_is_data_for_the_screen(kernel, settings, door, unit, client):
    code = code_of(settings, await book(kernel, unit["here"]))
    await begins(kernel, unit["here"], in_minutes=10)
    await door.get(f"{HOME}/check-in")
    headers = JSON | door._cookies()
    answer = await client.post(f"{HOME}/check-in", data={"csrf": door.csrf, "code": code}, headers=headers)
    assert (answer.json()["tone"], answer.json()["name"]) == ("good", "Ann Other")
    empty = await client.post(f"{HOME}/check-in", data={"csrf": door.csrf, "code": ""}, headers=headers)
    assert empty.json()["tone"] == "bad"
    nothing = {"photo": ("f.jpg", _blank(), "image/jpeg")}
    seen = await client.post(
        f"{HOME}/check-in/photo", data={"csrf": door.csrf}, files=nothing, headers=headers
    )
    assert (seen.status_code, seen.content) == (204, b"")


def _blank(size=(400, 300), form="JPEG"):
    saved = io.BytesIO()
    Image.new("RGB", size, "white").save(saved, form)
    return saved.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
async def test_a_photo_of_the_code_checks_in(kernel, settings, door, unit, form):
    code = code_of(settings, await book(kernel, unit["here"]))
    await begins(kernel, unit["here"], in_minutes=10)
    await door.get(f"{HOME}/check-in")
    photo = {"photo": ("code", picture(code, form=form), "application/octet-stream")}
    assert "Checked in" in (await door.post(f"{HOME}/check-in/photo", files=photo)).text
    assert await came(kernel) == [("ann", "guard")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture at all",
        picture("x")[:400],
        pytest.param(_blank((9_000, 9_000), "PNG"), id="a small file of eighty million pixels"),
    ],
)
async def test_a_file_that_is_no_usable_photo_is_said_to_be_none(door, content):
    await door.get(f"{HOME}/check-in")
    answer = await door.post(f"{HOME}/check-in/photo", files={"photo": ("x.png", content, "image/png")})
    assert answer.status_code == 422
    assert "This is no photo that can be read" in answer.text


async def test_a_photo_without_a_code_and_one_that_is_too_large_are_refused(door):
    await door.get(f"{HOME}/check-in")
    answer = await door.post(f"{HOME}/check-in/photo", files={"photo": ("x.jpg", _blank(), "image/jpeg")})
    assert (answer.status_code, "No code is to be seen" in answer.text) == (422, True)
    large = {"photo": ("x.jpg", bytes(9 * 1024 * 1024), "image/jpeg")}
    assert (await door.post(f"{HOME}/check-in/photo", files=large)).status_code == 413


async def test_only_the_check_in_page_may_ask_for_the_camera(door):
    answer = await door.get(f"{HOME}/check-in")
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert "camera=()" in (await door.get(HOME)).headers["permissions-policy"]


async def test_a_list_alone_checks_nobody_in_but_the_card_does(kernel, door, unit):
    booking = await book(kernel, unit["here"])
    await begins(kernel, unit["here"], in_minutes=10)
    page = f"{HOME}/sessions/{unit['here']}/bookings/{booking}"
    await door.get(page)
    number = identity_number(1)
    for wrong in ("000000", number[:6]):
        assert "last six characters" in (await door.post(page, card_end=wrong)).text
    assert (await door.post(page, card_end="1")).status_code == 422
    assert await came(kernel) == []
    done = await door.post(page, card_end=number[-6:].lower())
    assert (done.status_code, done.headers["location"]) == (
        303,
        f"{HOME}/sessions/{unit['here']}?told=checked_in",
    )
    assert await came(kernel) == [("ann", "guard")]


async def test_the_api_takes_the_card_too(kernel, client, token, unit):
    booking = await book(kernel, unit["here"])
    await begins(kernel, unit["here"], in_minutes=10)
    guard = token("guard", roles=("station:st-1",))

    async def ask(**body):
        return (await client.post("/api/v1/check-ins", json=body, headers=guard)).json()

    for unusable in ({}, {"booking": booking}, {"code": "x", "booking": booking, "card_end": "123456"}):
        assert (await ask(**unusable))["code"] == "invalid_request"
    assert (await ask(booking=booking, card_end="000000"))["code"] == "card_differs"
    assert (await ask(booking="x", card_end="000000"))["code"] == "unknown_code"
    assert (await ask(booking=booking, card_end=identity_number(1)[-6:]))["booking"] == booking


async def test_another_station_and_its_lists_are_closed(kernel, client, database_url, door, unit):
    booking = await book(kernel, unit["there"])
    for path in ("/station/st-2", "/station/st-2/check-in", "/station/nobody"):
        assert (await door.get(path)).status_code == 403
    assert (await door.get(f"{HOME}/sessions/{unit['there']}")).status_code == 409
    assert (await door.get(f"{HOME}/sessions/{unit['there']}/bookings/{booking}")).status_code == 409
    assert (await door.get(f"{HOME}/sessions/{2**60}")).status_code == 404
    async with transaction(kernel.engine) as connection:
        await set_state(connection, "st-1", state="suspended", reason="r", by="op")
    assert (await door.get(HOME)).status_code == 403
    asked = await Visiting(client).get(f"{HOME}/check-in")
    assert asked.headers["location"] == "/sign-in?next=%2Fstation%2Fst-1%2Fcheck-in"


async def test_who_works_at_several_stations_chooses_one(client, database_url, unit):
    await account_row(database_url, "both", roles=("station:st-1", "station:st-2", "station:not-yet"))
    both = await signed_in(client, database_url, "both")
    shown = await both.page("/station")
    assert [link["href"] for link in shown.all("a", class_="card")] == ["/station/st-1", "/station/st-2"]


async def test_one_station_is_gone_to_straight_away_and_days_without_sessions_name_the_next(door, unit):
    assert (await door.get("/station")).headers["location"] == HOME
    empty = await door.page(HOME)
    assert "The next one is on" in empty.text
    for day in ("nonsense", "0001-01-01", "9999-12-31"):
        assert (await door.get(f"{HOME}?day={day}")).status_code == 200
    windows = await door.page(f"{HOME}/windows")
    assert "Xihu" in windows.text


async def test_chinese_pages_say_everything_in_chinese(kernel, door, unit):
    await book(kernel, unit["here"])
    door.cookies["gongdao_lang"] = "zh-CN"
    for path in (HOME, f"{HOME}/check-in", f"{HOME}/windows", f"{HOME}/sessions/{unit['here']}"):
        answer = await door.get(path)
        assert answer.status_code == 200
        assert '<html lang="zh-CN">' in answer.text
    assert words_in("zh-CN").code("told.checked_in") == "已签到。"
