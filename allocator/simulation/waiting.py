"""Several rounds in a row: whoever gets nothing comes again, and as many as there are seats come new. How long do people wait?"""

from collections.abc import Callable, Sequence

from allocator.order import History
from allocator.simulation.demand import BOT, WEEK_S, Asking, Demand, Parameters, Person, make_people
from allocator.simulation.report import Waiting
from allocator.simulation.rules import FIRST_COME, Asked, seat
from allocator.simulation.stream import Stream
from fairness.measures import gini, jain
from fairness.rounds.round import NOBODY


def newcomers_by_round(parameters: Parameters, demand: Demand) -> list[list[Person]]:
    """Who comes in each round: to the first as many as the parameters say, to the others as many as there are seats."""
    asking = Asking(demand.sessions, Stream(bytes.fromhex(parameters.seed), "popularity"))
    seats = sum(demand.capacities)
    return [
        [
            one._replace(history=_later(one.history, number))
            for one in make_people(
                parameters,
                asking,
                name=f"round-{number}",
                count=seats if number else parameters.applications,
                weeks=0,
            )
        ]
        for number in range(parameters.rounds)
    ]


def wait(
    rule: str,
    demand: Demand,
    newcomers: Sequence[Sequence[Person]],
    seed: bytes,
    progress: Callable[[int, int], None],
) -> Waiting:
    """How many rounds people need under a rule; everybody tells the truth, and a round is a week.

    At least one of the first newcomers must be no bot: of nobody there is no mean.
    """
    needed = [0] * len(newcomers)
    waiting: list[Person] = []
    for number, new in enumerate(newcomers):
        stream = Stream(seed, f"arrivals {number}")
        # Who was fast the last time need not be so again: everybody who waits comes at a time of somebody like them.
        waiting = [one._replace(weeks=one.weeks + 1) for one in _come_again(waiting, stream)] + list(new)
        people = [*waiting, *(demand.placeholders if rule == FIRST_COME else ())]
        seats = seat(
            rule,
            Asked(people, [one.form for one in people], demand.capacities, stream.seed()),
        )
        left: list[Person] = []
        for one, session in zip(waiting, seats, strict=False):
            if session == NOBODY:
                left.append(one)
            elif one.kind != BOT:
                needed[one.weeks] += 1
        waiting = left
        progress(number + 1, len(newcomers))
    still = [one.weeks + 1 for one in waiting if one.kind != BOT]
    rounds = [weeks + 1 for weeks, count in enumerate(needed) for _ in range(count)] + still
    return Waiting(
        needed, len(still), sum(rounds) / len(rounds), max(rounds), float(gini(rounds)), float(jain(rounds))
    )


def _come_again(waiting: Sequence[Person], stream: Stream) -> list[Person]:
    """The same people at each other's times, within their channel."""
    times: dict[str, list[int]] = {}
    for one in waiting:
        times.setdefault(one.channel, []).append(one.arrival_s)
    orders = {channel: stream.shuffled(len(found)) for channel, found in sorted(times.items())}
    return [one._replace(arrival_s=times[one.channel][orders[one.channel].pop()]) for one in waiting]


def _later(history: History, weeks: int) -> History:
    later_s = weeks * WEEK_S
    return History(
        history.accepted_at_s + later_s,
        None if history.last_exam_at_s is None else history.last_exam_at_s + later_s,
        [one._replace(at_s=one.at_s + later_s) for one in history.missed],
    )
