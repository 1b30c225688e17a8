"""A scenario played on the virtual clock against an endpoint in memory."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sender_sim import settings
from sender_sim.clocks import VirtualClock
from sender_sim.core.call import Call
from sender_sim.core.delivery import Attempt
from sender_sim.core.events import CallBegan, DeliveryCreated, Event
from sender_sim.core.unfinished import Unfinished
from sender_sim.plan import Plan, started
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.scenarios import Scenario, situation
from tests.unit.sender_sim.scripted import URL, Scripted, of

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Played:
    """What happened, what the endpoint was given, and what did not end as expected."""

    start: datetime
    events: list[Event]
    sent: list[Attempt]
    summary: Summary
    unexpected: list[str]

    def of(self, kind: type[E]) -> list[E]:
        return of(self.events, kind)

    @property
    def calls(self) -> dict[str, Call]:
        return {event.call: event.facts for event in self.of(CallBegan)}

    @property
    def created(self) -> dict[str, DeliveryCreated]:
        return {event.delivery: event for event in self.of(DeliveryCreated)}

    @property
    def arrived(self) -> dict[str, list[timedelta]]:
        """When the endpoint was given each delivery, since the start."""
        found: dict[str, list[timedelta]] = {}
        for attempt in self.sent:
            found.setdefault(attempt.delivery, []).append(attempt.at - self.start)
        return found


def play(
    scenario: Scenario,
    *,
    seed: int = 1,
    calls: int | None = None,
    endpoint: Scripted | None = None,
    next_key: Path | None = None,
    **values: Any,
) -> Played:
    """Play a scenario; `values` are the integration's, named as in a settings file, and stand over the scenario's."""
    endpoint = endpoint or Scripted()
    laid = {"url": URL, **scenario.settings, **values}
    told = situation(settings.load(laid), laid, scenario, calls=calls, faults=[], next_key=next_key, allow_http=False)
    start, summary = started(None), Summary()
    plan = Plan(
        situation=told,
        tls=ssl.create_default_context(),
        begun=start,
        seed=seed,
        speed=None,
        concurrency=20,
        breath=0,
    )

    async def collect() -> list[Event]:
        engine = plan.engine(Unfinished())
        return [event async for event in run(engine, VirtualClock(start), plan.transport(endpoint))]

    events = asyncio.run(collect())
    for event in events:
        summary.listen(event)
    return Played(start, events, endpoint.sent, summary, list(told.expect.unmet(summary)))
