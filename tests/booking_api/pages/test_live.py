"""The page at `/`, as the server renders it: what it shows, in which language, and what it tells the browser."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from reservation import NewUnit, UnitKind, listing, publish_pool, publish_unit
from reservation.errors import Unavailable
from reservation.fresh import FRESH_S

HANGZHOU, NINGBO = "cn-zj-hz", "cn-zj-nb"


class Page(HTMLParser):
    """What a test asks of a page: its elements with their attributes, and its text."""

    def __init__(self, answer) -> None:
        super().__init__()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, **wanted):
        return [
            attributes
            for name, attributes in self.elements
            if name == tag
            and all(
                attributes.get(key.rstrip("_").replace("_", "-")) == value for key, value in wanted.items()
            )
        ]


async def page(visitor, path="/?lang=en", **headers) -> Page:
    return Page(await visitor.get(path, headers=headers))


async def test_the_first_page_is_the_first_pool_with_its_live_counts(visitor, pools):
    shown = await page(visitor)
    [main] = shown.all("main")
    assert main["data-pool"] == str(pools[HANGZHOU, "subject-1"])
    assert len(shown.all("li", class_="row")) == 36
    assert "Subject 1" in shown.text
    assert "demo" in shown.text
    assert not shown.all("li", data_level="unknown")


async def test_a_pool_is_chosen_by_its_id(visitor, pools):
    shown = await page(visitor, f"/?pool={pools[NINGBO, 'subject-3']}&lang=en")
    assert "Yinzhou site, morning" in shown.text
    assert [link["href"] for link in shown.all("a", aria_current="page")] == [
        f"/?pool={pools[NINGBO, 'subject-3']}&lang=en"
    ] * 2


async def test_another_authority_is_offered_with_the_same_rule(visitor, pools):
    shown = await page(visitor, f"/?pool={pools[HANGZHOU, 'subject-2']}&lang=en")
    assert shown.all("a", href=f"/?pool={pools[NINGBO, 'subject-2']}&lang=en")


async def test_sessions_of_one_class_can_be_shown_alone(visitor, pools):
    answer = await visitor.get(f"/?pool={pools[HANGZHOU, 'subject-1']}&class=D&lang=en")
    classes = re.findall(r'<p class="class"[^>]*>([^<]*)</p>', answer.text)
    assert 0 < len(classes) < 36
    assert set(classes) == {"D"}


async def test_sessions_that_have_begun_are_not_shown(visitor, kernel, pools, today):
    pool = pools[HANGZHOU, "subject-3"]
    before = len((await page(visitor, f"/?pool={pool}&lang=en")).all("li", class_="row"))
    for seats, year in ((5, today.year - 1), (6, today.year + 1)):
        at = datetime(year, today.month, 1, 9, tzinfo=UTC)
        new = NewUnit(
            kind=UnitKind.SESSION,
            title={"en": "S"},
            capacity=seats,
            starts_at=at,
            ends_at=at + timedelta(hours=1),
        )
        await publish_unit(kernel, pool_id=pool, new=new)
    await asyncio.sleep(FRESH_S)
    rows = (await page(visitor, f"/?pool={pool}&lang=en")).all("li", class_="row")
    assert len(rows) == before + 1
    assert rows[-1]["data-capacity"] == "6"


@pytest.mark.parametrize(
    ("query", "accepted", "lang", "word"),
    [
        ("?lang=en", "zh-CN", "en", "Road driving"),
        ("?lang=zh-CN", "en", "zh-CN", "道路驾驶"),
        ("", "en-GB,en;q=0.8", "en", "Road driving"),
        ("", "fr, zh;q=0.5, en;q=0.9", "en", "Road driving"),
        ("", "fr", "zh-CN", "道路驾驶"),
        ("?lang=tlh", "", "zh-CN", "道路驾驶"),
    ],
)
async def test_the_page_speaks_the_asked_or_accepted_language(visitor, query, accepted, lang, word):
    answer = await visitor.get(f"/{query}", headers={"Accept-Language": accepted})
    assert answer.headers["vary"] == "Accept-Language"
    shown = Page(answer)
    assert shown.all("html", lang=lang)
    assert word in shown.text


async def test_the_page_may_run_nothing_that_is_not_its_own(visitor, pools):
    answer = await visitor.get(f"/?pool={pools[HANGZHOU, 'periodic-inspection']}")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    shown = Page(answer)
    assert all(script["src"].startswith("/static/") for script in shown.all("script"))
    assert not shown.all("style")
    for _, attributes in shown.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))


async def test_every_asset_the_page_names_is_there(visitor):
    shown = await page(visitor)
    paths = {a.get("src") or a.get("href") for tag, a in shown.elements if tag in {"script", "link", "img"}}
    assert len(paths) == 3
    for path in paths:
        assert (await visitor.get(path)).status_code == 200


async def test_without_scripts_the_page_is_readable_and_says_what_is_missing(visitor):
    shown = await page(visitor)
    assert "Holding and confirming need JavaScript for now." in shown.text
    assert all("hidden" in button for button in shown.all("button", class_="hold"))
    assert "hidden" in shown.all("aside", id="mine")[0]


async def test_the_demo_applicants_can_be_chosen(visitor):
    shown = await page(visitor)
    assert [option["value"] for option in shown.all("option")] == [
        "",
        *(f"applicant-{n}" for n in range(1, 13)),
        "newcomer",
    ]


async def test_without_demo_sign_ins_there_is_nobody_to_choose(client, token, pools):
    """`token` makes the key; `client` is the application with demo sign-ins off."""
    shown = await page(client)
    assert not shown.all("option")
    assert "Sign-in is not open yet." in shown.text


@pytest.mark.parametrize("pool", ["999999", "abc", "-1", "", "99999999999", "²"])
async def test_a_pool_that_is_not_there_is_a_page_that_says_so(visitor, pool):
    answer = await visitor.get("/", params={"pool": pool, "lang": "en"})
    assert answer.status_code == 404
    assert "There is no pool with this id." in Page(answer).text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_a_platform_without_pools_has_a_page_too(client, token):
    answer = await client.get("/?lang=en")
    assert answer.status_code == 200
    assert "Nothing is given out at the moment." in Page(answer).text


async def test_unknown_counts_are_shown_as_unknown(visitor, monkeypatch):
    """Reads stay open when Valkey is down: PostgreSQL's sessions without live counts."""

    async def silent(*_, **__):
        raise Unavailable(part="valkey")

    monkeypatch.setattr(listing, "free_places", silent)
    answer = await visitor.get("/?lang=en")
    assert answer.status_code == 200
    rows = Page(answer).all("li", class_="row")
    assert {row["data-level"] for row in rows} == {"unknown"}


async def test_a_database_that_is_silent_is_a_page_that_says_when_to_come_again(visitor, monkeypatch):
    async def silent(*_):
        raise Unavailable(part="postgresql")

    monkeypatch.setattr("reservation.Kernel.read_pools", silent)
    answer = await visitor.get("/?lang=zh-CN")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "部分服务暂无响应" in Page(answer).text


async def test_titles_are_text_and_never_markup(client, token, kernel, city, today):
    await city()
    evil = "<script>alert(1)</script>\"'><img src=x>"
    at = datetime(today.year + 1, 1, 5, 9, tzinfo=UTC)
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service="driving_test",
        rule=evil,
        title={"en": evil},
        hold_ttl_s=60,
        units=[
            NewUnit(
                kind=UnitKind.SESSION,
                title={"en": evil},
                capacity=1,
                starts_at=at,
                ends_at=at + timedelta(hours=1),
                attributes={"class": evil},
            )
        ],
    )
    shown = await page(client, f"/?pool={pool}&lang=en&class=")
    assert [script["src"] for script in shown.all("script")] == [shown.all("script")[0]["src"]]
    assert [image["src"] for image in shown.all("img")] == [shown.all("img")[0]["src"]]
    assert evil in shown.text
