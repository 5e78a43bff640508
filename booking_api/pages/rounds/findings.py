"""The findings of a simulation: who gets the seats, who is passed over, what a lie earns. Pure.

Each title is a sentence with the numbers of this very report, so that it is true whatever they are.
"""

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
from booking_api.pages.rounds.waits import channels_figure, waiting_figure, weeks_figure

LINES_SHOWN = 3


def findings(told: Told) -> list[Figure]:
    """All figures in the order of the page."""
    return [
        _kinds(told),
        _envy(told),
        _lies(told),
        _lines(told),
        _bound(told),
        weeks_figure(told),
        waiting_figure(told),
        channels_figure(told),
    ]


def _kinds(told: Told) -> Figure:
    words, seats = told.words, told.report.seats
    parts = {"honest": JADE, "liar": BLUE, "bot": SEAL, "free": GREY}
    names = {
        "honest": words.text("honest people"),
        "liar": words.text("people who lie if it pays"),
        "bot": words.text("bots"),
        "free": words.text("nobody: free"),
    }
    return Figure(
        id="kinds",
        title=words.text(
            "%(bots)s of applicants are bots. They get %(first)s of the seats where the first to come is served, and %(promise)s by the promise pass",
            bots=told.percent(told.report.parameters.bots_share),
            first=told.percent(told.of("first_come").seats_by_kind["bot"], seats),
            promise=told.percent(told.of("promise").seats_by_kind["bot"], seats),
        ),
        says=words.text(
            "Speed and false identities earn where the first to come is served. A round has no first, and one person has one application. The last column shows what each rule would be without that check: the check helps every rule, and no rule replaces it."
        ),
        name=words.text("Seats, by who has them"),
        key=[(parts[kind], names[kind]) for kind in parts],
        rows=[
            row(
                told.names[one.rule],
                words.text("bots %(share)s", share=told.percent(one.seats_by_kind["bot"], seats)),
                [(parts[kind], one.seats_by_kind[kind]) for kind in parts],
                whole=seats,
            )
            for one in told.report.rules
        ],
        table=_kinds_table(told, names),
    )


def _kinds_table(told: Told, names: dict[str, str]) -> Table:
    words, bots = told.words, told.report.people["bot"]
    return Table(
        [
            words.text("Rule"),
            *names.values(),
            words.text("seats per 100 bots, identities checked"),
            words.text("not checked"),
        ],
        [
            [
                told.names[one.rule],
                *(words.number(one.seats_by_kind[kind]) for kind in names),
                told.number(100 * one.bots.seats_checked / bots) if bots else NOTHING,
                told.number(100 * one.bots.seats_unchecked / bots) if bots else NOTHING,
            ]
            for one in told.report.rules
        ],
    )


def _envy(told: Told) -> Figure:
    words = told.words
    return Figure(
        id="envy",
        title=words.text(
            "%(most)s are passed over where the most are seated, %(promise)s by the promise pass",
            most=told.percent(told.of("seat_most").envy.rate),
            promise=told.percent(told.of("promise").envy.rate),
        ),
        says=words.text(
            "Passed over is who would rather have a seat that went to somebody behind them in the public order: one who has waited less, or as long and drew a later place. It is the complaint nobody can answer."
        ),
        name=words.text("People who are passed over"),
        rows=shares_of(told, {one.rule: one.envy.rate for one in told.report.rules}, SEAL),
        table=Table(
            [
                words.text("Rule"),
                words.text("passed over"),
                words.text("of people"),
                words.text("would rather have a seat that is free"),
                words.text("get another session when the file is read from its end"),
            ],
            [
                [
                    told.names[one.rule],
                    words.number(one.envy.count),
                    words.number(one.envy.of),
                    words.number(one.waste.count),
                    words.number(one.moved_by_file_order),
                ]
                for one in told.report.rules
            ],
        ),
    )


def _lies(told: Told) -> Figure:
    words = told.words
    most, draw, promise = told.of("seat_most").lies, told.of("draw").lies, told.of("promise").lies
    return Figure(
        id="lies",
        title=words.text(
            "%(most)s get a better line by a lie where the most are seated, %(draw)s in a draw, %(promise)s by the promise pass",
            most=told.percent(most.better_off.rate),
            draw=told.percent(draw.better_off.rate),
            promise=told.percent(promise.better_off.rate),
        ),
        says=words.text(
            "Who names the first choice alone where the most are seated gets it in %(lie)s of cases, with the true form in %(truth)s. With the lie that pays best for each, their mean line falls from %(rank)s to %(best)s (no seat counts as one more than the form has). Where everybody in turn gets the best line that is left, the true form is the best one.",
            lie=told.percent(most.by_lie["first_only"].first.rate),
            truth=told.percent(most.truth.first.rate),
            rank=told.number(most.truth.mean_rank, 2),
            best=told.number(most.best.mean_rank, 2),
        ),
        name=words.text("People whom a lie gets a better line"),
        rows=shares_of(told, {one.rule: one.lies.better_off.rate for one in told.report.rules}, SEAL),
        table=_lies_table(told),
        notes=[
            words.text(
                "“What pays best” is picked with hindsight of what each lie would have got; “told by” is how many pick it."
            ),
            words.text(
                "When all who gain lie at once where the most are seated, liars' mean line is %(liars)s, and that of honest people goes from %(before)s to %(after)s.",
                liars=told.number(most.liars_together.mean_rank, 2),
                before=told.number(most.honest_before.mean_rank, 2),
                after=told.number(most.honest_together.mean_rank, 2),
            ),
        ],
    )


