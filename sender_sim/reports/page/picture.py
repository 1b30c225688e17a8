"""The schedule as geometry: attempts over time for all, and a row for each delivery. The template draws it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from sender_sim.reports.page import words
from sender_sim.reports.page.history import End, History, Look, Stretch, Track

__all__ = ["Picture", "draw", "shape"]

# In units of the drawing, which are pixels where it is shown in full.
_WIDTH: Final = 1120
_LEFT: Final = 176
_RIGHT: Final = 70
_AXIS: Final = 34
_STRIP: Final = 72
_GAP: Final = 22
_ROW: Final = 18
_MARK: Final = 4.0  # half the size of a mark where there is room
_NARROWEST: Final = 0.8
_ROWS: Final = 40
_BARS: Final = 170
_TICKS: Final = 9
_FIRST: Final = 130  # what the time of the beginning takes of the axis

# Each outcome has a shape as well as a colour: `{w}` wide, `{h}` high, `{x}` and `{y}` being half of that.
_SHAPES: Final = {
    Look.SUCCESS: "m-{x} 0a{x} {y} 0 1 0 {w} 0a{x} {y} 0 1 0-{w} 0z",
    Look.ANSWERED: "m-{x}-{y}h{w}v{h}h-{w}z",
    Look.TIMEOUT: "m0-{y}l{x} {y}-{x} {y}-{x}-{y}z",
    Look.CONNECT: "m-{x}-{y}l{w} {h}m0-{h}l-{w} {h}",
    Look.TLS: "m0-{y}l{x} {h}h-{w}z",
    Look.RESET: "m-{x}-{y}h{w}l-{x} {h}z",
    Look.PROTOCOL: "m-{x} 0h{w}m-{x}-{y}v{h}",
}
# Round times are so many steps from a midnight.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200)
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The attempts of one length of time that came to the same, stacked upon those that came to something else."""

    x: float
    y: float
    width: float
    height: float
    look: Look
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Attempts that came to the same, as one path of many shapes."""

    path: str
    look: Look
    title: str
    narrow: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery: a line from its first attempt to its last, and a bar before it while it waited for a recording."""

    y: float
    name: str
    title: str
    line: tuple[float, float]
    held: tuple[float, float] | None
    held_title: str
    marks: list[Mark]
    given_up: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """All there is to draw."""

    width: float
    height: float
    left: float
    right: float
    strip: tuple[float, float]
    most: int
    bin: str
    begin: str
    ticks: list[Tick]
    bars: list[Bar]
    rows: list[Row]
    changes: list[Tick]


class _Scale:
    """Times -> places on the x axis."""

    def __init__(self, begin: datetime, until: datetime) -> None:
        self.begin = begin
        self.span = max(until - begin, timedelta(minutes=10))
        self.unit = (_WIDTH - _LEFT - _RIGHT) / self.span.total_seconds()

    def __call__(self, at: datetime) -> float:
        return round(_LEFT + (at - self.begin).total_seconds() * self.unit, 1)

    def length(self, span: timedelta) -> float:
        return span.total_seconds() * self.unit

    def step(self, most: int) -> timedelta:
        """The smallest round step of which at most so many fit."""
        return next((step for step in _STEPS if self.span / step <= most), _STEPS[-1])

    def rounds(self, step: timedelta) -> Iterator[datetime]:
        """The times that are multiples of a step."""
        at = self.begin + (_EPOCH - self.begin) % step
        while at <= self.begin + self.span:
            yield at
            at += step


def draw(history: History, tracks: Sequence[Track]) -> Picture | None:
    """The picture of a run in which something was sent; None: nothing was."""
    if not history.begin or not history.until or not history.density:
        return None
    shown = sorted(_most_telling(tracks), key=lambda track: track.due)
    begin = min([history.begin, *(track.held_from or track.due for track in shown)])
    scale = _Scale(begin, history.until)
    top = _AXIS + _STRIP + _GAP
    most, width, bars = _strip(history.density, scale)
    step = scale.step(_TICKS)
    return Picture(
        width=_WIDTH,
        height=top + _ROW * len(shown) + 10,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        strip=(_AXIS, _AXIS + _STRIP),
        most=most,
        bin=words.length(width),
        begin=f"{words.day(begin)} {begin:%H:%M}",
        ticks=[tick for at in scale.rounds(step) if (tick := Tick(scale(at), _label(at, step))).x > _LEFT + _FIRST],
        bars=bars,
        rows=[_row(history, track, scale, top + _ROW * (index + 0.5)) for index, track in enumerate(shown)],
        changes=[
            Tick(scale(change.at), f"{words.moment(change.at)}: settings changed: {', '.join(change.changed)}")
            for change in history.changes
        ],
    )


