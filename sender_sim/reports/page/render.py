"""The page itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sender_sim.core.delivery import Request
from sender_sim.core.events import Event
from sender_sim.reports.html_page import render
from sender_sim.reports.page import picture, words
from sender_sim.reports.page.history import End, History, Look, Stretch, Track
from sender_sim.reports.reproduce import Command
from sender_sim.reports.summary import Summary

__all__ = ["Page"]

# How many stretches of a delivery's attempts are listed: so many from the beginning, and so many to the end.
_BEGINNING, _ENDING = 20, 10
_STATES: Final = {
    End.VIOLATED: "bad",
    End.GIVEN_UP: "bad",
    End.OPEN: "open",
    End.RETRIED: "late",
    End.SMOOTH: "good",
}
# Without a scenario or with one, and how it ended.
_VERDICTS: Final = {
    (True, True): "The contract was kept",
    (True, False): "The contract was broken",
    (False, True): "The scenario ended as it should",
    (False, False): "The scenario did not end as it should",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """Attempts of a delivery as a line of its table."""

    numbers: str
    begin: str
    until: str
    look: Look | None
    outcome: str
    slowest: str


class Page:
    """Listens to a run. `facts` are what it was set to, by name; `reproduce` has the lines that repeat a request."""

    def __init__(self, facts: Sequence[tuple[str, str]], reproduce: Callable[[Request], Iterable[Command]]) -> None:
        self._facts = facts
        self._reproduce = reproduce
        self._history = History()

    def listen(self, event: Event) -> None:
        """Keep what the page shows of an event."""
        self._history.listen(event)

    def page(self, summary: Summary, *, unexpected: Sequence[str] | None = None, stopped: bool = False) -> str:
        """The page, with the figures of the run.

        `unexpected` is what did not end as the run's scenario says (None: it had none, and all had to be delivered);
        `stopped` says that it did not come to its end.
        """
        good = summary.kept if unexpected is None else not unexpected
        tracks = self._history.tracks()
        return render(
            "run",
            facts=[*self._facts, *self._times()],
            summary=summary,
            stopped=stopped,
            history=self._history,
            wrong=sorted(self._history.wrong.values(), key=lambda each: -each.count),
            delivered_at=_delivered_at(summary),
            picture=picture.draw(self._history, tracks),
            tracks=tracks,
            describe=self._describe,
            anchors={track.id: f"d{number}" for number, track in enumerate(tracks, 1)},
            looks=[look for look in Look if any(seen is look for _, seen in self._history.density)],
            good=good,
            unexpected=unexpected or (),
            verdict=_VERDICTS[unexpected is None, good],
            state_of=_STATES,
            shape=picture.shape,
            words=words,
        )

    def _times(self) -> list[tuple[str, str]]:
        begin, until = self._history.begin, self._history.until
        if not begin or not until:
            return []
        span = (
            f"{words.moment(begin)} to {words.moment(until, after=begin)}, {begin.year}: {words.length(until - begin)}"
        )
        return [("simulated time (UTC)", span)]

    def _describe(self, track: Track) -> dict[str, Any]:
        """What is told of one delivery when it is opened."""
        stretches = self._history.stretches(track)
        return {
            "last": stretches[-1] if stretches else None,
            "lines": _lines(stretches),
            "commands": list(self._reproduce(track.request)),
        }


def _delivered_at(summary: Summary) -> list[tuple[str, int]]:
    """Deliveries by the attempt that got the 200: the first few attempts, and the rest together."""
    counts = sorted(summary.delivered_at.items())
    shown = [(f"attempt {attempt}", count) for attempt, count in counts[:6]]
    later = sum(count for _, count in counts[6:])
    return [*shown, ("later", later)] if later else shown


def _lines(stretches: Sequence[Stretch]) -> list[_Line]:
    lines = [_line(stretch) for stretch in stretches]
    left_out = stretches[_BEGINNING:-_ENDING]
    if not left_out:
        return lines
    total = sum(stretch.last - stretch.first + 1 for stretch in left_out)
    between = _Line(f"{left_out[0].first} to {left_out[-1].last}", "", "", None, f"{total:,} more, by turns", "")
    return [*lines[:_BEGINNING], between, *lines[-_ENDING:]]


def _line(stretch: Stretch) -> _Line:
    first, last = stretch.times[0], stretch.times[-1]
    gaps = {after - before for before, after in pairwise(stretch.times)}
    every = f", every {words.length(gaps.pop())}" if len(gaps) == 1 and len(stretch.times) > 2 else ""
    return _Line(
        numbers=str(stretch.first) if stretch.first == stretch.last else f"{stretch.first} to {stretch.last}",
        begin=words.moment(first),
        until=f" to {words.moment(last, after=first)}{every}" if len(stretch.times) > 1 else "",
        look=stretch.look,
        outcome=stretch.outcome,
        slowest=f"{stretch.slowest:.3f} s",
    )
