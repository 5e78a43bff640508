"""The roster as a picture: a row for each examiner, and for each vehicle where wanted, a bar for each session.

A self-contained SVG: no script, no font, no address. It takes the page's ink (`currentColor`) and the colours `--board-1` to
`--board-8`, `--board-quiet` where a page sets them, and has its own for light and dark. May import staff and outcome.
"""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from allocator.roster.board_text import fitted, width_of
from allocator.roster.outcome import Roster, Session
from allocator.roster.staff import Staff, Window, clock_of, minute_of, spans
from allocator.roster.town import shortest_ways

LABEL_PX = 132
HOUR_PX = 84
ROW_PX = 34
GAP_PX = 4
HEAD_PX = 30
MARGIN_PX = 14
RIGHT_PX = 24
SIZE_PX = 11
SITE_PX = 10
COLOURS = 8
_LIGHT = ("#2b5c8a", "#b4372b", "#1a6e52", "#855208", "#6a4c93", "#0f7285", "#9c3f6f", "#5c6b1f")
_DARK = ("#86b4dd", "#f08b7b", "#62c39f", "#e3b062", "#bda2e8", "#63c5d8", "#e897c0", "#b6c765")


class _Row(NamedTuple):
    """One line of the board on one day."""

    label: str
    sessions: list[Session]
    open: list[tuple[int, int]]
    breaks: list[tuple[int, int]]
    ways: list[tuple[int, int, str]]
    """(minute of leaving, minute of arriving, where to)."""


class _Frame(NamedTuple):
    """Which hours are drawn, and how names and colours are found."""

    first: int
    last: int
    names: dict[str, str]
    colours: dict[str, int]

    def x(self, minute: int) -> float:
        """Pixels from the left."""
        return LABEL_PX + (minute - self.first) * HOUR_PX / 60

    @property
    def width(self) -> float:
        """Of the whole picture."""
        return self.x(self.last) + RIGHT_PX


def board_svg(staff: Staff, roster: Roster, *, heading: str = "Roster", vehicles: bool = False) -> str:
    """The board as one `<svg>` element, a panel for each day. `heading` is what it is called for screen readers."""
    frame = _frame(staff)
    parts: list[str] = []
    y = float(MARGIN_PX)
    parts, y = [*parts, _legend(staff, frame, y)], y + _legend_height(staff, frame)
    for day in staff.days:
        rows = [_examiner_row(staff, roster, at, day) for at in range(len(staff.examiners))]
        panels = [(day, rows)]
        if vehicles and staff.vehicles:
            panels.append(
                ("vehicles", [_vehicle_row(staff, roster, at, day) for at in range(len(staff.vehicles))])
            )
        for head, lines in panels:
            parts.append(_panel(frame, lines, head, y))
            y += HEAD_PX + len(lines) * ROW_PX + MARGIN_PX
    about = (
        f"{len(roster.sessions)} sessions with {roster.seats} seats, {len(staff.examiners)} examiners, "
        f"{len(staff.days)} days; each bar is a session, with its type and site."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="board" role="img" aria-labelledby="board-t board-d" '
        f'viewBox="0 0 {frame.width:g} {y:g}" width="{frame.width:g}" height="{y:g}">'
        f'<title id="board-t">{escape(heading)}</title><desc id="board-d">{escape(about)}</desc>'
        f"<style>{_style()}</style>{_hatch()}{''.join(parts)}</svg>\n"
    )


def board_page(staff: Staff, roster: Roster, *, heading: str = "Roster", vehicles: bool = True) -> str:
    """The board alone as an HTML page, light or dark as its reader likes."""
    days = ", ".join(staff.days[:1] + staff.days[1:][-1:])
    sums = f"{len(roster.sessions)} sessions, {roster.seats} seats, {roster.trips} trips between sites"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)} {escape(days)}</title><style>"
        ":root{color-scheme:light dark}body{margin:24px;background:#faf7f2;color:#211d1a;"
        'font:16px/1.5 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif}'
        "h1{font-size:24px;margin:0}p{margin:4px 0 16px}.sheet{overflow-x:auto}"
        "@media (prefers-color-scheme:dark){body{background:#171513;color:#efe9e1}}"
        f'</style></head><body><h1>{escape(heading)} {escape(days)}</h1><p>{sums}</p><div class="sheet" tabindex="0" '
        f'role="region" aria-label="{escape(heading)}">'
        f"{board_svg(staff, roster, heading=heading, vehicles=vehicles)}</div></body></html>\n"
    )


