"""What the demo city consists of: a pure function of its founding day, the same on every machine.

Three city offices of one province, six test sites, four inspection stations, three weeks of sessions. Nothing is drawn
by chance: what varies is read off a digest of the thing's own name. May import the rows and names of `plans`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from typing import Any, NamedTuple

import msgspec

from booking_api.plans.publishing import INSPECTION_TITLE, SUBJECT_TITLES, rule_of
from booking_api.plans.rows import SessionRow

WEEKS = 3
SEATS_FEWEST = 10
SEATS_MOST = 40
WINDOW_FEWEST = 4
WINDOW_MOST = 12
POPULAR_SEATS = 500
PRIORITY_ONE_IN = 12
"""One place in so many is for learners whose certificate ends soon."""

Words = dict[str, str]


class AuthorityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An authority to register; parents come before their children."""

    id: str
    level: str
    parent: str | None
    name: Words


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to publish, in one transaction: the sessions of one pool."""

    authority: str
    service: str
    title: Words
    sessions: tuple[SessionRow, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """The pool that the sessions become units of: (authority, service, rule)."""
        return self.authority, self.service, rule_of(self.service, self.sessions[0].subject)


class _Place(NamedTuple):
    authority: str
    code: str
    district: str
    chinese: str
    english: str


class _Slot(NamedTuple):
    start: time
    end: time
    chinese: str
    english: str


class _Subject(NamedTuple):
    number: int
    weekdays: str
    slots: tuple[_Slot, ...]
    classes: tuple[str, ...]


AUTHORITIES = (
    AuthorityPlan(
        id="cn",
        level="ministry",
        parent=None,
        name={"zh-CN": "公安部交通管理局", "en": "Traffic Management Bureau, Ministry of Public Security"},
    ),
    AuthorityPlan(
        id="cn-zj",
        level="province",
        parent="cn",
        name={"zh-CN": "浙江省", "en": "Zhejiang Province"},
    ),
    AuthorityPlan(id="cn-zj-hz", level="city", parent="cn-zj", name={"zh-CN": "杭州", "en": "Hangzhou"}),
    AuthorityPlan(id="cn-zj-nb", level="city", parent="cn-zj", name={"zh-CN": "宁波", "en": "Ningbo"}),
    AuthorityPlan(id="cn-zj-jx", level="city", parent="cn-zj", name={"zh-CN": "嘉兴", "en": "Jiaxing"}),
)

_SITES = (
    _Place("cn-zj-hz", "hz-xihu", "西湖区", "西湖考场", "Xihu site"),
    _Place("cn-zj-hz", "hz-xiaoshan", "萧山区", "萧山考场", "Xiaoshan site"),
    _Place("cn-zj-nb", "nb-yinzhou", "鄞州区", "鄞州考场", "Yinzhou site"),
    _Place("cn-zj-nb", "nb-beilun", "北仑区", "北仑考场", "Beilun site"),
    _Place("cn-zj-jx", "jx-nanhu", "南湖区", "南湖考场", "Nanhu site"),
    _Place("cn-zj-jx", "jx-haining", "海宁市", "海宁考场", "Haining site"),
)
_STATIONS = (
    _Place("cn-zj-hz", "hz-gongshu", "拱墅区", "拱墅检测站", "Gongshu station"),
    _Place("cn-zj-hz", "hz-binjiang", "滨江区", "滨江检测站", "Binjiang station"),
    _Place("cn-zj-nb", "nb-haishu", "海曙区", "海曙检测站", "Haishu station"),
    _Place("cn-zj-jx", "jx-xiuzhou", "秀洲区", "秀洲检测站", "Xiuzhou station"),
)

_THEORY = (
    _Slot(time(9, 0), time(10, 0), "上午场", "morning"),
    _Slot(time(14, 30), time(15, 30), "下午场", "afternoon"),
)
_FIELD = (
    _Slot(time(8, 30), time(11, 30), "上午场", "morning"),
    _Slot(time(13, 30), time(16, 30), "下午场", "afternoon"),
)
_WINDOWS = (
    _Slot(time(8, 30), time(10, 0), "第一时段", "first window"),
    _Slot(time(10, 0), time(11, 30), "第二时段", "second window"),
    _Slot(time(13, 30), time(15, 0), "第三时段", "third window"),
    _Slot(time(15, 0), time(16, 30), "第四时段", "fourth window"),
)
# Monday is 1. Small cars are most of the demand; the heavy classes and motorcycles come round once in a while.
_SUBJECTS = (
    _Subject(
        1,
        "135",
        _THEORY,
        ("C1", "C1", "C2", "B2", "C1", "A1", "C2", "D"),
    ),
    _Subject(
        2,
        "12456",
        _FIELD,
        ("C1", "C2", "C1", "B2", "C1", "C2", "D", "C1", "A1", "C2"),
    ),
    _Subject(
        3,
        "2345",
        _FIELD,
        ("C1", "C1", "C2", "C1", "B2", "C2", "C1", "A2", "C5"),
    ),
    _Subject(
        4,
        "246",
        _THEORY,
        ("C1", "C2", "C1", "B2", "C1", "D"),
    ),
)
POPULAR_POOL = ("cn-zj-hz", "driving_test", "subject-3")
"""The pool people queue for: it has one session of POPULAR_SEATS, and opening rushes are played in it."""


def plan_demo_city(founding_day: date) -> tuple[DemoPlan, ...]:
    """Every pool of the demo city, for the WEEKS after the founding day (a day in Shanghai).

    >>> len(plan_demo_city(date(2026, 11, 23))), len(plan_demo_city(date(2026, 11, 23))[0].sessions)
    (15, 36)
    """
    cities = [authority.id for authority in AUTHORITIES if authority.level == "city"]
    return tuple(
        pool
        for city in cities
        for pool in (
            *(_test_pool(city, subject, founding_day) for subject in _SUBJECTS),
            _inspection_pool(city, founding_day),
        )
    )


def rush_plan(*, seats: int, day: date) -> DemoPlan:
    """A fresh session for an opening rush, in the popular pool."""
    slot = _Slot(time(17, 0), time(19, 0), "放号演练", "opening rush")
    session = msgspec.structs.replace(
        _session(_SITES[0], _SUBJECTS[2], day, slot, vehicle_class="C1", seats=seats),
        capacity=seats,
        priority_capacity=0,
    )
    title = {"zh-CN": "放号演练", "en": "Opening rush"}
    return DemoPlan(authority=POPULAR_POOL[0], service=POPULAR_POOL[1], title=title, sessions=(session,))


def _test_pool(city: str, subject: _Subject, founding_day: date) -> DemoPlan:
    sessions = list(_sessions(city, subject, founding_day))
    if (city, "driving_test", rule_of("driving_test", subject.number)) == POPULAR_POOL:
        sessions.append(_popular_session(subject, founding_day))
    return DemoPlan(
        authority=city,
        service="driving_test",
        title=SUBJECT_TITLES[subject.number],
        sessions=tuple(sorted(sessions, key=_order)),
    )


def _sessions(city: str, subject: _Subject, founding_day: date) -> Iterator[SessionRow]:
    turn = 0
    for day in _days(founding_day, subject.weekdays):
        for site in _SITES:
            if site.authority != city:
                continue
            for slot in subject.slots:
                vehicle_class = subject.classes[turn % len(subject.classes)]
                seats = _between(SEATS_FEWEST, SEATS_MOST, site.code, str(subject.number), str(turn))
                yield _session(site, subject, day, slot, vehicle_class=vehicle_class, seats=seats)
                turn += 1


def _popular_session(subject: _Subject, founding_day: date) -> SessionRow:
    day = next(_days(founding_day + timedelta(weeks=1), "6"))
    slot = _Slot(time(8, 30), time(16, 30), "周末大场", "weekend special")
    return _session(_SITES[0], subject, day, slot, vehicle_class="C1", seats=POPULAR_SEATS)


def _session(
    site: _Place, subject: _Subject, day: date, slot: _Slot, *, vehicle_class: str, seats: int
) -> SessionRow:
    priority = seats // PRIORITY_ONE_IN if subject.number > 1 else 0
    return SessionRow(
        **_place_and_time(site, day, slot),
        subject=subject.number,
        vehicle_class=vehicle_class,
        capacity=seats - priority,
        priority_capacity=priority,
    )


def _inspection_pool(city: str, founding_day: date) -> DemoPlan:
    sessions = [
        SessionRow(
            **_place_and_time(station, day, window),
            capacity=_between(
                WINDOW_FEWEST, WINDOW_MOST, station.code, str(day.isoweekday()), window.english
            ),
        )
        for day in _days(founding_day, "12345")
        for station in _STATIONS
        if station.authority == city
        for window in _WINDOWS
    ]
    return DemoPlan(
        authority=city,
        service="inspection",
        title=INSPECTION_TITLE,
        sessions=tuple(sorted(sessions, key=_order)),
    )


def _place_and_time(place: _Place, day: date, slot: _Slot) -> dict[str, Any]:
    return {
        "site": place.code,
        "title": f"{place.chinese} {slot.chinese}",
        "title_en": f"{place.english}, {slot.english}",
        "district": place.district,
        "day": day,
        "start": f"{slot.start:%H:%M}",
        "end": f"{slot.end:%H:%M}",
    }


def _days(founding_day: date, weekdays: str) -> Iterator[date]:
    for number in range(1, WEEKS * 7 + 1):
        day = founding_day + timedelta(days=number)
        if str(day.isoweekday()) in weekdays:
            yield day


def _order(session: SessionRow) -> tuple[date, str, str]:
    return session.day, session.start, session.site


def _between(fewest: int, most: int, *names: str) -> int:
    digest = hashlib.blake2b("/".join(names).encode(), digest_size=8).digest()
    return fewest + int.from_bytes(digest) % (most - fewest + 1)


def count_units(plans: Sequence[DemoPlan]) -> int:
    """How many units these plans become: one for each quota of a session that has places."""
    sessions = (session for plan in plans for session in plan.sessions)
    return sum((session.capacity > 0) + (session.priority_capacity > 0) for session in sessions)
