"""What a page shows of a run, kept small: of some deliveries everything, of all the others their place in the figures.

An attempt takes 14 bytes. Kept whole are the deliveries that are not over, and of those that are, some of each `End`.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from sender_sim.core.delivery import Request
from sender_sim.core.events import (
    AppendSaved,
    AttemptEnded,
    ContractViolated,
    Delivered,
    DeliveryCreated,
    DeliveryHeld,
    Event,
    GivenUp,
    SettingsChanged,
)
from sender_sim.core.outcome import Failure, kind
from sender_sim.core.violations import Kind, kind_of

__all__ = ["End", "History", "Look", "Stretch", "Track", "Wrong"]

# How many kinds of outcome, kinds of violation and changes of settings are told apart.
_MOST: Final = 200


class Look(StrEnum):
    """What an attempt came to, as it is drawn."""

    SUCCESS = "200"
    ANSWERED = "another status"
    TIMEOUT = "timeout"
    CONNECT = "no connection"
    TLS = "TLS failure"
    RESET = "reset"
    PROTOCOL = "not HTTP"


_LOOKS: Final = {failure: Look[failure.name] for failure in Failure}


class End(StrEnum):
    """How a delivery ended, worst first."""

    VIOLATED = "broke the contract"
    GIVEN_UP = "given up"
    OPEN = "not over"
    RETRIED = "delivered later"
    SMOOTH = "delivered at once"


# How many deliveries that ended so are kept whole.
_KEPT: Final = {End.VIOLATED: 50, End.GIVEN_UP: 100, End.OPEN: 100, End.RETRIED: 100, End.SMOOTH: 50}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Attempts in a row that came to the same. `slowest` is the real seconds of the slowest."""

    first: int
    last: int
    times: tuple[datetime, ...]
    look: Look
    outcome: str
    slowest: float


@dataclass(slots=True)
class Wrong:
    """One kind of violation: how often it was seen, and the words and the delivery of the first time."""

    rule: str
    kind: Kind
    what: str
    delivery: str
    count: int = 0


@dataclass(slots=True)
class Track:
    """One delivery. Its attempts are columns: when (seconds since `due`), to what (index of an outcome), how long."""

    id: str
    event: str
    due: datetime
    request: Request
    held_from: datetime | None
    ended: End = End.OPEN
    reason: str = ""
    append: str | None = None
    violations: list[str] = field(default_factory=list)
    when: "array[float]" = field(default_factory=lambda: array("d"))
    outcomes: "array[int]" = field(default_factory=lambda: array("H"))
    seconds: "array[float]" = field(default_factory=lambda: array("f"))

    @property
    def attempts(self) -> int:
        """How many there were."""
        return len(self.when)

    @property
    def end(self) -> End:
        """How it ended; that it broke the contract outweighs how."""
        return End.VIOLATED if self.violations else self.ended

    def times(self) -> Iterator[datetime]:
        """When its attempts ended."""
        return (self.due + timedelta(seconds=seconds) for seconds in self.when)


class History:
    """Listens to a run. Of a delivery that was created before it listened it knows no more than its attempts' times."""

    def __init__(self) -> None:
        self.begin: datetime | None = None
        self.until: datetime | None = None
        self.deliveries = 0
        self.wrong: dict[tuple[str, str], Wrong] = {}
        self.changes: list[SettingsChanged] = []
        self.density: Counter[tuple[datetime, Look]] = Counter()  # attempts in each minute
        self._outcomes: dict[tuple[Look, str], int] = {}
        self._held: dict[str, datetime] = {}
        self._open: dict[str, Track] = {}
        self._over: dict[End, list[Track]] = {end: [] for end in End}

    def listen(self, event: Event) -> None:  # noqa: C901 - a table of what is kept of each kind of event
        """Keep of an event what the page shows."""
        self.begin = self.begin or event.at
        self.until = event.at
        match event:
            case SettingsChanged():
                self.changes += [event] * (len(self.changes) < _MOST)
            case DeliveryHeld():
                self._held[event.delivery] = event.at
            case DeliveryCreated():
                self._created(event)
            case AttemptEnded():
                self._attempted(event)
            case AppendSaved(delivery=delivery) if delivery in self._open:
                self._open[delivery].append = event.append
            case ContractViolated():
                self._violated(event)
            case Delivered():
                self._ends(event.delivery, End.SMOOTH if event.attempts == 1 else End.RETRIED)
            case GivenUp():
                self._ends(event.delivery, End.GIVEN_UP, event.reason)

    def tracks(self) -> list[Track]:
        """The deliveries that are kept whole: the worst first, those alike in the order they were due."""
        tracks = [track for over in self._over.values() for track in over]
        tracks += list(self._open.values())[: _KEPT[End.OPEN]]
        order = list(End)
        return sorted(tracks, key=lambda track: (order.index(track.end), track.due))

    def stretches(self, track: Track) -> list[Stretch]:
        """A delivery's attempts, those in a row that came to the same taken together."""
        known = list(self._outcomes)
        numbered = enumerate(zip(track.outcomes, track.times(), track.seconds, strict=True), 1)
        return [
            self._stretch(known[outcome], list(alike))
            for outcome, alike in groupby(numbered, key=lambda attempt: attempt[1][0])
        ]

    @staticmethod
    def _stretch(outcome: tuple[Look, str], alike: list[tuple[int, tuple[int, datetime, float]]]) -> Stretch:
        numbers = [number for number, _ in alike]
        times = tuple(at for _, (_, at, _) in alike)
        return Stretch(numbers[0], numbers[-1], times, *outcome, max(seconds for _, (_, _, seconds) in alike))

    def _created(self, event: DeliveryCreated) -> None:
        self.deliveries += 1
        held = self._held.pop(event.delivery, None)
        label = event.event_type.label
        self._open[event.delivery] = Track(event.delivery, label, event.due, event.request, held)

    def _attempted(self, event: AttemptEnded) -> None:
        look, outcome = _look(event), kind(event.outcome)
        if (look, outcome) not in self._outcomes and len(self._outcomes) >= _MOST:
            outcome = "another outcome"
        index = self._outcomes.setdefault((look, outcome), len(self._outcomes))
        self.density[event.at.replace(second=0, microsecond=0), look] += 1
        if track := self._open.get(event.delivery):
            track.when.append((event.at - track.due).total_seconds())
            track.outcomes.append(index)
            track.seconds.append(event.seconds)

    def _violated(self, event: ContractViolated) -> None:
        if track := self._open.get(event.delivery):
            track.violations.append(f"{event.rule}: {event.what}")
        known = kind_of(event.what)
        if (event.rule, known.name) in self.wrong or len(self.wrong) < _MOST:
            new = Wrong(event.rule, known, event.what, event.delivery)
            self.wrong.setdefault((event.rule, known.name), new).count += 1

    def _ends(self, delivery: str, end: End, reason: str = "") -> None:
        if track := self._open.pop(delivery, None):
            track.ended, track.reason = end, reason
            if len(self._over[track.end]) < _KEPT[track.end]:
                self._over[track.end].append(track)


def _look(event: AttemptEnded) -> Look:
    if event.status is not None:
        return Look.SUCCESS if event.success else Look.ANSWERED
    return _LOOKS[Failure(event.outcome.partition(":")[0])]
