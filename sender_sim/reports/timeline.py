"""One line of text for each event."""

from collections.abc import Iterable, Iterator
from typing import Final

from receiver.wire import EventType
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

__all__ = ["describe", "lines", "width_for"]

# A made-up call's id of 16 digits, `/post-call`, and a gap to see.
_WIDTH: Final = 28
_LONGEST_SUFFIX: Final = max(len(f"/{event_type.label}") for event_type in EventType)


def width_for(call_ids: Iterable[str]) -> int:
    """How wide a column the names of these calls' deliveries need."""
    return max((len(call_id) + _LONGEST_SUFFIX for call_id in call_ids), default=_WIDTH)


def lines(event: Event, *, width: int = _WIDTH) -> Iterator[str]:
    """The event with its time (UTC). That a delivery or an attempt begins has no line: the attempt's end says all."""
    if not isinstance(event, DeliveryCreated | AttemptStarted):
        name, words = describe(event)
        yield f"{event.at:%a %d %b %H:%M:%S}  {name:<{width}} {words}"


def describe(event: Event) -> tuple[str, str]:  # noqa: C901 - a table of one line for each kind of event
    """What the event is of, and the event in words."""
    match event:
        case SettingsChanged():
            return "", f"settings changed: {', '.join(event.changed) or 'none'}"
        case CallBegan():
            return event.call, f"{event.facts.direction} {event.facts.kind}"
        case CallEnded():
            return event.call, "the call is over"
        case NothingSent():
            return event.call, f"nothing is sent: {event.reason}"
        case DeliveryCreated():
            return event.delivery, f"there is something to send, from {event.due:%a %d %b %H:%M:%S} on"
        case DeliveryHeld():
            return event.delivery, f"waits for a recording until {event.until:%H:%M:%S}"
        case RecordingFound():
            late = ", too late" if event.too_late else ""
            return event.call, f"recording {event.recording} found{late}"
        case AttemptStarted():
            return event.delivery, f"attempt {event.attempt} goes out"
        case AttemptEnded():
            return event.delivery, f"attempt {event.attempt} -> {event.outcome}"
        case RetryScheduled():
            return event.delivery, f"attempt {event.attempt} follows at {event.due:%a %d %b %H:%M:%S}"
        case Delivered():
            return event.delivery, "delivered"
        case GivenUp():
            attempts = "1 attempt" if event.attempts == 1 else f"{event.attempts} attempts"
            return event.delivery, f"given up after {attempts}: {event.reason}"
        case AppendSaved():
            return event.delivery, f"saved with the call: {event.append!r}"
        case ContractViolated():
            return event.delivery, f"BREAKS {event.rule}: {event.what}"
        case _:
            raise TypeError(f"no words for {type(event).__name__}")
