"""The findings of a simulation about time and groups: who waits how long, and whose chance is smaller. Pure."""

from booking_api.pages.plots import Series, line_plot
from booking_api.pages.rounds.sheet import Table, row
from booking_api.pages.rounds.simulation import (
    AMBER,
    BLUE,
    GREY,
    JADE,
    NOTHING,
    SEAL,
    Figure,
    Told,
    shares_of,
)

COLOURS = {"first_come": SEAL, "timestamp": AMBER, "seat_most": BLUE, "draw": GREY, "promise": JADE}
ROUNDS_SHOWN = 3


def weeks_figure(told: Told) -> Figure:
    """The chance of a seat by weeks waited."""
    words = told.words
    last = told.report.parameters.weeks - 1
    series = [
        Series(
            COLOURS[one.rule], [(float(week), 100 * share.rate) for week, share in enumerate(one.by_weeks)]
        )
        for one in told.report.rules
    ]
    return Figure(
        id="weeks",
        title=words.text(
            "Who has waited %(weeks)s weeks is seated in %(promise)s of cases by the promise pass, in %(most)s where the most are seated",
            weeks=words.number(last),
            promise=told.percent(told.of("promise").by_weeks[last].rate),
            most=told.percent(told.of("seat_most").by_weeks[last].rate),
        ),
        says=words.text(
            "The chance of a seat by weeks already waited. Where waiting earns nothing the line is flat, and some are unlucky again and again."
        ),
        name=words.text("Seated, in %, by weeks waited"),
        key=[(COLOURS[rule], told.names[rule]) for rule in told.names],
        plot=line_plot(
            series, x_labels=[(float(week), words.number(week)) for week in range(last + 1)], top=100
        ),
        table=Table(
            [words.text("Rule"), *(words.number(week) for week in range(last + 1))],
            [
                [told.names[one.rule], *(told.percent(share.count, share.of) for share in one.by_weeks)]
                for one in told.report.rules
            ],
        ),
    )


def waiting_figure(told: Told) -> Figure:
    """Several rounds in a row."""
    words = told.words
    colours = (JADE, BLUE, AMBER)
    rounds = told.report.parameters.rounds
    return Figure(
        id="waiting",
        title=words.text(
            "In %(rounds)s rounds in a row nobody waits for more than %(promise)s by the promise pass; where the first to come is served some wait for %(first)s",
            rounds=words.number(rounds),
            promise=words.number(told.of("promise").waiting.longest),
            first=words.number(told.of("first_come").waiting.longest),
        ),
        says=words.text(
            "Whoever gets nothing comes again, and as many come new as there are seats. Rounds until a seat, the first included; who still waits counts with the rounds so far."
        ),
        name=words.text("People by the rounds they needed"),
        key=[
            (JADE, words.text("one round")),
            (BLUE, words.text("two rounds")),
            (AMBER, words.text("three rounds")),
            (GREY, words.text("more rounds")),
            (SEAL, words.text("still waiting")),
        ],
        rows=[
            row(
                told.names[one.rule],
                words.text("at most %(rounds)s", rounds=words.number(one.waiting.longest)),
                [
                    *zip(colours, one.waiting.needed[:ROUNDS_SHOWN], strict=False),
                    (GREY, sum(one.waiting.needed[ROUNDS_SHOWN:])),
                    (SEAL, one.waiting.still),
                ],
                whole=sum(one.waiting.needed) + one.waiting.still,
            )
            for one in told.report.rules
        ],
        table=_waiting_table(told),
        notes=[
            words.text(
                "Gini: 0 where all need the same number of rounds, towards 1 where few need them all. Jain: 1 where all need the same."
            )
        ],
    )


def _waiting_table(told: Told) -> Table:
    words = told.words
    return Table(
        [
            words.text("Rule"),
            words.text("mean"),
            words.text("longest"),
            words.text("still waiting"),
            words.text("Gini"),
            words.text("Jain"),
        ],
        [
            [
                told.names[one.rule],
                told.number(one.waiting.mean, 2),
                words.number(one.waiting.longest),
                words.number(one.waiting.still),
                told.number(one.waiting.gini, 3),
                told.number(one.waiting.jain, 3),
            ]
            for one in told.report.rules
        ],
    )


def channels_figure(told: Told) -> Figure:
    """Groups by how they book and where they live."""
    words = told.words
    counter = {
        one.rule: next((group.ratio or 0.0 for group in one.channels if group.name == "counter"), 0.0)
        for one in told.report.rules
    }
    return Figure(
        id="channels",
        title=words.text(
            "Who books by telephone or at a counter has %(first)s of the best group's chance where the first to come is served, and %(promise)s by the promise pass",
            first=told.percent(counter["first_come"]),
            promise=told.percent(counter["promise"]),
        ),
        says=words.text(
            "A group's chance of a seat beside that of the group with the best: below 80 % is generally taken for adverse impact (29 CFR 1607.4(D))."
        ),
        name=words.text("Chance by telephone or counter, of the best channel's"),
        rows=shares_of(told, counter, AMBER),
        table=_groups_table(told),
        notes=[
            words.text(
                "p: how often chance alone parts a group from the best this much or more (chi-square). Of many comparisons some are below 0.05 by chance."
            )
        ],
    )


def _groups_table(told: Told) -> Table:
    words = told.words
    names = {
        "app": words.text("app"),
        "web": words.text("web"),
        "counter": words.text("telephone or counter"),
    }
    rows: list[list[str]] = []
    for one in told.report.rules:
        groups = [(names[group.name], group) for group in one.channels]
        groups += [(words.text("district %(name)s", name=group.name), group) for group in one.districts]
        for name, group in groups:
            rows.append(
                [
                    told.names[one.rule],
                    name,
                    told.percent(group.seated.count, group.seated.of),
                    NOTHING if group.ratio is None else told.number(group.ratio, 2),
                    "< 0.001" if group.p < 0.001 else told.number(group.p, 3),
                ]
            )
    return Table(
        [
            words.text("Rule"),
            words.text("group"),
            words.text("seated"),
            words.text("ratio"),
            words.text("p"),
        ],
        rows,
        words=1,
    )
