"""Everything that happens, as frozen events in one stream. Reports only listen.

`at` is the simulated time (aware UTC), which never goes back; `delivery` is `<call id>/<event type>`; attempts count
from 1.
"""

from dataclasses import dataclass, field
from datetime import datetime

from receiver.wire import EventType
from sender_sim.core.call import Call
from sender_sim.core.delivery import Request

__all__ = [
    "AppendSaved",
    "AttemptEnded",
    "AttemptStarted",
    "CallBegan",
    "CallEnded",
    "ContractViolated",
    "Delivered",
    "DeliveryCreated",
    "DeliveryHeld",
    "Event",
    "GivenUp",
    "NothingSent",
    "RecordingFound",
    "RetryScheduled",
    "SettingsChanged",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """From now on other settings are in force; `changed` are their names. What was born before keeps its own."""

    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallBegan(Event):
    """A call came in or went out, or a text message arrived; `facts` is all there is to know of it."""

    call: str
    facts: Call


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """A call is over."""

    call: str


@dataclass(frozen=True, slots=True)
class NothingSent(Event):
    """The settings send nothing of this text message, or nothing at the end of this call."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryHeld(Event):
    """The post-call waits for a recording, until `until` at the latest (R6)."""

    delivery: str
    until: datetime


@dataclass(frozen=True, slots=True)
class DeliveryCreated(Event):
    """There is something to send, from `due` on: the same bytes and the same rules at every attempt (R5)."""

    delivery: str
    call: str
    event_type: EventType
    due: datetime
    retry: bool
    request: Request


@dataclass(frozen=True, slots=True)
class RecordingFound(Event):
    """A recording exists; `too_late` if its post-call has gone out without it."""

    call: str
    recording: str
    too_late: bool


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """A request goes out."""

    delivery: str
    attempt: int


@dataclass(frozen=True, slots=True)
class AttemptEnded(Event):
    """An attempt has its outcome. `seconds` is real time and says nothing of equality."""

    delivery: str
    attempt: int
    success: bool
    status: int | None
    outcome: str = field(compare=False)
    seconds: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """There will be another attempt."""

    delivery: str
    attempt: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Delivered(Event):
    """A delivery got its 200."""

    delivery: str
    attempts: int


@dataclass(frozen=True, slots=True)
class GivenUp(Event):
    """A delivery will not be tried again."""

    delivery: str
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class AppendSaved(Event):
    """The text an endpoint answered is saved with the call."""

    delivery: str
    call: str
    append: str


@dataclass(frozen=True, slots=True)
class ContractViolated(Event):
    """An endpoint's answer breaks a rule of the contract."""

    delivery: str
    attempt: int
    rule: str
    what: str
