"""Finding a session without scripts: what is shown to whom, what an address keeps, and what a crowd costs."""

import asyncio
import gzip
import re
from datetime import datetime, time

import pytest

from booking_api import clock, offers
from booking_api.identity.sessions.csrf import unmasked
from booking_api.pages.assets import ASSETS, asset_path
from tests.booking_api.pages.applicant.conftest import buttons
from tests.booking_api.pages.visitors import CSRF, Shown, Visiting
from tests.planning import in_days, planned
from tests.planning import test_row as row


@pytest.fixture
def stranger(client):
    return Visiting(client)


def units(shown: Shown) -> list[int]:
    return [int(each["data-unit"]) for each in shown.all("li", class_="row")]


async def test_a_stranger_sees_the_first_pools_sessions_with_their_places_and_how_booking_works(
    stranger, city
):
    shown = await stranger.page("/")
    assert units(shown) == city.first
    assert buttons(shown) == city.first
    assert "Xihu site, morning" in shown.text
    assert "How booking works" in shown.text
    assert [each["data-level"] for each in shown.all("li", class_="row")] == ["many"] * 4
    assert [entry["data-pool"] for entry in shown.all("div", id="sessions")] == [str(city.pools["subject-1"])]


async def test_the_page_speaks_chinese(stranger, city):
    shown = await stranger.page("/?lang=zh-CN")
    assert shown.all("html", lang="zh-CN")
    assert "西湖考场 上午" in shown.text
    assert "预约步骤" in shown.text
    assert "余位" in shown.text


async def test_filters_narrow_the_list_and_their_values_stay_in_the_form_and_the_links(stranger, city):
    pool = city.pools["subject-1"]
    shown = await stranger.page(f"/?pool={pool}&class=C1&site=hz-xihu&free=yes")
    assert units(shown) == [city.first[0], city.first[3]]
    chosen = [option for option in shown.all("option") if "selected" in option]
    assert [option.get("value", "C1") for option in chosen] == ["C1", "hz-xihu"]
    assert "checked" in shown.all("input", name="free")[0]
    [week] = [link["href"] for link in shown.all("a") if "view=week" in link.get("href", "")]
    assert week == f"/?pool={pool}&view=week&class=C1&site=hz-xihu&free=yes"


async def test_sites_are_called_what_their_sessions_titles_have_in_common(stranger, city):
    answer = await stranger.get("/")
    assert re.search(r'<option value="hz-xihu">Xihu site, morning · Xihu District</option>', answer.text)


async def test_sites_of_the_wished_district_come_first_in_their_day_and_are_marked(stranger, city):
    answer = await stranger.get(f"/?pool={city.pools['subject-1']}&near=萧山区")
    assert units(Shown(answer)) == [city.first[1], city.first[0], *city.first[2:]]
    assert answer.text.count("your district") == 1


async def test_only_free_places_leaves_out_what_is_full(stranger, enter, holds, city):
    await holds(await enter("applicant-1"), city.first[1])
    path = f"/?pool={city.pools['subject-1']}"
    assert units(await stranger.page(path + "&free=yes")) == [city.first[0], *city.first[2:]]
    full = Shown(await stranger.get(path + "&site=hz-xiaoshan"))
    assert units(full) == [city.first[1]]
    assert "full" in full.text


async def test_a_day_asked_for_begins_the_list_and_earlier_days_are_a_link_away(stranger, city):
    day = in_days(9)
    shown = await stranger.page(f"/?pool={city.pools['subject-1']}&from={day}")
    assert units(shown) == [city.first[3]]
    assert shown.all("input", name="from")[0]["value"] == str(day)
    assert shown.all("a", rel="prev")


async def test_what_is_no_day_is_said_at_its_field_and_the_sessions_are_shown_all_the_same(stranger, city):
    shown = await stranger.page(f"/?pool={city.pools['subject-1']}&from=soon")
    assert shown.status == 422
    assert [field["name"] for field in shown.all("input", aria_invalid="true")] == ["from"]
    assert units(shown) == city.first


@pytest.mark.parametrize("pool", ["0", "x", "999999", "9" * 40, "-1"])
async def test_a_pool_that_there_is_not_is_a_page_of_its_own(stranger, city, pool):
    shown = await stranger.page(f"/?pool={pool}")
    assert shown.status == 404
    assert "There is no such service." in shown.text


async def test_a_week_is_seven_days_with_sessions_as_links_to_hold_them(stranger, city):
    shown = await stranger.page(f"/?pool={city.pools['subject-1']}&view=week&from={in_days(1)}")
    assert len([each for each in shown.all("section") if "column" in each.get("class", "")]) == 7
    cells = shown.all("a", class_="cell")
    assert [int(cell["data-unit"]) for cell in cells] == city.first[:3]
    assert cells[0]["href"].endswith(f"&unit={city.first[0]}#wanted")
    wanted = await stranger.page(cells[0]["href"].partition("#")[0])
    assert buttons(wanted) == [city.first[0]]
    assert "Hold this session" in wanted.text
    assert shown.all("a", rel="next")


