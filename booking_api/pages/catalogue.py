"""What the pages say, in Chinese and English: gettext catalogues, and how each language writes days, times and numbers.

Imports Babel. English sentences are written where they are shown and are the catalogues' keys. What is told by a code
(a refusal, a rule, a state) has its code as the key, in both languages' `codes` catalogue.
"""

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, NamedTuple, cast

from babel import dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from booking_api.clock import SHANGHAI

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")
LOCALES: Mapping[Language, str] = {"zh-CN": "zh_CN", "en": "en_GB"}
FOLDERS: Mapping[Language, str] = {"zh-CN": "zh_CN", "en": "en"}
_DAY = {"zh-CN": "M月d日 EEE", "en": "EEE d MMM"}
_LONG_DAY = {"zh-CN": "y年M月d日 EEEE", "en": "EEEE d MMMM y"}
_DATE = {"zh-CN": "y年M月d日", "en": "d MMMM y"}
_MONTH = {"zh-CN": "M月", "en": "MMM"}
FEN = 100


class DayWords(NamedTuple):
    """A day's parts as a calendar leaf shows them."""

    number: str
    weekday: str
    month: str


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class Words:
    """One language's sentences; owns its merged catalogues."""

    def __init__(self, lang: Language, catalogues: list[Traversable]) -> None:
        self.lang: Language = lang
        self.locale = LOCALES[lang]
        self._known = Translations()
        for catalogue in catalogues:
            compiled = _compiled(catalogue, FOLDERS[lang])
            self._known.merge(compiled)
            # Merging takes sentences over, not the language's rule for which of a sentence's forms a number needs.
            self._known.plural = compiled.plural
        # Babel types its table of messages loosely; an entry is a sentence.
        self._codes = cast("Mapping[Any, str]", self._known._catalog)  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: SLF001

    def text(self, sentence: str, **facts: object) -> str:
        """An English sentence in this language, with `%(name)s` filled in."""
        said = self._known.gettext(sentence)
        return said % facts if facts else said

    def plural(self, one: str, many: str, n: int, **facts: object) -> str:
        """The sentence for a count, which fills `%(n)s`."""
        return self._known.ngettext(one, many, n) % {"n": self.number(n), **facts}

    def code(self, key: str, facts: Mapping[str, object] | None = None, *, instead: str | None = None) -> str:
        """What a code such as `rule.fee_due` says, with `{name}` filled in; `instead` where there is no such sentence.

        A name that no fact fills stays as it is written: a refusal with a gap is better than none.

        Raises:
            KeyError: there is neither.
        """
        said = self._codes.get(key)
        if said is None:
            if instead is None:
                raise KeyError(key)
            return instead
        return said.format_map(_Facts((name, _spelled(value)) for name, value in (facts or {}).items()))

    def has(self, key: str) -> bool:
        """Whether there is a sentence for this code."""
        return key in self._codes

    def named(self, told: Mapping[str, str]) -> str:
        """A title or name in this language, else in any it has."""
        return told.get(self.lang) or next(iter(told.values()), "")

    def district(self, name: str) -> str:
        """What a district is called in this language, else the name that the plan gives it."""
        return self.code(f"district.{name}", instead=name)

    def day(self, day: date | datetime) -> str:
        """A day of this year, short: `Tue 24 Nov`."""
        return _day(_in_china(day), self.locale, _DAY[self.lang])

    def long_day(self, day: date | datetime) -> str:
        """A day in full."""
        return _day(_in_china(day), self.locale, _LONG_DAY[self.lang])

    def full_date(self, day: date | datetime) -> str:
        """A day in full without its weekday, for one that is years away."""
        return _day(_in_china(day), self.locale, _DATE[self.lang])

    def leaf(self, day: date) -> DayWords:
        """A day as a calendar leaf."""
        weekday = _day(day, self.locale, "EEE")
        return DayWords(str(day.day), weekday, _day(day, self.locale, _MONTH[self.lang]))

    def time(self, moment: datetime) -> str:
        """A moment's time of day in China, `08:30`."""
        return moment.astimezone(SHANGHAI).strftime("%H:%M")

    def time_to_the_second(self, moment: datetime) -> str:
        """A moment's time of day in China where seconds count, `10:42:30`."""
        return moment.astimezone(SHANGHAI).strftime("%H:%M:%S")

    def moment(self, moment: datetime) -> str:
        """A moment's day and time in China."""
        return f"{self.day(moment)} {self.time(moment)}"

    def number(self, number: float) -> str:
        """A number with its language's grouping."""
        return numbers.format_decimal(number, locale=self.locale)

    def percent(self, share: float) -> str:
        """A share from 0 to 1."""
        return numbers.format_percent(share, locale=self.locale)

    def money(self, fen: int) -> str:
        """An amount of fen as yuan."""
        return "¥" + numbers.format_decimal(fen / FEN, "#,##0.00", locale=self.locale)

    def duration(self, span: timedelta) -> str:
        """A span in its largest unit: `3 days`."""
        return dates.format_timedelta(span, locale=self.locale, threshold=1)


@cache
def words_in(lang: Language, packages: tuple[str, ...] = ()) -> Words:
    """Every sentence of the pages in one language, and those of these services' packages beside them."""
    found: list[Traversable] = []
    for package in ("booking_api.pages", *packages):
        folder = files(package) / "locale" / FOLDERS[lang]
        if folder.is_dir():
            found += sorted(
                (entry for entry in folder.iterdir() if entry.name.endswith(".po")),
                key=lambda entry: entry.name,
            )
    return Words(lang, found)


def language_of(asked: str | None, kept: str | None, accepted: str | None) -> Language:
    """The language asked for by name, else the one kept, else the first accepted one we have, else Chinese.

    >>> language_of("en", "zh-CN", None), language_of(None, None, "fr;q=0.9, en-GB;q=0.8, zh;q=0.5")
    ('en', 'en')
    >>> language_of("tlh", None, "*")
    'zh-CN'
    """
    for wanted in (asked or "", kept or "", *_by_preference(accepted or "")):
        for language in LANGUAGES:
            if wanted and wanted.partition("-")[0].lower() == language.partition("-")[0]:
                return language
    return "zh-CN"


def in_language(told: Mapping[str, str], lang: Language) -> str:
    """A title or name in this language, else in any it has."""
    return told.get(lang) or next(iter(told.values()), "")


def _compiled(catalogue: Traversable, folder: str) -> Translations:
    compiled = io.BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file, locale=folder))
    compiled.seek(0)
    return Translations(compiled)


def _spelled(value: object) -> object:
    """A fact for a sentence: several values are told one after the other."""
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list | tuple) else value


def _in_china(day: date | datetime) -> date:
    return day.astimezone(SHANGHAI).date() if isinstance(day, datetime) else day


@lru_cache(maxsize=4_096)
def _day(day: date, locale: str, form: str) -> str:
    return dates.format_date(day, form, locale=locale)


def _by_preference(accepted: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((float(quality or 1), name))
        except ValueError:
            continue
    return [name for _, name in sorted(weighted, key=lambda each: -each[0])]
