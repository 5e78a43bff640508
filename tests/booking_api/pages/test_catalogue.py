"""The pages' two languages: complete, and each sentence with what it fills in."""

import doctest
import re
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from booking_api.errors import ApiError
from booking_api.pages import catalogue, extraction, plots
from booking_api.pages.account import signing_in
from booking_api.pages.catalogue import words_in
from booking_api.pages.extraction import (
    PAGES,
    catalogue_of,
    known_of,
    rooms_of,
    sentences_of,
    spelled_wrong,
)
from reservation.errors import ReservationError

SERVICES = [Path(str(files("services"))) / "disclosure"]
FOLDERS = [PAGES, *SERVICES]

# What only programs meet: pages send well-formed keys, tokens and bodies, and have no peers' signatures.
NOT_FROM_A_PAGE = {
    "idempotency_key_missing",
    "idempotency_key_reused",
    "unknown_promise",
    "unsupported_media_type",
    "signature_invalid",
    "payment_mismatch",
    "refresh_refused",
    "session_missing",
    "key_scope_missing",
    "unknown_applicant",
    "no_appointment",
    # The page of the second step follows by itself.
    "second_factor_needed",
}


def keyed(lang: str) -> dict[str, str]:
    """Everything that is told by a code, in one language."""
    found: dict[str, str] = {}
    for entry in (PAGES / "locale" / lang).iterdir():
        if entry.name.startswith("codes"):
            new = known_of(entry)
            assert not found.keys() & new.keys(), f"{entry.name} says again what another catalogue says"
            found |= new
    return found


def test_examples_in_the_docstrings_are_true():
    for module in (catalogue, plots, signing_in):
        assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_sentence_of_every_room_is_said_in_chinese_and_no_translation_is_left_over(folder):
    shared = sentences_of(rooms_of(PAGES)[extraction.SHELL])
    for room, sources in rooms_of(folder).items():
        said = sentences_of(sources)
        wanted = said if room == extraction.SHELL else said - shared
        known = known_of(catalogue_of(folder, room))
        assert known.keys() == wanted, f"run: python -m booking_api.pages.extraction {folder}"
        wrong = [sentence for sentence, other in known.items() if spelled_wrong(sentence, other)]
        assert wrong == [], room


def test_a_sentence_is_translated_alike_in_every_room():
    """The catalogues are one at run time: of two translations, one room would say the other's."""
    found: dict[object, set[object]] = {}
    for entry in (PAGES / "locale" / "zh_CN").iterdir():
        for sentence, other in known_of(entry).items():
            found.setdefault(sentence, set()).add(other)
    assert {sentence: others for sentence, others in found.items() if len(others) > 1} == {}


def test_a_sentence_without_translation_or_with_another_name_is_found():
    """The check above can fail."""
    assert spelled_wrong("Possible from %(day)s.", "")
    assert spelled_wrong("Possible from %(day)s.", "最早 %(date)s")
    assert spelled_wrong(("%(n)s seat", "%(n)s seats"), ("",))
    assert not spelled_wrong(("%(n)s seat", "%(n)s seats"), ("%(n)s 个席位",))


def test_templates_and_modules_are_both_read(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text(
        '{{ _("One") }} {% trans n=3 %}{{ n }} seat{% pluralize %}{{ n }} seats{% endtrans %}'
    )
    (tmp_path / "a.py").write_text('words.text("Two", x=1)')
    assert extraction.update(tmp_path) == 3
    known = known_of(catalogue_of(tmp_path, tmp_path.name))
    assert known.keys() == {"One", "Two", ("%(n)s seat", "%(n)s seats")}


def test_what_is_told_by_code_is_told_in_both_languages():
    chinese, english = keyed("zh_CN"), keyed("en")
    assert all(chinese.values())
    assert all(english.values())
    # Of a refusal and of a room's reason, English has the error's own sentence where that is good enough.
    only_chinese = {
        key for key in chinese.keys() - english.keys() if re.fullmatch(r"[a-z_]+(\.[a-z0-9_.]+)+", str(key))
    }
    assert {key for key in only_chinese if not key.startswith("problem.")} == set()
    assert english.keys() - chinese.keys() == set()


def test_both_languages_of_a_code_fill_in_the_same():
    chinese, english = keyed("zh_CN"), keyed("en")
    names = re.compile(r"\{(\w+)\}")
    for key in chinese.keys() & english.keys():
        assert set(names.findall(chinese[key])) == set(names.findall(english[key])), key


def test_every_refusal_a_person_can_meet_is_told_in_chinese():
    codes = {error.code for error in (*_subclasses(ReservationError), *_subclasses(ApiError))}
    told = {key.removeprefix("problem.") for key in keyed("zh_CN") if str(key).startswith("problem.")}
    assert codes - NOT_FROM_A_PAGE - told == set()


def test_every_rule_that_can_refuse_has_its_sentence_and_no_other_has():
    rooms = (files("booking_api.rules"), files("booking_api.eligibility"))
    sources = [entry.read_text() for room in rooms for entry in room.iterdir() if entry.name.endswith(".py")]
    rules = {name for source in sources for name in re.findall(r'Refusal\(\s*\[?"([a-z_]+)"', source)}
    assert len(rules) == 21
    assert {key.removeprefix("rule.") for key in keyed("en") if str(key).startswith("rule.")} == rules


def test_days_times_numbers_and_money_are_written_as_each_language_does():
    chinese, english = words_in("zh-CN"), words_in("en")
    day = date(2026, 11, 24)
    assert (chinese.day(day), english.day(day)) == ("11月24日 周二", "Tue 24 Nov")
    assert (chinese.long_day(day), english.long_day(day)) == (
        "2026年11月24日 星期二",
        "Tuesday 24 November 2026",
    )
    assert (chinese.full_date(day), english.full_date(day)) == ("2026年11月24日", "24 November 2026")
    assert (chinese.money(13050), english.money(1300000)) == ("¥130.50", "¥13,000.00")
    assert (chinese.duration(timedelta(days=3)), english.duration(timedelta(days=1))) == ("3天", "1 day")
    assert (
        english.plural("%(n)s seat", "%(n)s seats", 1),
        english.plural("%(n)s seat", "%(n)s seats", 1200),
    ) == (
        "1 seat",
        "1,200 seats",
    )


def test_a_district_is_named_in_the_reader_s_language_and_an_unlisted_one_as_its_plan_has_it():
    chinese, english = words_in("zh-CN"), words_in("en")
    assert (chinese.district("萧山区"), english.district("萧山区")) == ("萧山区", "Xiaoshan District")
    assert english.district("某某区") == "某某区"


def test_every_district_of_the_demo_is_named_in_english():
    sites = files("booking_api.demo").joinpath("plan.py").read_text()
    districts = set(re.findall(r'"(\w+[区县市])"', sites))
    assert len(districts) > 5
    assert {name for name in districts if not words_in("en").has(f"district.{name}")} == set()


def test_a_code_nobody_wrote_is_an_error_and_not_an_empty_page():
    with pytest.raises(KeyError):
        words_in("en").code("told.nothing")
    assert words_in("en").code("problem.nothing", instead="So it is.") == "So it is."


def _subclasses(kind: type) -> list[type]:
    return [
        kind
        for child in kind.__subclasses__()
        for kind in (child, *_subclasses(child))
        if hasattr(kind, "code")
    ]
