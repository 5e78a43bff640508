"""The report of a simulation as a page: what it found, in words, bars and tables. Pure but for the templates."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from markupsafe import Markup

from allocator.simulation.demand import Parameters
from allocator.simulation.report import Report, RuleReport
from booking_api.pages.catalogue import Words
from booking_api.pages.plots import Plot
from booking_api.pages.rounds.sheet import Row, Table, row, sheet

_STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)
JADE, SEAL, AMBER, BLUE, GREY = 1, 2, 3, 4, 5
"""Colours as the style sheet numbers them."""
FINE = 0.01
"""Shares this near to none or all are told with one digit more."""
NOTHING = "\N{EN DASH}"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: its sentence as title, what stands behind it, a drawing of `rows` or a `plot`, and the numbers."""

    id: str
    title: str
    says: str
    name: str
    key: list[tuple[int, str]] = []
    rows: list[Row] = []
    plot: Plot | None = None
    table: Table
    notes: list[str] = []


class Board(msgspec.Struct, frozen=True):
    """The roster that the sessions come from: its drawing as SVG, and what it has."""

    drawing: str
    examiners: int


class Told:
    """A report with the words it is told in. Owns nothing; figures ask it for rules by name."""

    def __init__(self, report: Report, words: Words) -> None:
        self.report, self.words = report, words
        self.names = names_of(words)
        self._rules = {one.rule: one for one in report.rules}

    def of(self, rule: str) -> RuleReport:
        """What was found of a rule."""
        return self._rules[rule]

    def percent(self, count: float, of: float = 1.0) -> str:
        """A share in words, never 0 % or 100 % where it is not; of nobody, a dash."""
        if not of:
            return NOTHING
        share = count / of
        if 0 < share < FINE or 1 - FINE < share < 1:
            return f"{self.words.number(min(max(round(100 * share, 1), 0.1), 99.9))}%"
        return self.words.percent(share)

    def number(self, number: float, digits: int = 0) -> str:
        """A number, rounded."""
        return self.words.number(round(number, digits) if digits else round(number))


def shares_of(told: Told, shares: dict[str, float], colour: int = JADE) -> list[Row]:
    """A bar for each rule's share."""
    return [
        row(told.names[rule], told.percent(share), [(colour, share)], whole=1.0)
        for rule, share in shares.items()
    ]


def names_of(words: Words) -> dict[str, str]:
    """What the rules are called."""
    return {
        "first_come": words.text("First come, first served"),
        "timestamp": words.text("Timestamp rank"),
        "seat_most": words.text("Seat the most"),
        "draw": words.text("Draw only"),
        "promise": words.text("Promise pass"),
    }


def rules_told(words: Words) -> list[tuple[str, str]]:
    """Each rule with what it does."""
    names = names_of(words)
    return [
        (
            names["first_come"],
            words.text(
                "Booking opens; whoever comes takes the best that is left on their form. Identities are not checked: bots come within seconds, each with placeholders, and take what sells best."
            ),
        ),
        (
            names["timestamp"],
            words.text(
                "As many offices rank today: the latest applicable timestamp, earliest first. That is the acceptance, later the last exam; a cancellation or no-show of one's own sets it back. In this order everyone takes the best that is left."
            ),
        ),
        (
            names["seat_most"],
            words.text(
                "A solver seats as many as can be, and among the ways to do that takes one with the smallest sum of line numbers. It asks nobody how long they waited."
            ),
        ),
        (
            names["draw"],
            words.text(
                "Everybody enters for one session, their first line. In an order drawn by lot each gets a seat there if one is left, and otherwise nothing."
            ),
        ),
        (
            names["promise"],
            words.text(
                "Who has waited longest comes first, equals by a draw that anyone can check. Everyone gets the best line on their own form that can still be honoured without breaking a promise to anyone ahead."
            ),
        ),
    ]


def headline(told: Told) -> list[tuple[str, str, str]]:
    """Four figures on top: label, number, what it is beside."""
    words, first, most, promise = (
        told.words,
        told.of("first_come"),
        told.of("seat_most"),
        told.of("promise"),
    )
    return [
        (
            words.text("Seats of bots"),
            told.percent(promise.seats_by_kind["bot"], told.report.seats),
            words.text(
                "by the promise pass; %(share)s where the first to come is served",
                share=told.percent(first.seats_by_kind["bot"], told.report.seats),
            ),
        ),
        (
            words.text("Passed over"),
            told.percent(promise.envy.rate),
            words.text(
                "by the promise pass; %(share)s where the most are seated",
                share=told.percent(most.envy.rate),
            ),
        ),
        (
            words.text("Gain by a lie"),
            told.percent(promise.lies.better_off.rate),
            words.text(
                "by the promise pass; %(share)s where the most are seated",
                share=told.percent(most.lies.better_off.rate),
            ),
        ),
        (
            words.text("Seated, of all that could be"),
            told.percent(promise.seated.count, told.report.bound),
            words.text(
                "by the promise pass; %(share)s by a draw only",
                share=told.percent(told.of("draw").seated.count, told.report.bound),
            ),
        ),
    ]