def _frame(staff: Staff) -> _Frame:
    windows = [span for one in staff.sites for day in staff.days for span in spans(one.open, day)]
    windows += [span for one in staff.examiners for day in staff.days for span in spans(one.hours, day)]
    first = min((start for start, _ in windows), default=480) // 60 * 60
    last = -(-max((end for _, end in windows), default=1080) // 60) * 60
    names = {f"type {one.id}": one.name or one.id for one in staff.types}
    names |= {f"site {one.id}": one.name or one.id for one in staff.sites}
    colours = {one.id: at % COLOURS + 1 for at, one in enumerate(sorted(staff.types, key=lambda one: one.id))}
    return _Frame(first, last, names, colours)


def _examiner_row(staff: Staff, roster: Roster, at: int, day: str) -> _Row:
    one = staff.examiners[at]
    own = _own(roster, "examiner", one.id, day)
    sites = tuple(site.id for site in staff.sites)
    ways = shortest_ways(sites, {tuple(way.between): way.minutes for way in staff.travel})
    travels = [
        (minute_of(after.start) - (ways[sites.index(before.site)][sites.index(after.site)] or 0), after)
        for before, after in pairwise(own)
        if before.site != after.site
    ]
    return _Row(
        one.name or one.id,
        own,
        spans(one.hours, day),
        spans(one.breaks, day),
        [(leaving, minute_of(after.start), after.site) for leaving, after in travels],
    )


def _vehicle_row(staff: Staff, roster: Roster, at: int, day: str) -> _Row:
    one = staff.vehicles[at]
    windows: list[Window] = next(site.open for site in staff.sites if site.id == one.site)
    hours = spans(windows if one.hours is None else one.hours, day)
    return _Row(one.name or one.id, _own(roster, "vehicle", one.id, day), hours, [], [])


def _own(roster: Roster, field: str, ident: str, day: str) -> list[Session]:
    return sorted(
        (one for one in roster.sessions if getattr(one, field) == ident and one.day == day),
        key=lambda one: one.start,
    )


def _panel(frame: _Frame, rows: Sequence[_Row], head: str, y: float) -> str:
    top = y + HEAD_PX
    bottom = top + len(rows) * ROW_PX
    parts = [f'<text class="day" x="{MARGIN_PX}" y="{top - 10:g}">{escape(head)}</text>']
    for minute in range(frame.first, frame.last + 1, 60):
        x = frame.x(minute)
        parts.append(f'<line class="hour" x1="{x:g}" x2="{x:g}" y1="{top - 5:g}" y2="{bottom:g}"/>')
        parts.append(f'<text class="clock" x="{x:g}" y="{top - 10:g}">{clock_of(minute)}</text>')
    parts += [_row(frame, row, top + at * ROW_PX) for at, row in enumerate(rows)]
    return "".join(parts)


def _row(frame: _Frame, row: _Row, y: float) -> str:
    top, height = y + GAP_PX / 2, ROW_PX - GAP_PX
    label = fitted(row.label, LABEL_PX - 2 * MARGIN_PX, 12)
    parts = [f'<text class="who" x="{MARGIN_PX}" y="{y + ROW_PX / 2 + 4:g}">{escape(label)}</text>']
    for start, end in row.open:
        parts.append(_rect(frame, "open", (start, end), top, height))
    for start, end in row.breaks:
        said = f"break {clock_of(start)}-{clock_of(end)}"
        parts.append(f"<g><title>{said}</title>{_rect(frame, 'rest', (start, end), top, height)}</g>")
    for leaving, arriving, site in row.ways:
        parts.append(_way(frame, leaving, arriving, y + ROW_PX / 2, frame.names[f"site {site}"]))
    parts += [_bar(frame, one, top, height) for one in row.sessions]
    return "<g>" + "".join(parts) + "</g>"


def _bar(frame: _Frame, one: Session, top: float, height: float) -> str:
    start, end = minute_of(one.start), minute_of(one.end)
    kind, site = frame.names[f"type {one.type}"], frame.names[f"site {one.site}"]
    things = ", ".join(thing for thing in (one.vehicle, one.room, one.lane) if thing)
    about = f"{one.start}-{one.end} {kind}, {site}, {one.capacity} seats, {one.examiner}" + (
        f", {things}" if things else ""
    )
    x, room = frame.x(start), frame.x(end) - frame.x(start) - 11
    return (
        f'<g class="t{frame.colours[one.type]}"><title>{escape(about)}</title>'
        f"{_rect(frame, 'bar', (start, end), top, height)}"
        f'<rect class="edge" x="{x + 1:g}" y="{top:g}" width="3" height="{height:g}"/>'
        f'<text class="kind" x="{x + 8:g}" y="{top + 12.5:g}">{escape(fitted(kind, room, SIZE_PX))}</text>'
        f'<text class="site" x="{x + 8:g}" y="{top + 25:g}">{escape(fitted(site, room, SITE_PX))}</text></g>'
    )


def _way(frame: _Frame, leaving: int, arriving: int, y: float, site: str) -> str:
    start, end = frame.x(leaving) + 1, frame.x(arriving) - 2
    return (
        f'<g class="way"><title>{clock_of(leaving)}-{clock_of(arriving)} to {escape(site)}</title>'
        f'<path d="M{start:g} {y:g}H{end:g}m-5 -4l5 4l-5 4"/></g>'
    )


def _rect(frame: _Frame, name: str, span: tuple[int, int], top: float, height: float) -> str:
    x, width = frame.x(span[0]) + 1, frame.x(span[1]) - frame.x(span[0]) - 2
    return f'<rect class="{name}" x="{x:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="3"/>'


def _legend_rows(staff: Staff, frame: _Frame) -> list[list[tuple[float, str, str]]]:
    """Lines of (x, class, text)."""
    entries = [
        (f"t{frame.colours[one.id]}", one.name or one.id)
        for one in sorted(staff.types, key=lambda one: one.id)
    ]
    entries += [("open", "working hours"), ("rest", "break"), ("way", "on the way")]
    lines: list[list[tuple[float, str, str]]] = [[]]
    x = float(MARGIN_PX)
    for name, text in entries:
        said = fitted(text, 220, 12)
        width = 42 + width_of(said, 12)
        if x + width > frame.width and lines[-1]:
            lines.append([])
            x = float(MARGIN_PX)
        lines[-1].append((x, name, said))
        x += width
    return lines


def _legend_height(staff: Staff, frame: _Frame) -> float:
    return 22.0 * len(_legend_rows(staff, frame))


def _legend(staff: Staff, frame: _Frame, y: float) -> str:
    parts: list[str] = []
    for at, line in enumerate(_legend_rows(staff, frame)):
        top = y + 22 * at
        for x, name, text in line:
            if name == "way":
                sign = f'<g class="way"><path d="M{x:g} {top + 7:g}h16m-5 -4l5 4l-5 4"/></g>'
            else:
                inner = "bar" if name.startswith("t") else name
                sign = f'<g class="{name}"><rect class="{inner}" x="{x:g}" y="{top:g}" width="16" height="14" rx="3"/></g>'
            parts.append(f'{sign}<text class="key" x="{x + 22:g}" y="{top + 11.5:g}">{escape(text)}</text>')
    return "".join(parts)


def _hatch() -> str:
    return (
        '<defs><pattern id="board-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line class="hatch" x1="0" x2="0" y1="0" y2="6"/></pattern></defs>'
    )


def _style() -> str:
    """All under `.board`, so that nothing else on a page changes."""
    light = "".join(f"--own-{at}:{colour};" for at, colour in enumerate(_LIGHT, 1))
    dark = "".join(f"--own-{at}:{colour};" for at, colour in enumerate(_DARK, 1))
    bars = "".join(
        f".board .t{at}{{--tone:var(--board-{at},var(--own-{at}))}}" for at in range(1, COLOURS + 1)
    )
    return (
        f'.board{{{light}color:inherit;max-width:none;display:block;font-family:system-ui,"PingFang SC","Noto Sans CJK SC",'
        f'"Noto Sans",sans-serif}}@media (prefers-color-scheme:dark){{.board{{{dark}}}}}{bars}'
        ".board text{fill:currentColor;unicode-bidi:plaintext}"
        f".board .who,.board .key{{font-size:12px}}.board .kind{{font-size:{SIZE_PX}px;font-weight:600}}"
        f".board .site{{font-size:{SITE_PX}px;opacity:.85}}"
        ".board .clock{font-size:11px;text-anchor:middle;opacity:.75;font-variant-numeric:tabular-nums}"
        ".board .day{font-size:13px;font-weight:600}.board .hour{stroke:currentColor;opacity:.12}"
        ".board .open{fill:var(--board-quiet,currentColor);fill-opacity:.06;stroke:currentColor;stroke-opacity:.14}.board .rest{fill:url(#board-hatch)}"
        ".board .hatch{stroke:currentColor;stroke-width:2;opacity:.32}"
        ".board .bar{fill:var(--tone);fill-opacity:.2;stroke:var(--tone);stroke-opacity:.5}.board .edge{fill:var(--tone)}"
        ".board .way path{fill:none;stroke:currentColor;stroke-width:1.6;opacity:.75}"
    )
