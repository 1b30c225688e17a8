"""Drives the engine: a clock says when, a transport sends, the engine says what it means."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sender_sim.clocks import Clock
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Step
from sender_sim.core.events import Event
from sender_sim.core.outcome import Outcome
from sender_sim.transports import Transport

__all__ = ["Driven", "run"]


class Driven(Protocol):
    """What is driven: an engine, or part of its time."""

    def advance(self, now: datetime, *, room: int) -> Step:
        """Let happen what is due; say what to send."""
        ...

    def next_due(self) -> datetime | None:
        """When something happens next without an outcome coming in."""
        ...

    def conclude(self, attempt: Attempt, outcome: Outcome, now: datetime) -> Iterable[Event]:
        """Take the outcome of an attempt; say what follows from it."""
        ...


async def run(
    engine: Driven,
    clock: Clock,
    transport: Transport,
    *,
    concurrency: int = 20,
    keep: Callable[[Sequence[Event]], object] = lambda _: None,
) -> AsyncGenerator[Event, None]:
    """Every event until nothing is left to happen. At most `concurrency` attempts are in flight at once.

    Outcomes that are there together are taken in the order their attempts were started. `keep` is given what happened,
    all that belongs together at once, before anything follows from it.
    """
    in_flight: dict[asyncio.Task[Outcome], Attempt] = {}
    try:
        while True:
            step = engine.advance(clock.now(), room=concurrency - len(in_flight))
            keep(step.events)
            for event in step.events:
                yield event
            for attempt in step.attempts:
                in_flight[asyncio.create_task(transport.send(attempt))] = attempt
            due = engine.next_due()
            if not in_flight and due is None:
                return
            full = len(in_flight) >= concurrency
            done = await clock.wait(in_flight.keys(), None if full else due)
            ended = [task for task in in_flight if task in done]
            events = [
                event for task in ended for event in engine.conclude(in_flight.pop(task), task.result(), clock.now())
            ]
            keep(events)
            for event in events:
                yield event
    finally:
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
