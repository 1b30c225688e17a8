"""Made-up calls happen, are delivered, and are shown as they are: what `sender-sim run` does."""

import json
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import Progress

from sender_sim.aside import aside
from sender_sim.clocks import Clock, ScaledClock, VirtualClock
from sender_sim.core import synthetic
from sender_sim.core.call import Call
from sender_sim.core.engine import Engine
from sender_sim.core.events import DeliveryCreated, Event
from sender_sim.core.records import as_dict
from sender_sim.options import Target
from sender_sim.reports import timeline
from sender_sim.reports.page import Page, settings_facts
from sender_sim.reports.reproduce import commands
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.transports import Breathing, HttpsTransport

__all__ = ["ClockType", "Plan", "hint", "page_of", "watch"]

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
    """Which calls happen, where they are sent, and how fast time passes. `speed` None: the virtual clock."""

    sent_to: Target
    calls: int
    seed: int
    speed: float | None
    concurrency: int
    breath: float

    def start(self) -> datetime:
        """When simulated time begins."""
        return _VIRTUAL_START if self.speed is None else datetime.now(UTC)

    def made_up(self, start: datetime) -> list[Call]:
        """The calls."""
        return list(synthetic.calls(random.Random(self.seed), self.calls, start))  # noqa: S311 - no secret


def watch(plan: Plan, summary: Summary, form: str, *, show_timeline: bool, page: Page | None = None) -> None:
    """Run the plan; count every event and print it: as JSON, as a line of the timeline, or not at all."""
    start = plan.start()
    calls = plan.made_up(start)
    show = _printer(form, calls, show_timeline=show_timeline)
    with closing(aside(_events(plan, calls, start))) as events, _progress() as advance:
        for event in events:
            summary.listen(event)
            if page:
                page.listen(event)
            show(event)
            advance(event, summary)


def page_of(plan: Plan) -> Page:
    """The page for a run of this plan."""
    sent_to = plan.sent_to
    clock = "virtual" if plan.speed is None else "real" if plan.speed == 1 else f"x{plan.speed:g}"
    facts = [*settings_facts(sent_to.integration), ("seed", str(plan.seed)), ("clock", clock)]
    return Page(facts, partial(commands, ca=sent_to.ca, signing=sent_to.signing))


def hint(plan: Plan, summary: Summary) -> str | None:
    """What to change where an endpoint was given no real time to be ready again."""
    if plan.speed is not None or not summary.given_up_busy or not plan.sent_to.integration.retry:
        return None
    longer = "--breath 1" if not plan.breath else "a longer --breath"
    return (
        f"given up on 503 on the virtual clock: {summary.given_up_busy}; a receiver that works in real time had "
        f"{'no' if not plan.breath else 'little'} time: {longer} or --clock x1800"
    )


async def _events(plan: Plan, calls: list[Call], start: datetime) -> AsyncGenerator[Event, None]:
    engine = Engine(plan.sent_to.integration)
    engine.feed(iter(calls))
    clock: Clock = VirtualClock(start) if plan.speed is None else ScaledClock(start, plan.speed)
    async with HttpsTransport.open(plan.sent_to.tls) as https:
        transport = Breathing(https, plan.breath)
        async with aclosing(run(engine, clock, transport, concurrency=plan.concurrency)) as events:
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


def _printer(form: str, calls: list[Call], *, show_timeline: bool) -> Callable[[Event], None]:
    width = timeline.width_for(call.id for call in calls)

    def show(event: Event) -> None:
        if form == "json":
            click.echo(json.dumps(as_dict(event)))
        elif show_timeline:
            for line in timeline.lines(event, width=width):
                click.echo(line)

    return show
