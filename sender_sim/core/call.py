"""A call or a text message, and the values Kaisa's macros have for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from receiver import wire
from receiver.wire import EventType

__all__ = ["Call", "Direction", "Kind", "values"]


class Kind(StrEnum):
    """What it is."""

    VOICE = "call"
    SMS = "sms"


class Direction(StrEnum):
    """Who called: the customer's customer, or the customer (C6)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call or text message. Empty text means the value does not exist. `start` is aware UTC.

    `recording_after` is how long after the end of the call its recording exists; None: it never does.
    """

    id: str
    fsid: str
    start: datetime
    kind: Kind = Kind.VOICE
    direction: Direction = Direction.INBOUND
    duration: timedelta = timedelta(0)
    answered: bool = False
    recording_after: timedelta | None = None
    recording_id: str = ""
    details: dict[str, str] = field(default_factory=dict)

    @property
    def end(self) -> datetime:
        """When the call is over."""
        return self.start + self.duration


def values(call: Call, event_type: EventType, *, recording_id: str = "") -> dict[str, str]:
    """The text of every field in an event of the call: duration and answered are 0 before a call, and for an SMS."""
    over = event_type is EventType.POST_CALL
    known = {
        "start": call.start.astimezone(UTC).strftime(wire.START_FORMAT),
        "duration": str(int(call.duration.total_seconds())) if over else "0",
        "answered": "1" if over and call.answered else "0",
        "event_type": str(int(event_type)),
        "id": call.id,
        "fsid": call.fsid,
        wire.RECORDING_FIELD: recording_id,
    }
    return {name.name: "" for name in wire.FIELDS} | call.details | known
