"""Deliveries as lanes on an axis of time: where on it each attempt, each wait and what comes next stand.

All places are percentages of the axis's width, so that a picture fits any screen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from receiver import wire
from sender_sim.console.book import CallEntry, DeliveryEntry, Standing, Try

__all__ = ["Axis", "Bar", "Lane", "Mark", "Tick", "fitting", "lane", "window"]

_STEPS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
)
_MOST_TICKS: Final = 7
_MARGIN: Final = 2.0
_CLOSEST: Final = 0.7
_SHORTEST: Final = timedelta(minutes=5)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis and its label."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time as wide as the picture."""

    begin: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """Where a time stands."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(_MARGIN + share * (100 - 2 * _MARGIN), 3)

    def shows(self, at: datetime) -> bool:
        """Whether a time is on it."""
        return self.begin <= at <= self.end

    def ticks(self) -> Iterator[Tick]:
        """Round times, not too many."""
        length = self.end - self.begin
        step = next((step for step in _STEPS if length / step <= _MOST_TICKS), max(_STEPS[-1], length))
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        at = epoch - (epoch - self.begin) // step * step
        while at <= self.end:
            if at >= self.begin:
                midnight = at.hour == at.minute == 0
                yield Tick(self.x(at), f"{at:%a} {at.day} {at:%b}" if midnight or step >= _DAY else f"{at:%H:%M}")
            at += step


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasts: the `call`, or a post-call that is `held`."""

    x: float
    width: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One attempt, or several that stand too close to be told apart: `good`, `bad`, `wait`, `next`, or the `limit`."""

    x: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One delivery's picture, and the picture in words."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    words: str


def fitting(entries: Iterable[CallEntry], now: datetime) -> Axis:
    """The axis on which everything of these calls can be seen, what comes next included."""
    times = [now]
    for entry in entries:
        times += [entry.facts.start, *_times(entry.deliveries)]
    return _axis(times)


def window(now: datetime, width: timedelta) -> Axis:
    """An axis of some width around now: three quarters of it are past."""
    return Axis(now - width * 0.75, now + width * 0.25)


def around(delivery: DeliveryEntry, call: CallEntry, now: datetime) -> Axis:
    """The axis of one delivery."""
    until = [] if delivery.over else [now]
    return _axis([call.facts.start, *_times([delivery]), *until])


def lane(delivery: DeliveryEntry, call: CallEntry, axis: Axis, now: datetime) -> Lane:
    """What of a delivery is seen on an axis."""
    return Lane(tuple(_bars(delivery, call, axis, now)), tuple(_marks(delivery, axis)), in_words(delivery))


def in_words(delivery: DeliveryEntry) -> str:
    """Where the delivery stands."""
    attempts = "1 attempt" if len(delivery.tries) == 1 else f"{len(delivery.tries)} attempts"
    match delivery.standing:
        case Standing.DELIVERED:
            return f"delivered at attempt {len(delivery.tries)}"
        case Standing.GIVEN_UP:
            return f"given up after {attempts}: {delivery.reason}"
        case Standing.IN_FLIGHT:
            return f"attempt {len(delivery.tries)} is under way"
        case Standing.HELD:
            return "waits for its recording"
        case _:
            return f"attempt {len(delivery.tries) + 1} follows" if delivery.tries else "is to be sent"


def _times(deliveries: Iterable[DeliveryEntry]) -> Iterator[datetime]:
    for delivery in deliveries:
        ends = (delivery.tries[0].at, delivery.tries[-1].at) if delivery.tries else ()
        known = (delivery.created, delivery.held_until if not delivery.request else None, delivery.next_due, *ends)
        yield from (at for at in known if at)


def _axis(times: Sequence[datetime]) -> Axis:
    begin, end = min(times), max(times)
    return Axis(begin, max(end, begin + _SHORTEST))


def _bars(delivery: DeliveryEntry, call: CallEntry, axis: Axis, now: datetime) -> Iterator[Bar]:
    facts = call.facts
    if call.began and facts.duration:
        yield from _bar(facts.start, facts.end if call.ended else now, "call", "the call", axis)
    if delivery.held_until:
        until = delivery.first_due or max(now, delivery.created)
        yield from _bar(delivery.created, until, "held", "waits for the recording", axis)


def _bar(begin: datetime, end: datetime, kind: str, label: str, axis: Axis) -> Iterator[Bar]:
    begin, end = max(begin, axis.begin), min(end, axis.end)
    if begin < end:
        yield Bar(axis.x(begin), round(axis.x(end) - axis.x(begin), 3), kind, label)


def _marks(delivery: DeliveryEntry, axis: Axis) -> Iterator[Mark]:
    drawn: dict[str, float] = {}
    for each in delivery.tries:
        kind, x = _kind(each), axis.x(each.at)
        if axis.shows(each.at) and x - drawn.get(kind, -100) >= _CLOSEST:
            drawn[kind] = x
            yield Mark(x, kind, f"attempt {each.number}: {each.outcome or 'under way'}")
    if delivery.next_due and axis.shows(delivery.next_due) and not delivery.over:
        yield Mark(axis.x(delivery.next_due), "next", f"attempt {len(delivery.tries) + 1} is due")
    limit = delivery.first_due and delivery.retry and delivery.first_due + wire.RETRY_WINDOW
    if limit and axis.shows(limit) and delivery.standing is not Standing.DELIVERED:
        yield Mark(axis.x(limit), "limit", "the retry window ends (R4)")


def _kind(each: Try) -> str:
    return {True: "good", False: "bad", None: "wait"}[each.success]
