"""Made-up calls happen, are delivered, and are shown as they are: what `sender-sim run` does."""

import json
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, closing

import click
from rich.console import Console

from sender_sim.aside import aside
from sender_sim.core.events import Event
from sender_sim.core.records import as_dict
from sender_sim.core.unfinished import Unfinished
from sender_sim.faults import Unmet
from sender_sim.journal import Journal, Noting
from sender_sim.plan import Plan
from sender_sim.reports import timeline
from sender_sim.reports.live import LiveView, shown
from sender_sim.reports.page import Page
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.transports import HttpsTransport, Transport

__all__ = ["Watched", "hints", "watch"]


class Watched:
    """What there is to know of a run: its figures, the view and the page that tell of it, and what is left to do."""

    def __init__(
        self,
        summary: Summary,
        *,
        page: Page | None = None,
        journal: Journal | None = None,
        unmet: Unmet | None = None,
    ) -> None:
        self.summary = summary
        self.unmet = unmet
        self.view = LiveView(summary)
        self.page = page
        self.left = Unfinished()
        self._journal = journal

    def listen(self, event: Event) -> None:
        """Let those who tell of the run hear of an event."""
        self.summary.listen(event)
        if self.unmet:
            self.unmet.listen(event)
        self.view.listen(event)
        if self.page:
            self.page.listen(event)

    def recall(self, event: Event) -> None:
        """Let an event of the journal have happened."""
        self.left.take(event)
        self.listen(event)

    def keep(self, events: Sequence[Event]) -> None:
        """Write down what has happened before anything follows from it."""
        if self._journal and events:
            self._journal.keep(events)

    def noting(self, transport: Transport) -> Transport:
        """A transport that does not forget what came of an attempt."""
        return Noting(transport, self._journal) if self._journal else transport


def watch(plan: Plan, watched: Watched, form: str, *, show_timeline: bool) -> None:
    """Run the plan; count every event and print it: as JSON, as a line of the timeline, or not at all."""
    show, prints = _printer(form, show_timeline=show_timeline), form == "json" or show_timeline
    with closing(aside(_events(plan, watched))) as events, shown(watched.view, _terminal(prints=prints)):
        for event in events:
            watched.listen(event)
            show(event)


def hints(plan: Plan, watched: Watched) -> Iterator[str]:
    """What to change where a run showed less than it was to show."""
    if watched.unmet:
        yield from watched.unmet.lines()
    busy = watched.summary.given_up_busy
    if plan.speed is None and busy and plan.situation.phases[0].integration.retry:
        longer = "--breath 1" if not plan.breath else "a longer --breath"
        yield (
            f"given up on 503 on the virtual clock: {busy}; a receiver that works in real time had "
            f"{'no' if not plan.breath else 'little'} time: {longer} or --clock x1800"
        )


async def _events(plan: Plan, watched: Watched) -> AsyncGenerator[Event, None]:
    left = watched.left
    async with HttpsTransport.open(plan.tls) as https:
        running = run(
            plan.engine(left),
            plan.clock(left),
            watched.noting(plan.transport(https)),
            concurrency=plan.concurrency,
            keep=watched.keep,
        )
        async with aclosing(running) as events:
            async for event in events:
                yield event


def _terminal(*, prints: bool) -> Console:
    """Where the run is watched: standard error, unless events are printed to the same terminal."""
    return Console(stderr=True, force_terminal=False if prints and sys.stdout.isatty() else None)


def _printer(form: str, *, show_timeline: bool) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if form == "json":
            click.echo(json.dumps(as_dict(event)))
        elif show_timeline:
            for line in timeline.lines(event):
                click.echo(line)

    return show
