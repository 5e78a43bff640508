"""People who want sessions: what they truly want, how long they have waited, when they come. From a seed alone.

A form is what a person truly wants, best first: sessions they name one by one, drawn by popularity and nearness, and for
half of the people a last line "any session in my district".
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import msgspec

from allocator.order import History, Missed
from allocator.simulation.stream import Stream, Weighted
from fairness.rounds.problem import Line

Form: TypeAlias = tuple[Line, ...]
"""Lines of session numbers, best first."""

DISTRICTS = 5
WEEK_S = 7 * 24 * 3600
HONEST, LIAR, BOT = "honest", "liar", "bot"
KINDS = (HONEST, LIAR, BOT)
APP, WEB, COUNTER = "app", "web", "counter"
CHANNELS = (APP, WEB, COUNTER)
NEAR = 6.0
"""How much likelier one asks for a session of one's own district."""
POPULARITY_FALL = 0.9
"""The session of popularity rank r is asked for in proportion to 1 / r to this power."""
NAMED_LEAST, NAMED_MOST = 2, 5
ANYWHERE_SHARE = 0.35
RESITTING_SHARE, MISSED_SHARE, OWN_FAULT_SHARE = 0.35, 0.12, 0.7
CHANNEL_SHARES = (0.6, 0.25, 0.15)
MEDIAN_ARRIVALS_S = (600, 1500, 4 * 3600)
"""By channel, after how long half of its people have come; spread as a log-normal with sigma 1."""
BOT_SLOWEST_S = 20
BOT_LINES = 12


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated; `seed` is 64 hex digits.

    Shares are of the applications: the bots' and the liars' from 0 to 1, the seats' above 1 where there are more seats than
    applications, as a roster may have.
    """

    applications: int = 3_000
    sessions: int = 60
    seats_share: float = 0.8
    bots_share: float = 0.05
    liars_share: float = 0.2
    identities: int = 5
    weeks: int = 8
    rounds: int = 8
    seed: str = "5f1c0d9a7e3b42688c9e1f0a6d2b4c7785a9301e6fd84c2b9a07e5d31c86f4b2"


class Session(NamedTuple):
    """A session: where and how many."""

    id: str
    district: int
    capacity: int


class Person(NamedTuple):
    """Somebody with a true form. `weeks`: how long they have waited; `arrival_s`: when they come after booking opens."""

    id: str
    kind: str
    channel: str
    district: int
    weeks: int
    arrival_s: int
    history: History
    form: Form


class Demand(NamedTuple):
    """`placeholders` are the bots' further identities, which ask only where identities are not checked."""

    sessions: Sequence[Session]
    people: Sequence[Person]
    placeholders: Sequence[Person]

    @property
    def capacities(self) -> list[int]:
        """Seats by session."""
        return [session.capacity for session in self.sessions]


def make_demand(parameters: Parameters, sessions: Sequence[Session] | None = None) -> Demand:
    """The demand of these parameters; the sessions are made too unless they are given."""
    seed = bytes.fromhex(parameters.seed)
    if sessions is None:
        sessions = make_sessions(parameters)
    asking = Asking(sessions, Stream(seed, "popularity"))
    people = make_people(parameters, asking, name="people", count=parameters.applications)
    stream = Stream(seed, "placeholders")
    placeholders = [
        one._replace(
            id=f"{one.id}+{number}", arrival_s=stream.below(BOT_SLOWEST_S), form=asking.popular(stream)
        )
        for one in people
        if one.kind == BOT
        for number in range(1, parameters.identities)
    ]
    return Demand(sessions, people, placeholders)


def make_sessions(parameters: Parameters) -> list[Session]:
    """Sessions in all districts that share the seats as evenly as whole numbers can."""
    seats, count = seats_of(parameters), parameters.sessions
    return [
        Session(
            f"s{number + 1:04}", number % DISTRICTS, seats * (number + 1) // count - seats * number // count
        )
        for number in range(count)
    ]


def seats_of(parameters: Parameters) -> int:
    """How many seats there are, to the nearest."""
    return round(parameters.applications * parameters.seats_share)