def parameters_told(told: Told) -> list[tuple[str, str]]:
    """Every parameter by name."""
    words, given = told.words, told.report.parameters
    people = told.report.people
    return [
        (words.text("Applications"), words.number(given.applications)),
        (words.text("Sessions"), words.number(given.sessions)),
        (words.text("Seats"), words.number(told.report.seats)),
        (words.text("Bots"), f"{words.number(people['bot'])} ({told.percent(given.bots_share)})"),
        (words.text("Identities of a bot where they are not checked"), words.number(given.identities)),
        (
            words.text("People who lie if it pays"),
            f"{words.number(people['liar'])} ({told.percent(given.liars_share)})",
        ),
        (words.text("Weeks waited before, at most"), words.number(given.weeks - 1)),
        (words.text("Rounds in a row"), words.number(given.rounds)),
        (words.text("Seed"), given.seed),
    ]


def how_told(words: Words) -> list[str]:
    """How the demand is made, in paragraphs."""
    return [
        words.text(
            "People live in five districts. Each names two to five sessions, drawn by popularity, which falls with rank, and six times likelier in their own district; a third adds a last line “any session in my district”. Most book in an app, a quarter on the web, 15 % by telephone or at a counter, and those come later after an opening."
        ),
        words.text(
            "Weeks waited are spread evenly. A third sit again after a failed exam; one in eight has missed a booking, mostly by their own fault. Bots want the most popular fifth of the sessions. Where identities are checked, each bot has one application like anybody."
        ),
        words.text(
            "Liars know how crowded each session is. They try four lies: name the first choice alone, the first two alone, put the least crowded first, or keep the first and sort the rest so. Each is tried alone while all others tell the truth; where the most are seated, one in fifty at a time, since each try needs the solver."
        ),
        words.text(
            "All chance comes from the seed by SHA-256. This is one town, of one seed: give another seed for another town."
        ),
    ]


def command_told(parameters: Parameters, roster: str) -> str:
    """The command that gives the same numbers. `roster`: the words after `--roster`, quoted for a shell."""
    words = [
        "gongdao simulate --out report.html",
        f"--applications {parameters.applications}",
        f"--roster {roster}"
        if roster
        else f"--sessions {parameters.sessions} --seats {_share(parameters.seats_share)}",
        f"--bots {_share(parameters.bots_share)}",
        f"--liars {_share(parameters.liars_share)}",
        f"--identities {parameters.identities}",
        f"--weeks {parameters.weeks}",
        f"--rounds {parameters.rounds}",
        f"--seed {parameters.seed}",
    ]
    return " ".join(words)


def _share(share: float) -> str:
    """As the command takes it, with all digits that it takes."""
    return f"{100 * share:.6f}".rstrip("0").rstrip(".") + "%"


def _board_told(board: Board, report: Report, words: Words) -> dict[str, Any]:
    return {
        "title": words.text(
            "The sessions: %(sessions)s with %(seats)s seats, by %(examiners)s examiners",
            sessions=words.number(report.parameters.sessions),
            seats=words.number(report.seats),
            examiners=words.number(board.examiners),
        ),
        "drawing": Markup(board.drawing),  # noqa: S704 - the roster's own drawing, escaped there
    }


def simulation_page(
    told: Told, figures: Sequence[Figure], *, board: Board | None = None, roster: str = ""
) -> str:
    """The page's text. `roster`: the files that the sessions came from, as the command has them."""
    words, report = told.words, told.report
    lead = words.text(
        "%(applications)s applications for %(seats)s seats in %(sessions)s sessions, given out by five rules. The people, what they want and how long they have waited are the same under each.",
        applications=words.number(report.parameters.applications),
        seats=words.number(report.seats),
        sessions=words.number(report.parameters.sessions),
    )
    return sheet(
        "rounds/simulation.html",
        words,
        lead=lead,
        headline=headline(told),
        rules=rules_told(words),
        figures=figures,
        board=None if board is None else _board_told(board, report, words),
        more_styles=[] if board is None else _STYLE.findall(board.drawing),
        how=how_told(words),
        parameters=parameters_told(told),
        command=command_told(report.parameters, roster),
    )