def _lies_table(told: Told) -> Table:
    words = told.words
    head = [
        words.text("Rule"),
        words.text("what is handed in"),
        words.text("told by"),
        words.text("first choice"),
        words.text("any line"),
        words.text("mean line"),
    ]
    names = {
        "truth": words.text("the truth"),
        "first_only": words.text("the first choice alone"),
        "first_two": words.text("the first two alone"),
        "safe_first": words.text("the least crowded first"),
        "first_then_safe": words.text("the first, then the least crowded"),
        "best": words.text("what pays best for each"),
    }
    rows = [
        [
            told.names[one.rule],
            names[lie],
            words.number(one.lies.told[lie]) if lie in one.lies.told else NOTHING,
            told.percent(fare.first.rate),
            told.percent(fare.seated.rate),
            told.number(fare.mean_rank, 2),
        ]
        for one in told.report.rules
        for lie, fare in {"truth": one.lies.truth, **one.lies.by_lie, "best": one.lies.best}.items()
    ]
    return Table(head, rows, words=1)


def _lines(told: Told) -> Figure:
    words = told.words
    people = told.report.people["honest"] + told.report.people["liar"]
    key = [
        (JADE, words.text("first line")),
        (BLUE, words.text("second line")),
        (AMBER, words.text("third line")),
        (GREY, words.text("a later line")),
    ]
    return Figure(
        id="lines",
        title=words.text(
            "%(promise)s get their first line by the promise pass, %(most)s where the most are seated, %(first)s where the first to come is served",
            promise=told.percent(_first(told, "promise"), people),
            most=told.percent(_first(told, "seat_most"), people),
            first=told.percent(_first(told, "first_come"), people),
        ),
        says=words.text(
            "Which line of their own form people get; the rest of each bar has no seat, or one that is on no line. Seating the most buys first lines with passing people over."
        ),
        name=words.text("People by the line they get"),
        key=key,
        rows=[
            row(
                told.names[one.rule],
                words.text("first line %(share)s", share=told.percent(sum(one.by_line[:1]), people)),
                [
                    *zip((JADE, BLUE, AMBER), one.by_line[:LINES_SHOWN], strict=False),
                    (GREY, sum(one.by_line[LINES_SHOWN:])),
                ],
                whole=people,
            )
            for one in told.report.rules
        ],
        table=_lines_table(told, people),
    )


def _lines_table(told: Told, people: int) -> Table:
    words = told.words
    longest = max(len(one.by_line) for one in told.report.rules)
    return Table(
        [
            words.text("Rule"),
            *(words.number(number + 1) for number in range(longest)),
            words.text("none"),
        ],
        [
            [
                told.names[one.rule],
                *(words.number(count) for count in one.by_line),
                words.number(people - sum(one.by_line)),
            ]
            for one in told.report.rules
        ],
    )


def _first(told: Told, rule: str) -> int:
    return sum(told.of(rule).by_line[:1])


def _bound(told: Told) -> Figure:
    words, bound = told.words, told.report.bound
    return Figure(
        id="bound",
        title=words.text(
            "The promise pass seats %(promise)s of the %(bound)s that could be seated at most; a draw seats %(draw)s",
            promise=words.number(told.of("promise").seated.count),
            bound=words.number(bound),
            draw=words.number(told.of("draw").seated.count),
        ),
        says=words.text(
            "The most that could be seated with these forms in any order, shown by a cut that anyone can add up. Placeholders are nobody: what they hold is not counted."
        ),
        name=words.text("Applicants seated, of all that could be"),
        rows=[
            row(
                told.names[one.rule],
                told.percent(one.seated.count, bound),
                [(JADE, one.seated.count)],
                whole=bound,
            )
            for one in told.report.rules
        ],
        table=Table(
            [words.text("Rule"), words.text("applicants seated"), words.text("of at most")],
            [
                [told.names[one.rule], words.number(one.seated.count), words.number(bound)]
                for one in told.report.rules
            ],
        ),
    )
