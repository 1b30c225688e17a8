"""The engine alone, and the same week written in SimPy: 337 attempts of each delivery, every event told to a summary.

Both have the same calls, bytes, rules and outcomes; none has a network. SimPy (MIT) is what a simulation in Python is
usually written with, and knows only time: the rest is written here as one would without an engine of one's own.
"""

import random
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Final

import simpy

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import synthetic
from sender_sim.core.call import Call
from sender_sim.core.delivery import delivery_id
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.events import (
    AttemptEnded,
    AttemptStarted,
    CallBegan,
    DeliveryCreated,
    GivenUp,
    RetryScheduled,
)
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Failed, Failure
from sender_sim.core.rules import next_attempt
from sender_sim.reports.summary import Summary

__all__ = ["ATTEMPTS", "by_engine", "by_simpy", "cpu_of"]

ATTEMPTS: Final = 1 + wire.RETRY_WINDOW // wire.RETRY_INTERVAL
_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_TEXTS: Final = synthetic.Profile(sms=1.0, over=timedelta(hours=1))  # text messages: one delivery each
_DEAD: Final = Failed(Failure.CONNECT, "connection refused")
_ROOM: Final = 20
_INTEGRATION: Final = Integration(url="https://localhost/webhook")


def cpu_of(simulate: Callable[[int], Summary], deliveries: int) -> float:
    """CPU seconds of a simulation, which is checked to have made every attempt."""
    began = time.process_time()
    summary = simulate(deliveries)
    taken = time.process_time() - began
    assert (summary.attempts, summary.given_up) == (deliveries * ATTEMPTS, deliveries)
    return taken


def by_engine(deliveries: int) -> Summary:
    """This project's engine."""
    engine, summary = Engine(_INTEGRATION), Summary()
    engine.feed(_calls(deliveries))
    while now := engine.next_due():
        step = engine.advance(now, room=_ROOM)
        for event in step.events:
            summary.listen(event)
        for attempt in step.attempts:
            for event in engine.conclude(attempt, _DEAD, now):
                summary.listen(event)
    return summary


def by_simpy(deliveries: int) -> Summary:
    """SimPy: a process for each delivery."""
    environment, summary = simpy.Environment(), Summary()
    environment.process(_have_calls(environment, summary, deliveries))
    environment.run()
    return summary


def _calls(count: int) -> Generator[Call]:
    yield from synthetic.calls(random.Random(1), count, _START, _TEXTS)


def _have_calls(environment: simpy.Environment, summary: Summary, count: int) -> Generator[simpy.Event]:
    for call in _calls(count):
        yield environment.timeout((call.start - _now(environment)).total_seconds())
        summary.listen(CallBegan(_now(environment), call.id, call))
        environment.process(_deliver(environment, summary, call))


def _deliver(environment: simpy.Environment, summary: Summary, call: Call) -> Generator[simpy.Event]:
    request = request_for(call, EventType.SMS, _INTEGRATION)
    first = due = _now(environment)
    name = delivery_id(call.id, EventType.SMS)
    summary.listen(DeliveryCreated(due, name, call.id, EventType.SMS, due, retry=True, request=request))
    attempt = 0
    while True:
        attempt += 1
        now = _now(environment)
        summary.listen(AttemptStarted(now, name, attempt))
        summary.listen(AttemptEnded(now, name, attempt, _DEAD.success, None, str(_DEAD), 0.0))
        following = next_attempt(first, due)
        if following is None:
            summary.listen(GivenUp(now, name, attempt, "the retry window is over"))
            return
        due = following
        summary.listen(RetryScheduled(now, name, attempt + 1, due))
        yield environment.timeout((due - now).total_seconds())


def _now(environment: simpy.Environment) -> datetime:
    return _START + timedelta(seconds=environment.now)
