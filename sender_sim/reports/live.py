"""A run on the terminal while it goes on: how far it is, how fast, and what failed last."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sender_sim.core.events import AttemptEnded, Delivered, DeliveryCreated, Event, GivenUp, RetryScheduled
from sender_sim.reports.printable import printable
from sender_sim.reports.summary import Summary

__all__ = ["LiveView", "shown"]

_FAILURES: Final = 3
# Attempts a second are those of the last few seconds, looked at a few times in each.
_SECONDS: Final = 4.0
_PAUSE: Final = 0.25


class LiveView:
    """Listens to a run; rich draws it as it is at the moment. `now` is real time in seconds."""

    def __init__(self, summary: Summary, now: Callable[[], float] = time.monotonic) -> None:
        self._summary = summary
        self._now = now
        self._at: datetime | None = None
        self._created = 0
        self._retrying = 0
        self._failures: deque[AttemptEnded] = deque(maxlen=_FAILURES)
        self._counts: deque[tuple[float, int]] = deque([(now(), 0)])

    def listen(self, event: Event) -> None:
        """Take an event that the summary has counted."""
        self._at = event.at
        match event:
            case DeliveryCreated():
                self._created += 1
            case AttemptEnded():
                self._count()
                if not event.success:
                    self._failures.append(event)
            case RetryScheduled():
                self._retrying += event.attempt == 2
            case Delivered() | GivenUp():
                self._retrying -= event.attempts > 1

    @property
    def rate(self) -> float:
        """Attempts a second, of late."""
        (begin, before), now = self._counts[0], self._now()
        return (self._summary.attempts - before) / (now - begin) if now > begin else 0.0

    def __rich__(self) -> RenderableType:
        head = Table.grid(padding=(0, 2))
        over = self._summary.delivered + self._summary.given_up
        bar = ProgressBar(total=max(self._created, 1), completed=over, width=32)
        at = f"{self._at:%a %d %b %H:%M:%S}" if self._at else ""
        head.add_row(Text(at, "bold"), bar, Text(f"{over:,} of {self._created:,} deliveries are over"))
        failures = tuple(self._failures)  # rich draws in a thread of its own
        return Group(head, self._figures(), *map(_failure, failures))

    def _figures(self) -> Text:
        summary = self._summary
        figures = [
            (f"attempts: {summary.attempts:,} ({self.rate:,.0f}/s)", ""),
            (f"delivered: {summary.delivered:,}", "green" if summary.delivered else ""),
            (f"retrying: {self._retrying:,}", "yellow" if self._retrying else ""),
            (f"given up: {summary.given_up:,}", "bold red" if summary.given_up else ""),
            (f"violations: {summary.violations.total():,}", "bold red" if summary.violations else ""),
        ]
        return Text("  ").join(Text(words, style) for words, style in figures)

    def _count(self) -> None:
        now = self._now()
        if now - self._counts[-1][0] >= _PAUSE:
            self._counts.append((now, self._summary.attempts))
        while len(self._counts) > 1 and now - self._counts[0][0] > _SECONDS:
            self._counts.popleft()


@contextmanager
def shown(view: LiveView, console: Console) -> Iterator[None]:
    """Draw the view until the end of the block, if the console is a terminal. Then there is nothing left of it."""
    if not console.is_terminal:
        yield
        return
    # What the program prints is its own business, and may go to a file.
    with Live(view, console=console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield


def _failure(event: AttemptEnded) -> Text:
    words = f"  {event.at:%H:%M:%S}  {event.delivery}  attempt {event.attempt}: {event.outcome}"
    return Text(printable(words).replace("\n", " "), "dim", no_wrap=True, overflow="ellipsis")
