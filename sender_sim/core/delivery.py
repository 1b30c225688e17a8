"""One delivery: what is sent, and where it stands. Every attempt of it sends the same bytes (R5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from receiver.wire import EventType
from sender_sim.core.outcome import Outcome
from sender_sim.core.rules import next_attempt

__all__ = ["Attempt", "Delivery", "Request", "State", "delivery_id"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to go. Kaisa's are POSTs with a content type; a check also sends others (empty: without one)."""

    url: str
    content_type: str
    body: bytes
    timeout: timedelta
    method: str = "POST"

    @property
    def headers(self) -> dict[str, str]:
        """All its headers but those that the connection decides: Host and Content-Length."""
        headers = {"Accept": "*/*", "User-Agent": "kaisa-webhook-kit-sender-sim"}
        return headers | ({"Content-Type": self.content_type} if self.content_type else {})


@dataclass(slots=True)  # frozen, it takes four times as long to make
class Attempt:
    """One try at a delivery. `at` is its simulated start; `number` counts from 1."""

    delivery: Final[str]
    number: Final[int]
    at: Final[datetime]
    request: Final[Request]


class State(Enum):
    """Where a delivery stands. DUE and IN_FLIGHT alternate until one of the other two ends it."""

    DUE = "due"
    IN_FLIGHT = "in flight"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


_DUE, _IN_FLIGHT, _DELIVERED, _GIVEN_UP = State  # a name is found in no time, a member of a class is not


class Delivery:
    """The state machine: DUE -begin-> IN_FLIGHT -end-> DELIVERED, GIVEN_UP or DUE again.

    `id` is its name; `first` and `previous` are when its first and its latest attempt were due.
    """

    __slots__ = ("attempts", "call", "event_type", "first", "id", "previous", "request", "retry", "state")

    def __init__(self, call: str, event_type: EventType, request: Request, *, retry: bool) -> None:
        self.id = delivery_id(call, event_type)
        self.call = call
        self.event_type = event_type
        self.request = request
        self.retry = retry
        self.state = _DUE
        self.attempts = 0
        self.first: datetime | None = None
        self.previous: datetime | None = None

    def begin(self, now: datetime, due: datetime) -> Attempt:
        """Start the next attempt, which was due at `due`: how late it starts does not move those after it (R4)."""
        if self.state is not _DUE:
            raise self._unexpected(_DUE)
        self.state = _IN_FLIGHT
        self.first = self.first or due
        self.previous = due
        self.attempts += 1
        return Attempt(self.id, self.attempts, now, self.request)

    def end(self, outcome: Outcome) -> datetime | None:
        """End the attempt in flight. Returns when the next one is due; None: the delivery is over (R2, R4, C8)."""
        if self.state is not _IN_FLIGHT:
            raise self._unexpected(_IN_FLIGHT)
        if outcome.success:
            self.state = _DELIVERED
            return None
        due = next_attempt(self.first, self.previous) if self.retry and self.first and self.previous else None
        self.state = _DUE if due else _GIVEN_UP
        return due

    def has_failed(self, due: datetime, attempts: int) -> None:
        """Take up after so many attempts of an earlier run, the last of which was due at `due`."""
        self.first = self.first or due
        self.previous = due
        self.attempts = attempts

    def _unexpected(self, state: State) -> RuntimeError:
        return RuntimeError(f"{self.id} is {self.state.value}, not {state.value}")


def delivery_id(call: str, event_type: EventType) -> str:
    """The name of the delivery that reports an event of a call: `<call id>/<event type>`."""
    return f"{call}/{event_type.label}"