def false_of(parameters: Parameters, count: int) -> tuple[int, int]:
    """(bots, liars) among so many people, each to the nearest person."""
    return round(count * parameters.bots_share), round(count * parameters.liars_share)


class Asking:
    """What people ask for: by popularity, and rather near them."""

    def __init__(self, sessions: Sequence[Session], stream: Stream) -> None:
        ranks = stream.shuffled(len(sessions))
        weights = [1 / (rank + 1) ** POPULARITY_FALL for rank in ranks]
        self._by_popularity = sorted(range(len(sessions)), key=ranks.__getitem__)
        self._districts = [
            tuple(number for number, session in enumerate(sessions) if session.district == district)
            for district in range(DISTRICTS)
        ]
        self._near = [
            Weighted(
                [
                    weight * (NEAR if session.district == district else 1)
                    for weight, session in zip(weights, sessions, strict=True)
                ]
            )
            for district in range(DISTRICTS)
        ]
        self._count = len(sessions)

    def form(self, stream: Stream, district: int) -> Form:
        """What somebody who lives there truly wants."""
        wanted = min(NAMED_LEAST + stream.below(NAMED_MOST - NAMED_LEAST + 1), self._count)
        named = [(session,) for session in self._near[district].draw(stream, wanted)]
        anywhere = self._districts[district]
        if len(anywhere) > 1 and stream.chance(ANYWHERE_SHARE):
            return (*named, anywhere)
        return tuple(named)

    def popular(self, stream: Stream) -> Form:
        """What sells best: of the most popular fifth of the sessions, at most `BOT_LINES` from one drawn by lot on."""
        best = self._by_popularity[: max(self._count // 5, 1)]
        start = stream.below(len(best))
        return tuple((session,) for session in (*best[start:], *best[:start])[:BOT_LINES])


def make_people(
    parameters: Parameters, asking: Asking, *, name: str, count: int, weeks: int | None = None
) -> list[Person]:
    """So many people with ids that begin with the name; `weeks` where all have waited as long."""
    stream = Stream(bytes.fromhex(parameters.seed), name)
    kinds = _kinds(parameters, stream, count)
    channels = list(accumulate(CHANNEL_SHARES))
    people: list[Person] = []
    for number, kind in enumerate(kinds):
        place = next(place for place, upto in enumerate(channels) if stream.unit() < upto or place == 2)
        waited = stream.below(parameters.weeks) if weeks is None else weeks
        district = stream.below(DISTRICTS)
        person = Person(
            id=f"{name}-{number + 1:06}",
            kind=kind,
            channel=CHANNELS[place],
            district=district,
            weeks=waited,
            arrival_s=round(MEDIAN_ARRIVALS_S[place] * math.exp(stream.normal())),
            history=_history(stream, waited, parameters.weeks),
            form=asking.form(stream, district),
        )
        if kind == BOT:
            person = person._replace(
                channel=APP, arrival_s=stream.below(BOT_SLOWEST_S), form=asking.popular(stream)
            )
        people.append(person)
    return people


def _kinds(parameters: Parameters, stream: Stream, count: int) -> list[str]:
    """Exactly the shares asked for, to the nearest person, whoever they are."""
    bots, liars = false_of(parameters, count)
    kinds = [HONEST] * count
    for place, index in enumerate(stream.shuffled(count)[: bots + liars]):
        kinds[index] = BOT if place < bots else LIAR
    return kinds


def _history(stream: Stream, weeks: int, longest: int) -> History:
    """When they were accepted or last examined, `weeks` ago and some; and what they missed since."""
    now_s = longest * WEEK_S
    began_s = now_s - weeks * WEEK_S - stream.below(WEEK_S)
    missed = (
        (Missed(began_s + stream.below(now_s - began_s), stream.chance(OWN_FAULT_SHARE)),)
        if stream.chance(MISSED_SHARE)
        else ()
    )
    if stream.chance(RESITTING_SHARE):
        return History(began_s - 6 * WEEK_S, began_s, missed)
    return History(began_s, None, missed)
