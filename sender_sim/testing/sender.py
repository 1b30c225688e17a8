"""Sends one event at a time, with all of Kaisa's rules, on a virtual clock: the next half hour comes at once."""

import secrets
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Unpack, cast

from receiver.wire import EventType
from sender_sim.blocking import finish
from sender_sim.clocks import VirtualClock
from sender_sim.core import delivery, synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Delivery, Request
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.events import Event, RetryScheduled
from sender_sim.core.faults import AnswerLost, Fault, Refused, Rule
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Outcome
from sender_sim.core.unfinished import Pending, Unfinished
from sender_sim.faults import Faulty, Plan, from_flags, plan
from sender_sim.run import run
from sender_sim.testing.fields import Faults, Fields, texts
from sender_sim.testing.result import Attempt, Result
from sender_sim.transports import Transport

__all__ = ["Sender"]


class Sender:
    """Sends events of one integration. `now` is the virtual time; each delivery moves it on.

    Kaisa makes up to 337 attempts. A delivery is followed here until `attempts` of them have failed that nothing was
    to go wrong with, so that a test is soon told of an endpoint that always fails.
    """

    def __init__(self, integration: Integration, transport: Transport, *, now: datetime, attempts: int) -> None:
        self.now = now
        self._integration = integration
        self._transport = transport
        self._attempts = attempts

    def post_call(self, **fields: Unpack[Fields]) -> Result:
        """A call has ended."""
        return self._send(EventType.POST_CALL, fields)

    def pre_call(self, **fields: Unpack[Fields]) -> Result:
        """A call comes in and is not connected yet (C5)."""
        return self._send(EventType.PRE_CALL, fields)

    def sms(self, **fields: Unpack[Fields]) -> Result:
        """A text message has come in; `details` is its text."""
        return self._send(EventType.SMS, fields)

    def again(self, result: Result, **faults: Unpack[Faults]) -> Result:
        """The same delivery once more, byte for byte."""
        return self._deliver(result.id, result.event_type, result.request, _rules(**faults))

    def _send(self, event_type: EventType, fields: Fields) -> Result:
        told = cast("dict[str, Any]", fields)
        rules = _rules(**cast("Faults", {name: told.pop(name) for name in Faults.__annotations__ if name in told}))
        changes = texts(told, self._integration.macro.fields)
        call_id = changes.get("id") or secrets.token_hex(8)
        sample = synthetic.sample(self.now)
        if event_type is EventType.POST_CALL:
            if changes.get("answered") == "0":
                changes.setdefault("duration", "0")  # nobody talked
            sample = replace(sample, start=_before(self.now, changes.get("duration"), sample.duration))
        kind = Kind.SMS if event_type is EventType.SMS else Kind.VOICE
        call = replace(sample, id=call_id, fsid=f"FS-{call_id}", kind=kind)
        recording = f"rec-{call_id}" if event_type is EventType.POST_CALL else ""
        request = request_for(call, event_type, self._integration, recording_id=recording, changes=changes)
        return self._deliver(call_id, event_type, request, rules)

    def _deliver(self, call_id: str, event_type: EventType, request: Request, rules: Sequence[Rule]) -> Result:
        clock, meets = VirtualClock(self.now), plan(rules, self.now, seed=0)
        made = _Made(Faulty(self._transport, meets), meets)
        sent = Delivery(call_id, event_type, request, retry=self._integration.retry)
        engine = Engine(self._integration)
        engine.resume(Unfinished(pending={sent.id: Pending(sent, self.now)}), ())
        events = finish(self._follow(engine, clock, made))
        self.now = clock.now()
        return Result(call_id, event_type, request, tuple(made.attempts), tuple(events))

    async def _follow(self, engine: Engine, clock: VirtualClock, made: "_Made") -> list[Event]:
        happened = []
        async with aclosing(run(engine, clock, made)) as events:
            async for event in events:
                happened.append(event)
                if isinstance(event, RetryScheduled) and made.undisturbed >= self._attempts:
                    break
        return happened


class _Made:
    """A transport that keeps what came of each attempt, and counts those that nothing was to go wrong with."""

    def __init__(self, transport: Transport, meets: Plan) -> None:
        self._transport = transport
        self._meets = meets
        self.attempts: list[Attempt] = []
        self.undisturbed = 0

    async def send(self, attempt: delivery.Attempt) -> Outcome:
        """Send the attempt, and keep its outcome."""
        outcome = await self._transport.send(attempt)
        self.attempts.append(Attempt(attempt.number, attempt.at, outcome))
        self.undisturbed += self._meets(attempt) is None
        return outcome


def _before(now: datetime, duration: str | None, usual: timedelta) -> datetime:
    """When a call began that ends now: at the same moment, if its duration is no number of seconds."""
    try:
        return now - (usual if duration is None else timedelta(seconds=int(duration)))
    except (ValueError, OverflowError):
        return now


def _rules(*, refuse: int = 0, lose_answer: int = 0, faults: Sequence[str] = ()) -> list[Rule]:
    """Which attempts meet which fault."""
    counted: list[tuple[Fault, int]] = [(Refused(), refuse), (AnswerLost(), lose_answer)]
    rules, next_one = [], 1
    for fault, times in counted:
        rules += [Rule(fault=fault, first=next_one, last=next_one + times - 1)] if times else []
        next_one += times
    return rules + from_flags(faults)
