"""An endpoint that answers from a script, calls to send to it, and the stream of a run against it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from sender_sim.clocks import VirtualClock
from sender_sim.core.call import Call
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.run import run
from sender_sim.transports import Transport

E = TypeVar("E", bound=Event)
Script = Callable[[Attempt], Outcome]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
URL = "https://endpoint.example/webhook"
INTEGRATION = Integration(url=URL)

OK = Answered(200)
DOWN = Failed(Failure.CONNECT)


class Scripted:
    """A transport in memory: `script` says what comes of an attempt, `sent` keeps the attempts."""

    def __init__(self, script: Script = lambda _: OK) -> None:
        self._script = script
        self.sent: list[Attempt] = []

    async def send(self, attempt: Attempt) -> Outcome:
        self.sent.append(attempt)
        return self._script(attempt)


def always(outcome: Outcome) -> Script:
    return lambda _: outcome


def at_attempt(number: int) -> Script:
    """Down until the attempt with this number."""
    return lambda attempt: OK if attempt.number >= number else DOWN


def a_call(name: str = "a", **details: Any) -> Call:
    """A call that begins and ends at START unless told otherwise."""
    return Call(**{"id": name, "fsid": f"fs-{name}", "start": START, "answered": True, **details})


def play(
    calls: Call | Iterable[Call],
    transport: Transport,
    integration: Integration = INTEGRATION,
    *,
    concurrency: int = 20,
) -> list[Event]:
    """The stream of calls under one integration, on the virtual clock."""
    engine = Engine(integration)
    for call in [calls] if isinstance(calls, Call) else calls:
        engine.place(call)
    return stream(engine, transport, concurrency=concurrency)


def stream(
    engine: Engine, transport: Transport, *, concurrency: int = 20, listen: Callable[[Event], None] | None = None
) -> list[Event]:
    """The stream of what was placed; `listen` is told each event before the run goes on."""

    async def collect() -> list[Event]:
        events = []
        async for event in run(engine, VirtualClock(START), transport, concurrency=concurrency):
            events.append(event)
            if listen:
                listen(event)
        return events

    return asyncio.run(collect())


def of(events: Sequence[Event], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def labels(sent: Sequence[Attempt]) -> list[str]:
    """The event types of attempts, by name."""
    return [attempt.delivery.partition("/")[2] for attempt in sent]


def fields(request: Request) -> dict[str, str]:
    """What an unsigned form holds, read by the standard library."""
    return dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
