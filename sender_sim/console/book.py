"""All calls and deliveries, and where each stands: told from the events alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from receiver.wire import EventType
from sender_sim.core.call import Call, Kind
from sender_sim.core.delivery import Request
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
)
from sender_sim.core.rules import wait_ends
from sender_sim.core.unfinished import Unfinished

__all__ = ["Book", "CallEntry", "Coming", "DeliveryEntry", "Standing", "Try"]


class Standing(StrEnum):
    """Where a delivery or a call stands."""

    TO_COME = "to come"
    UNDER_WAY = "under way"
    HELD = "waits for recording"
    DUE = "to be sent"
    IN_FLIGHT = "in flight"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"
    SILENT = "nothing sent"


@dataclass(slots=True)
class Try:
    """One attempt: its number, its simulated start, and what came of it; no outcome yet: None."""

    number: int
    at: datetime
    success: bool | None = None
    status: int | None = None
    outcome: str | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class DeliveryEntry:
    """One delivery. `request` is None while the post-call waits for its recording, until `held_until` at the latest."""

    id: str
    call: str
    event_type: EventType
    created: datetime
    held_until: datetime | None = None
    first_due: datetime | None = None
    retry: bool = True
    request: Request | None = None
    tries: list[Try] = field(default_factory=list)
    next_due: datetime | None = None
    standing: Standing = Standing.HELD
    reason: str = ""
    append: str | None = None
    violations: list[ContractViolated] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it will not be tried again."""
        return self.standing in (Standing.DELIVERED, Standing.GIVEN_UP)


@dataclass(slots=True)
class CallEntry:
    """One call or text message, with its deliveries in the order they came to be."""

    facts: Call
    began: datetime | None = None
    ended: datetime | None = None
    silences: list[str] = field(default_factory=list)
    recording: RecordingFound | None = None
    deliveries: list[DeliveryEntry] = field(default_factory=list)

    @property
    def standing(self) -> Standing:
        """The most pressing of what its deliveries are; else what the call itself is."""
        found = {delivery.standing for delivery in self.deliveries}
        if self.began is None:
            return Standing.TO_COME
        for each in (Standing.GIVEN_UP, Standing.IN_FLIGHT, Standing.DUE, Standing.HELD):
            if each in found:
                return each
        if self.facts.kind is Kind.VOICE and self.ended is None:
            return Standing.UNDER_WAY
        return Standing.DELIVERED if found else Standing.SILENT

    @property
    def appends(self) -> list[str]:
        """What is saved with the call."""
        return [delivery.append for delivery in self.deliveries if delivery.append is not None]


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """Something that will happen at `due`, to a call or to one of its deliveries."""

    due: datetime
    what: str
    call: str
    delivery: str = ""


class Book:
    """Calls by id, in the order they were placed or began; deliveries by id."""

    def __init__(self) -> None:
        self.calls: dict[str, CallEntry] = {}
        self.deliveries: dict[str, DeliveryEntry] = {}
        self._left = Unfinished()
        self._to_come: dict[str, Call] = {}

    def place(self, call: Call) -> None:
        """Let a call be one that will happen."""
        self.calls[call.id] = CallEntry(call)
        self._to_come[call.id] = call

    @property
    def to_come(self) -> Sequence[Call]:
        """The calls that have not begun."""
        return tuple(self._to_come.values())

    @property
    def in_flight(self) -> int:
        """How many attempts are under way."""
        pending = (self.deliveries[name] for name in self._left.pending)
        return sum(delivery.standing is Standing.IN_FLIGHT for delivery in pending)

    @property
    def pending(self) -> Sequence[DeliveryEntry]:
        """The deliveries that have bytes to send and are not over."""
        return tuple(self.deliveries[name] for name in self._left.pending)

    def coming(self) -> list[Coming]:
        """What will happen without anything else being done, soonest first. Attempts under way are not among it."""
        return sorted(self._coming())

    def _coming(self) -> Iterator[Coming]:
        left = self._left
        for call in self._to_come.values():
            yield Coming(call.start, f"{call.direction} {call.kind} begins", call.id)
        for call in left.calls.values():
            yield Coming(call.end, "the call ends", call.id)
        for call in left.recordings.values():
            if call.recording_after is not None:
                yield Coming(call.end + call.recording_after, "its recording is found", call.id)
        for held in left.held.values():
            yield Coming(wait_ends(held.call), "the wait for a recording is over", held.call.id)
        for name, pending in left.pending.items():
            delivery = self.deliveries[name]
            if delivery.standing is Standing.DUE:
                what = f"attempt {len(delivery.tries) + 1} of the {delivery.event_type.label}"
                yield Coming(pending.due, what, delivery.call, name)

    def interrupt(self) -> None:
        """Let attempts under way not have been made: they are made again, with the same number."""
        for name, pending in self._left.pending.items():
            entry = self.deliveries[name]
            if entry.standing is Standing.IN_FLIGHT:
                entry.tries.pop()
                entry.standing, entry.next_due = Standing.DUE, pending.due

    def take(self, event: Event) -> None:
        """Let an event have happened."""
        self._left.take(event)
        match event:
            case CallBegan(call=call, facts=facts):
                self._to_come.pop(call, None)
                self.calls.setdefault(call, CallEntry(facts)).began = event.at
            case CallEnded(call=call):
                self.calls[call].ended = event.at
            case NothingSent(call=call, reason=reason):
                self.calls[call].silences.append(reason)
            case RecordingFound(call=call):
                self.calls[call].recording = event
            case DeliveryHeld() | DeliveryCreated():
                self._created(event)
            case _:
                self._take_of_delivery(event)

    def _created(self, event: DeliveryHeld | DeliveryCreated) -> None:
        entry = self.deliveries.get(event.delivery)
        if entry is None:
            call = event.delivery.rpartition("/")[0]
            event_type = event.event_type if isinstance(event, DeliveryCreated) else EventType.POST_CALL
            entry = self.deliveries[event.delivery] = DeliveryEntry(event.delivery, call, event_type, event.at)
            self.calls[call].deliveries.append(entry)
        if isinstance(event, DeliveryHeld):
            entry.held_until = event.until
            return
        entry.first_due = entry.next_due = event.due
        entry.retry, entry.request, entry.standing = event.retry, event.request, Standing.DUE

    def _take_of_delivery(self, event: Event) -> None:
        match event:
            case AttemptStarted(delivery=name) | AttemptEnded(delivery=name):
                self._attempted(self.deliveries[name], event)
            case RetryScheduled(delivery=name):
                entry = self.deliveries[name]
                entry.standing, entry.next_due = Standing.DUE, event.due
            case Delivered(delivery=name):
                self.deliveries[name].standing = Standing.DELIVERED
            case GivenUp(delivery=name):
                entry = self.deliveries[name]
                entry.standing, entry.reason = Standing.GIVEN_UP, event.reason
            case AppendSaved(delivery=name):
                self.deliveries[name].append = event.append
            case ContractViolated(delivery=name):
                self.deliveries[name].violations.append(event)

    def _attempted(self, entry: DeliveryEntry, event: AttemptStarted | AttemptEnded) -> None:
        if isinstance(event, AttemptEnded):
            last = entry.tries[-1]
            last.success, last.status, last.outcome = event.success, event.status, event.outcome
            last.seconds = event.seconds
            return
        if entry.tries and entry.tries[-1].success is None:  # cut off by a stop of the simulator
            entry.tries.pop()
        entry.tries.append(Try(event.attempt, event.at))
        entry.standing, entry.next_due = Standing.IN_FLIGHT, None
