"""Calls in, attempts out, outcomes back in: the sender as a state machine that never waits and sends nothing itself.

`advance` takes what is due and says what to send; `conclude` takes what came of it. Both return what happened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import encode, rules
from sender_sim.core.call import Call, values
from sender_sim.core.delivery import Attempt, Delivery, Request, State
from sender_sim.core.events import (
    AppendSaved,
    AttemptEnded,
    AttemptStarted,
    CallBegan,
    CallEnded,
    ContractViolated,
    Delivered,
    DeliveryHeld,
    Event,
    GivenUp,
    NothingSent,
    RecordingFound,
    RetryScheduled,
)
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.core.schedule import Schedule

__all__ = ["Engine", "Step", "request_for"]


class _Priority(IntEnum):
    """The order of what is due at one time: a recording found at the last moment is found in time (R6)."""

    RECORDING = 0
    CALL = 1
    WAIT_OVER = 2
    SEND = 3


@dataclass(frozen=True, slots=True)
class _CallBegins:
    call: Call
    integration: Integration


@dataclass(frozen=True, slots=True)
class _CallEnds:
    call: Call
    integration: Integration


@dataclass(frozen=True, slots=True)
class _RecordingArrives:
    call: Call


@dataclass(frozen=True, slots=True)
class _WaitIsOver:
    call: Call


@dataclass(frozen=True, slots=True)
class _Send:
    delivery: Delivery


_Action = _CallBegins | _CallEnds | _RecordingArrives | _WaitIsOver | _Send


@dataclass(slots=True)
class Step:
    """What happened, and what to send now."""

    events: list[Event] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


def request_for(
    call: Call,
    event_type: EventType,
    integration: Integration,
    *,
    recording_id: str = "",
    changes: Mapping[str, str] | None = None,
) -> Request:
    """The request that reports an event of a call with these settings; `changes` replaces fields of it."""
    fields = values(call, event_type, recording_id=recording_id) | dict(changes or {})
    pairs = encode.expand(integration.macro, fields)
    body = encode.body(pairs, integration.encoding, integration.signer)
    return Request(integration.url, wire.CONTENT_TYPES[integration.encoding], body, integration.timeout)


class Engine:
    """All calls and deliveries that are not over. A delivery keeps the bytes and the rules it was born with."""

    def __init__(self) -> None:
        self._schedule: Schedule[_Action] = Schedule()
        self._in_flight: dict[str, Delivery] = {}
        self._held: dict[str, Integration] = {}

    def place(self, call: Call, integration: Integration) -> None:
        """Have a call happen at its start, under these settings."""
        self._schedule.add(call.start, _Priority.CALL, _CallBegins(call, integration))

    def next_due(self) -> datetime | None:
        """When something happens next without an outcome coming in; None: nothing will."""
        return self._schedule.next_due()

    def advance(self, now: datetime, *, room: int) -> Step:
        """Let happen what is due at `now`, until `room` attempts are to be sent."""
        step = Step()
        while len(step.attempts) < room and (item := self._schedule.pop(now)):
            due, action = item
            if isinstance(action, _Send):
                step.attempts.append(self._begin(action.delivery, now, due))
                step.events.append(AttemptStarted(now, action.delivery.id, action.delivery.attempts))
            else:
                step.events.extend(self._happen(action, due, now))
        return step

    def conclude(self, attempt: Attempt, outcome: Outcome, now: datetime) -> Iterator[Event]:
        """Take the outcome of an attempt; say what follows from it."""
        delivery = self._in_flight.pop(attempt.delivery)
        due = delivery.end(outcome)
        status = outcome.status if isinstance(outcome, Answered) else None
        yield AttemptEnded(
            now, delivery.id, attempt.number, outcome.success, status, str(outcome), round(outcome.seconds, 4)
        )
        yield from _judge_answer(delivery, attempt, outcome, now)
        if delivery.state is State.DELIVERED:
            yield Delivered(now, delivery.id, delivery.attempts)
        elif due:
            self._schedule.add(due, _Priority.SEND, _Send(delivery))
            yield RetryScheduled(now, delivery.id, delivery.attempts + 1, due)
        else:
            reason = "the retry window is over" if delivery.retry else "retries are off"
            yield GivenUp(now, delivery.id, delivery.attempts, reason)

    def _begin(self, delivery: Delivery, now: datetime, due: datetime) -> Attempt:
        self._in_flight[delivery.id] = delivery
        return delivery.begin(now, due)

    def _happen(
        self, action: _CallBegins | _CallEnds | _RecordingArrives | _WaitIsOver, due: datetime, now: datetime
    ) -> Iterator[Event]:
        """Events tell when they are noticed, `now`; what follows from them is due from when they were, `due`."""
        match action:
            case _CallBegins(call, integration):
                yield from self._call_begins(call, integration, now)
            case _CallEnds(call, integration):
                yield from self._call_ends(call, integration, now)
            case _RecordingArrives(call):
                held = self._held.pop(call.id, None)
                yield RecordingFound(now, call.id, call.recording_id, too_late=held is None)
                if held:
                    self._create(call, EventType.POST_CALL, held, due, recording_id=call.recording_id)
            case _WaitIsOver(call):
                if held := self._held.pop(call.id, None):
                    self._create(call, EventType.POST_CALL, held, due)

    def _call_begins(self, call: Call, integration: Integration, now: datetime) -> Iterator[Event]:
        yield CallBegan(now, call.id, call.kind, call.direction)
        sent = rules.events_of(call, integration)
        if not sent:
            reason = "'Enable after outbound call' is off" if integration.active else "the integration is not active"
            yield NothingSent(now, call.id, reason)
        for event_type in (EventType.PRE_CALL, EventType.SMS):
            if event_type in sent:
                self._create(call, event_type, integration, call.start)
        if EventType.POST_CALL in sent:
            self._schedule.add(call.end, _Priority.CALL, _CallEnds(call, integration))

    def _call_ends(self, call: Call, integration: Integration, now: datetime) -> Iterator[Event]:
        yield CallEnded(now, call.id)
        if not integration.wait_for_recording:
            self._create(call, EventType.POST_CALL, integration, call.end)
            return
        until = rules.wait_ends(call)
        self._held[call.id] = integration
        self._schedule.add(until, _Priority.WAIT_OVER, _WaitIsOver(call))
        if call.recording_after is not None:
            self._schedule.add(call.end + call.recording_after, _Priority.RECORDING, _RecordingArrives(call))
        yield DeliveryHeld(now, f"{call.id}/{EventType.POST_CALL.label}", until)

    def _create(
        self, call: Call, event_type: EventType, integration: Integration, due: datetime, *, recording_id: str = ""
    ) -> None:
        request = request_for(call, event_type, integration, recording_id=recording_id)
        delivery = Delivery(call.id, event_type, request, retry=integration.retry)
        self._schedule.add(due, _Priority.SEND, _Send(delivery))


def _judge_answer(delivery: Delivery, attempt: Attempt, outcome: Outcome, now: datetime) -> Iterator[Event]:
    match rules.read_append(outcome):
        case rules.Append(text):
            yield AppendSaved(now, delivery.id, delivery.call, text)
        case rules.Violation(rule, what):
            yield ContractViolated(now, delivery.id, attempt.number, rule, what)
