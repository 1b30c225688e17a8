"""Made-up calls happen, are delivered, and are shown as they are: what `sender-sim run` does."""

import json
import random
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import Progress

from sender_sim import faults
from sender_sim.aside import aside
from sender_sim.clocks import Clock, ScaledClock, VirtualClock
from sender_sim.core import synthetic
from sender_sim.core.call import Call
from sender_sim.core.engine import Engine
from sender_sim.core.events import DeliveryCreated, Event
from sender_sim.core.records import as_dict
from sender_sim.faults import Faulty
from sender_sim.reports import timeline
from sender_sim.reports.page import Page
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.scenarios import Situation
from sender_sim.transports import Breathing, HttpsTransport, Transport

__all__ = ["ClockType", "Plan", "hint", "watch"]

# Where virtual time begins, so that a run with the same seed is the same run.
_VIRTUAL_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
# Eleven days in a second; much more, and time runs out of what a date can hold.
_FASTEST: Final = 1_000_000


class ClockType(click.ParamType[float | None]):
    """`virtual`, `real` or `xN` -> how many times as fast as real time it runs; None: it jumps."""

    name = "virtual|real|xN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Read the text. Whatever is not a clock is told with what to write instead."""
        if value == "virtual":
            return None
        speed = "1" if value == "real" else value.removeprefix("x") if value.startswith("x") else ""
        try:
            factor = float(speed)
        except ValueError:
            factor = 0.0
        if not 0 < factor <= _FASTEST:
            self.fail(f"{value!r} is no clock; write virtual, real, or for example x1800", param, ctx)
        return factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens, where it is sent, and how fast time passes. `speed` None: the virtual clock."""

    situation: Situation
    tls: ssl.SSLContext
    seed: int
    speed: float | None
    concurrency: int
    breath: float

    def start(self) -> datetime:
        """When simulated time begins."""
        return _VIRTUAL_START if self.speed is None else datetime.now(UTC)

    def made_up(self, start: datetime) -> Iterator[Call]:
        """The calls, each made when it is asked for."""
        told = self.situation
        return synthetic.calls(random.Random(self.seed), told.calls, start, told.profile)  # noqa: S311 - no secret

    def engine(self, start: datetime) -> Engine:
        """An engine with all that will happen."""
        first, *later = self.situation.phases
        engine, in_force = Engine(first.integration), first.integration
        for phase in later:
            if in_force.changed(phase.integration):
                engine.set_up(start + phase.at, phase.integration)
            in_force = phase.integration
        engine.feed(self.made_up(start))
        return engine

    def transport(self, https: Transport, start: datetime) -> Transport:
        """What goes wrong, and time to breathe, around a transport."""
        return Breathing(Faulty(https, faults.plan(self.situation.faults, start, self.seed)), self.breath)


def watch(plan: Plan, summary: Summary, form: str, *, show_timeline: bool, page: Page | None = None) -> None:
    """Run the plan; count every event and print it: as JSON, as a line of the timeline, or not at all."""
    start = plan.start()
    show = _printer(form, show_timeline=show_timeline)
    with closing(aside(_events(plan, start))) as events, _progress() as advance:
        for event in events:
            summary.listen(event)
            if page:
                page.listen(event)
            show(event)
            advance(event, summary)


def hint(plan: Plan, summary: Summary) -> str | None:
    """What to change where an endpoint was given no real time to be ready again."""
    if plan.speed is not None or not summary.given_up_busy or not plan.situation.phases[0].integration.retry:
        return None
    longer = "--breath 1" if not plan.breath else "a longer --breath"
    return (
        f"given up on 503 on the virtual clock: {summary.given_up_busy}; a receiver that works in real time had "
        f"{'no' if not plan.breath else 'little'} time: {longer} or --clock x1800"
    )


async def _events(plan: Plan, start: datetime) -> AsyncGenerator[Event, None]:
    clock: Clock = VirtualClock(start) if plan.speed is None else ScaledClock(start, plan.speed)
    async with HttpsTransport.open(plan.tls) as https:
        transport = plan.transport(https, start)
        async with aclosing(run(plan.engine(start), clock, transport, concurrency=plan.concurrency)) as events:
            async for event in events:
                yield event


@contextmanager
def _progress() -> Iterator[Callable[[Event, Summary], None]]:
    """A bar on the terminal, if there is one."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=0)
        created = 0

        def advance(event: Event, summary: Summary) -> None:
            nonlocal created
            created += isinstance(event, DeliveryCreated)
            at = f"{event.at:%d %b %H:%M}  attempts: {summary.attempts}, given up: {summary.given_up}"
            progress.update(bar, total=created, completed=summary.delivered + summary.given_up, description=at)

        yield advance


def _printer(form: str, *, show_timeline: bool) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if form == "json":
            click.echo(json.dumps(as_dict(event)))
        elif show_timeline:
            for line in timeline.lines(event):
                click.echo(line)

    return show
