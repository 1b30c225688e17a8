"""Calls in, attempts out, outcomes back in: the sender as a state machine that never waits and sends nothing itself.

`advance` takes what is due and says what to send; `conclude` takes what came of it. Both return what happened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import encode, rules
from sender_sim.core.call import Call, Kind, values
from sender_sim.core.delivery import Attempt, Delivery, Request, delivery_id
from sender_sim.core.events import (
    AppendSaved,
    AttemptEnded,
    AttemptStarted,
    CallBegan,
    CallEnded,
    ContractViolated,
    Delivered,
    DeliveryCreated,
    DeliveryHeld,
    Event,
    GivenUp,
    NothingSent,
    RecordingFound,
    RetryScheduled,
    SettingsChanged,
)
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.core.schedule import Schedule
from sender_sim.core.unfinished import Unfinished

__all__ = ["Engine", "Step", "request_for"]


class _Priority:
    """The order of what is due at one time: a recording found at the last moment is found in time (R6).

    What is of one kind comes in the order of its calls, so that a run that was stopped goes on in the same order.
    """

    SETTINGS, RECORDING, CALL_ENDS, CALL_BEGINS, WAIT_OVER, SEND = range(6)


@dataclass(frozen=True, slots=True)
class _SettingsChange:
    integration: Integration


@dataclass(frozen=True, slots=True)
class _CallBegins:
    call: Call


@dataclass(frozen=True, slots=True)
class _CallEnds:
    call: Call


@dataclass(frozen=True, slots=True)
class _RecordingArrives:
    call: Call


@dataclass(frozen=True, slots=True)
class _WaitIsOver:
    call: Call


_Happening = _SettingsChange | _CallBegins | _CallEnds | _RecordingArrives | _WaitIsOver
_Action = _Happening | Delivery  # a delivery is due for its next attempt


@dataclass(slots=True)
class Step:
    """What happened, and what to send now."""

    events: list[Event]
    attempts: list[Attempt]


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
    """One integration, and all its calls and deliveries that are not over.

    A delivery keeps the bytes and the rules it was born with: those in force when its call begins, or for a post-call
    when its call ends.
    """

    def __init__(self, integration: Integration) -> None:
        self._integration = integration
        self._schedule: Schedule[_Action] = Schedule()
        self._calls: Iterator[Call] = iter(())
        self._in_flight: dict[str, Delivery] = {}
        self._held: dict[str, Integration] = {}

    def set_up(self, at: datetime, integration: Integration) -> None:
        """Have these settings in force from `at` on."""
        self._schedule.add(at, _Priority.SETTINGS, _SettingsChange(integration))

    def place(self, call: Call) -> None:
        """Have a call happen at its start."""
        self._schedule.add(call.start, _Priority.CALL_BEGINS, _CallBegins(call))

    def feed(self, calls: Iterator[Call]) -> None:
        """Have calls happen, which come in the order of their starts; each is asked for when the one before begins."""
        self._calls = calls
        self._place_next()

    def resume(self, left: Unfinished, settings: Sequence[Integration]) -> None:
        """Go on with what an earlier run has left; `settings` are those it had, the first and after each change."""
        for call in left.calls.values():
            self._schedule.add(call.end, _Priority.CALL_ENDS, _CallEnds(call))
        for held in left.held.values():
            self._held[held.call.id] = settings[held.changes]
            self._schedule.add(held.until, _Priority.WAIT_OVER, _WaitIsOver(held.call))
        for call in left.recordings.values():
            self._await_recording(call)
        for pending in left.pending.values():
            self._schedule.add(pending.due, _Priority.SEND, pending.delivery)

    def next_due(self) -> datetime | None:
        """When something happens next without an outcome coming in; None: nothing will."""
        return self._schedule.next_due()

    def advance(self, now: datetime, *, room: int) -> Step:
        """Let happen what is due at `now`, until `room` attempts are to be sent."""
        events: list[Event] = []
        attempts: list[Attempt] = []
        while len(attempts) < room and (item := self._schedule.pop(now)):
            due, action = item
            if isinstance(action, Delivery):
                self._in_flight[action.id] = action
                attempts.append(action.begin(now, due))
                events.append(AttemptStarted(now, action.id, action.attempts))
            else:
                events += self._happen(action, due, now)
        return Step(events, attempts)

    def conclude(self, attempt: Attempt, outcome: Outcome, now: datetime) -> list[Event]:
        """Take the outcome of an attempt; say what follows from it."""
        delivery = self._in_flight.pop(attempt.delivery)
        due = delivery.end(outcome)
        status = outcome.status if isinstance(outcome, Answered) else None
        ended = AttemptEnded(now, delivery.id, attempt.number, outcome.success, status, str(outcome), outcome.seconds)
        if due:
            self._schedule.add(due, _Priority.SEND, delivery)
            return [ended, RetryScheduled(now, delivery.id, delivery.attempts + 1, due)]
        if outcome.success:
            judged = _judge_answer(delivery, attempt, outcome, now)
            return [ended, *judged, Delivered(now, delivery.id, delivery.attempts)]
        reason = "the retry window is over" if delivery.retry else "retries are off"
        return [ended, GivenUp(now, delivery.id, delivery.attempts, reason)]

    def _place_next(self) -> None:
        if call := next(self._calls, None):
            self.place(call)

    def _happen(self, action: _Happening, due: datetime, now: datetime) -> Iterator[Event]:
        """Events tell when they are noticed, `now`; what follows from them is due from when they were, `due`."""
        match action:
            case _SettingsChange(integration):
                changed, self._integration = self._integration.changed(integration), integration
                yield SettingsChanged(now, changed)
            case _CallBegins(call):
                yield from self._call_begins(call, now)
            case _CallEnds(call):
                yield from self._call_ends(call, now)
            case _RecordingArrives(call):
                held = self._held.pop(call.id, None)
                yield RecordingFound(now, call.id, call.recording_id, too_late=held is None)
                if held:
                    yield self._create(call, EventType.POST_CALL, held, now, due, recording_id=call.recording_id)
            case _WaitIsOver(call):
                if held := self._held.pop(call.id, None):
                    yield self._create(call, EventType.POST_CALL, held, now, due)

    def _call_begins(self, call: Call, now: datetime) -> Iterator[Event]:
        self._place_next()
        yield CallBegan(now, call.id, call)
        for event_type in rules.events_at_start(call, self._integration):
            yield self._create(call, event_type, self._integration, now, call.start)
        if call.kind is Kind.VOICE:
            self._schedule.add(call.end, _Priority.CALL_ENDS, _CallEnds(call))
        elif reason := rules.silence(call, self._integration):
            yield NothingSent(now, call.id, reason)

    def _call_ends(self, call: Call, now: datetime) -> Iterator[Event]:
        yield CallEnded(now, call.id)
        integration = self._integration
        if reason := rules.silence(call, integration):
            yield NothingSent(now, call.id, reason)
        elif integration.wait_for_recording:
            yield self._hold(call, integration, now)
        else:
            yield self._create(call, EventType.POST_CALL, integration, now, call.end)

    def _hold(self, call: Call, integration: Integration, now: datetime) -> DeliveryHeld:
        until = rules.wait_ends(call)
        self._held[call.id] = integration
        self._schedule.add(until, _Priority.WAIT_OVER, _WaitIsOver(call))
        self._await_recording(call)
        return DeliveryHeld(now, delivery_id(call.id, EventType.POST_CALL), until)

    def _await_recording(self, call: Call) -> None:
        if call.recording_after is not None:
            self._schedule.add(call.end + call.recording_after, _Priority.RECORDING, _RecordingArrives(call))

    def _create(
        self,
        call: Call,
        event_type: EventType,
        integration: Integration,
        now: datetime,
        due: datetime,
        *,
        recording_id: str = "",
    ) -> DeliveryCreated:
        request = request_for(call, event_type, integration, recording_id=recording_id)
        delivery = Delivery(call.id, event_type, request, retry=integration.retry)
        self._schedule.add(due, _Priority.SEND, delivery)
        return DeliveryCreated(now, delivery.id, call.id, event_type, due, delivery.retry, request)


def _judge_answer(delivery: Delivery, attempt: Attempt, outcome: Outcome, now: datetime) -> Iterator[Event]:
    match rules.read_append(outcome):
        case rules.Append(text):
            yield AppendSaved(now, delivery.id, delivery.call, text)
        case rules.Violation(rule, what):
            yield ContractViolated(now, delivery.id, attempt.number, rule, what)