async def test_the_booking_that_is_to_be_moved_is_kept_through_every_link_and_form(stranger, city):
    booking = "0192f3c0-1234-8056-9789-0123456789ab"
    shown = await stranger.page(f"/?pool={city.pools['subject-1']}&instead={booking}")
    assert "You are moving a booking" in shown.text
    ours = [link["href"] for link in shown.all("a") if link.get("href", "").startswith("/?")]
    assert ours
    assert all(f"instead={booking}" in link for link in ours)
    assert len(shown.all("input", name="instead", value=booking)) == 2
    assert not (await stranger.page("/?instead=nonsense")).all("input", name="instead")


async def test_who_is_known_is_shown_their_own_class_and_next_subject_and_why(enter, city):
    shown = await (await enter("applicant-2")).page("/")
    assert units(shown)[0] == city.second[0]
    assert "Your learner certificate is for C1 and subject 2 comes next" in shown.text
    every = await (await enter("applicant-5")).page(f"/?pool={city.pools['subject-1']}&class=all")
    assert units(every) == city.first
    assert "comes next" not in every.text


async def test_somebody_with_vehicles_alone_is_shown_inspections_for_them(enter, city):
    shown = await (await enter("applicant-10")).page("/")
    assert shown.all("div", data_pool=str(city.pools["periodic-inspection"]))
    assert len(shown.all("input", name="vehicle") + shown.all("select", name="vehicle")) == 1


async def test_sessions_that_rules_forbid_are_marked_before_they_are_pressed_with_the_first_day_on_top(
    enter, city
):
    browser = await enter("applicant-6")
    shown = await browser.page(f"/?pool={city.pools['subject-2']}")
    assert "you did not pass on" in shown.text
    assert "Possible from" in shown.text
    # Failed five days ago: ten days must pass, so that sessions in three days are barred and those in six are not.
    assert city.second[0] not in buttons(shown)
    assert shown.all("a", href=f"/why?unit={city.second[0]}", class_="why")
    assert {city.second[2]} <= set(buttons(shown))
    [link] = [each["href"] for each in shown.all("a") if f"from={in_days(5)}" in each.get("href", "")]
    assert city.second[0] not in units(await browser.page(link))


async def test_priority_places_are_left_out_for_who_has_none_and_shown_to_who_has(enter, city):
    path = f"/?pool={city.pools['subject-2']}"
    ordinary = await (await enter("applicant-2")).page(path)
    assert units(ordinary) == [city.second[0], city.second[2]]
    assert "left out" in ordinary.text
    assert units(await (await enter("applicant-8")).page(path)) == city.second[:4]


async def test_what_opens_later_says_when_and_has_no_button(stranger, kernel, city):
    opens_at = datetime.combine(in_days(1), time(9), clock.SHANGHAI)
    [unit] = await planned(kernel, [row(subject=4, day=in_days(9))], opens_at=opens_at)
    pool = next(pool.id for pool in await kernel.read_pools() if pool.rule == "subject-4")
    shown = await stranger.page(f"/?pool={pool}")
    assert units(shown) == [unit]
    assert buttons(shown) == []
    assert "opens" in shown.text


async def test_a_crowd_of_strangers_costs_one_reading_a_second(stranger, monkeypatch, city):
    asked = 0
    read = offers.units_of

    async def counted(*args, **options):
        nonlocal asked
        asked += 1
        return await read(*args, **options)

    monkeypatch.setattr(offers, "units_of", counted)
    pages = await asyncio.gather(*(stranger.client.get("/?lang=en") for _ in range(20)))
    assert {page.status_code for page in pages} == {200}
    assert len({page.text for page in pages}) == 1
    assert asked == 1


async def test_a_page_that_is_remembered_for_strangers_is_shown_to_nobody_else(stranger, enter, city):
    path = f"/?pool={city.pools['subject-1']}"
    before = await stranger.get(path)
    mine = await (await enter("applicant-1")).get(path)
    after = await stranger.get(path)
    assert "李雷" in mine.text
    assert CSRF.search(mine.text)[1]
    assert "李雷" not in before.text + after.text
    assert CSRF.search(after.text)[1] == ""
    assert (await stranger.get(path + "&lang=zh-CN")).text != after.text


async def test_a_page_goes_packed_to_browsers_that_take_that_and_its_token_is_another_each_time(enter, city):
    browser = await enter("applicant-1")
    packed = await browser.get("/", **{"Accept-Encoding": "gzip"})
    plain = await browser.get("/", **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) * 3 < int(plain.headers["content-length"])
    assert "Accept-Encoding" in packed.headers["vary"]
    tokens = [CSRF.search(answer.text)[1] for answer in (packed, plain)]
    assert tokens[0] != tokens[1]
    assert unmasked(tokens[0]) == unmasked(tokens[1])


async def test_a_file_goes_packed_as_it_was_packed_at_the_start(client):
    asked = {"Accept-Encoding": "gzip"}
    async with client.stream("GET", asset_path("find.css"), headers=asked) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert raw == ASSETS["find.css"].packed
    assert gzip.decompress(raw) == ASSETS["find.css"].content


async def test_a_wish_for_a_district_is_kept_by_its_name_in_the_plan(stranger, city):
    answer = await stranger.get(f"/?pool={city.pools['subject-1']}&near=萧山区")
    assert '<option value="萧山区" selected>Xiaoshan District</option>' in answer.text