def shape(look: Look, x: float, y: float | None = None) -> str:
    """The shape of an outcome around the pen's place, as a relative path; `x` and `y` are half its width and height."""
    sizes = {"x": x, "y": y or x, "w": 2 * x, "h": 2 * (y or x)}
    return _SHAPES[look].format(**{name: f"{size:.4g}" for name, size in sizes.items()})


def _most_telling(tracks: Sequence[Track]) -> Sequence[Track]:
    """As many as there is room for: in their order, but those with no more than a 200 at once last."""
    return sorted(tracks, key=lambda track: track.end is End.SMOOTH and track.held_from is None)[:_ROWS]


def _strip(density: Counter[tuple[datetime, Look]], scale: _Scale) -> tuple[int, timedelta, list[Bar]]:
    """Attempts over time: the most in one bar, how much time a bar covers, the bars."""
    width = scale.step(_BARS)
    bins: dict[datetime, Counter[Look]] = {}
    for (at, look), count in density.items():
        bins.setdefault(at - (at - _EPOCH) % width, Counter())[look] += count
    most = max(counts.total() for counts in bins.values())
    return most, width, [bar for begin in sorted(bins) for bar in _stack(begin, bins[begin], width, most, scale)]


def _stack(begin: datetime, counts: Counter[Look], width: timedelta, most: int, scale: _Scale) -> Iterator[Bar]:
    left, right = max(scale(begin), _LEFT), min(scale(begin + width), _WIDTH - _RIGHT + 2)
    bottom = float(_AXIS + _STRIP)
    for look in Look:
        if count := counts[look]:
            height = max(count / most * _STRIP, 1.0)
            bottom -= height
            title = f"{words.moment(begin)}, {words.length(width)}: {words.count(count, 'attempt')}: {look}"
            yield Bar(left, round(bottom, 1), round(max(right - left - 0.6, 0.8), 1), round(height, 1), look, title)


def _row(history: History, track: Track, scale: _Scale, y: float) -> Row:
    times = list(track.times())
    closest = min((scale.length(after - before) for before, after in pairwise(times)), default=scale.length(scale.span))
    half = min(_MARK, max(_NARROWEST, closest * 0.4))  # marks that stand close are narrow, so that each is seen
    first = scale(min([track.due, *times]))
    return Row(
        y=y,
        name=_short(track),
        title=f"{track.id}: {words.count(track.attempts, 'attempt')}, {track.end}",
        line=(first, scale(times[-1]) if times else first),
        held=(scale(track.held_from), scale(track.due)) if track.held_from else None,
        held_title=f"held for its recording for {words.length(track.due - track.held_from)}" if track.held_from else "",
        marks=[_mark(stretch, scale, y, half) for stretch in history.stretches(track)],
        given_up=track.ended is End.GIVEN_UP,
    )


def _mark(stretch: Stretch, scale: _Scale, y: float, half: float) -> Mark:
    one = shape(stretch.look, _MARK if stretch.look is Look.SUCCESS else half, _MARK)
    path = "".join(f"M{scale(at):g} {y:g}{one}" for at in stretch.times)
    attempts, begin = words.numbers(stretch.first, stretch.last), words.moment(stretch.times[0])
    return Mark(path, stretch.look, f"{attempts}, {begin}: {stretch.outcome}", narrow=half < _MARK / 2)


def _short(track: Track) -> str:
    """A name with room on the left: of a long call id the beginning."""
    call = track.id.removesuffix(f"/{track.event}")
    return f"{call if len(call) <= 12 else call[:10] + '…'} {track.event}"


def _label(at: datetime, step: timedelta) -> str:
    return words.day(at) if step >= timedelta(days=1) or at.hour == at.minute == 0 else f"{at:%H:%M}"
