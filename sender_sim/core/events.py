"""Everything that happens, as frozen events in one stream. Reports only listen.

`at` is the simulated time (aware UTC), which never goes back; `delivery` is `<call id>/<event type>`; attempts count
from 1.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

__all__ = [
    "AppendSaved",
    "AttemptEnded",
    "AttemptStarted",
    "CallBegan",
    "CallEnded",
    "ContractViolated",
    "Delivered",
    "DeliveryHeld",
    "Event",
    "GivenUp",
    "NothingSent",
    "RecordingFound",
    "RetryScheduled",
    "as_dict",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CallBegan(Event):
    """A call came in or went out, or a text message arrived."""

    call: str
    kind: str
    direction: str


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """A call is over."""

    call: str


@dataclass(frozen=True, slots=True)
class NothingSent(Event):
    """The settings send nothing of this call."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryHeld(Event):
    """The post-call waits for a recording, until `until` at the latest (R6)."""

    delivery: str
    until: datetime


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


def as_dict(event: Event) -> dict[str, Any]:
    """The event as JSON-ready values, times in ISO 8601; its class's name is under `event`."""
    named = ((each.name, getattr(event, each.name)) for each in fields(event))
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in named}
    return {"event": type(event).__name__} | plain
