"""What a run that was stopped has left to do, told from its events alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sender_sim.core.call import Call, Kind
from sender_sim.core.delivery import Delivery
from sender_sim.core.events import (
    CallBegan,
    CallEnded,
    Delivered,
    DeliveryCreated,
    DeliveryHeld,
    Event,
    GivenUp,
    RecordingFound,
    RetryScheduled,
    SettingsChanged,
)

__all__ = ["Held", "Pending", "Unfinished", "unfinished"]


@dataclass(frozen=True, slots=True)
class Held:
    """A post-call that waits for its recording, and how many changes its settings have seen."""

    call: Call
    until: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that is not over, and when its next attempt is due."""

    delivery: Delivery
    due: datetime


@dataclass(slots=True)
class Unfinished:
    """Calls under way, recordings to come, post-calls held, deliveries pending: by id, in the order they came to be so.

    The last event was `at`. `begun` calls have begun, the last of them `last`; settings have changed `changes` times.
    An attempt whose end is not known is made again, with the same number: nothing else makes sure that it was made.
    """

    at: datetime | None = None
    changes: int = 0
    begun: int = 0
    last: str | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    recordings: dict[str, Call] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    _ended: Call | None = None

    def take(self, event: Event) -> None:
        """Let an event have happened."""
        self.at = event.at
        match event:
            case SettingsChanged():
                self.changes += 1
            case CallBegan(call=call):
                self.begun, self.last = self.begun + 1, call
                if event.facts.kind is Kind.VOICE:
                    self.calls[call] = event.facts
            case CallEnded(call=call):
                self._ended = self.calls.pop(call)
            case DeliveryHeld():
                self._hold(event)
            case RecordingFound(call=call):
                del self.recordings[call]
            case _:
                self._take_of_delivery(event)

    def _hold(self, event: DeliveryHeld) -> None:
        """What is held is the post-call of the call that has just ended."""
        if call := self._ended:
            self.held[call.id] = Held(call, event.until, self.changes)
            if call.recording_after is not None:
                self.recordings[call.id] = call

    def _take_of_delivery(self, event: Event) -> None:
        match event:
            case DeliveryCreated():
                self.held.pop(event.call, None)
                delivery = Delivery(event.call, event.event_type, event.request, retry=event.retry)
                self.pending[event.delivery] = Pending(delivery, event.due)
            case RetryScheduled():
                failed = self.pending.pop(event.delivery)
                failed.delivery.has_failed(failed.due, event.attempt - 1)
                self.pending[event.delivery] = Pending(failed.delivery, event.due)
            case Delivered() | GivenUp():
                del self.pending[event.delivery]


def unfinished(events: Iterable[Event]) -> Unfinished:
    """What is left to do after these events, which are the whole of a run's so far."""
    left = Unfinished()
    for event in events:
        left.take(event)
    return left
