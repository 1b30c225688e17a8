"""What goes into the inbox and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Arrival", "Delivery", "JobSettings", "RefusalLimits", "State", "Stored"]


class State:
    """Where a delivery stands.

    RECEIVED: its handler has not begun; the next attempt begins it. HANDLING: its handler runs, under a lease.
    HANDLED: its answer is stored. FAILED: its handler raised; the next attempt runs it again.
    """

    RECEIVED = "received"
    HANDLING = "handling"
    HANDLED = "handled"
    FAILED = "failed"

    UNHANDLED = (RECEIVED, HANDLING, FAILED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came in. `at` is aware UTC."""

    content_type: str | None
    body: bytes
    at: datetime
    remote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A readable, verified request, ready to be stored."""

    arrival: Arrival
    key: str
    digest: str
    encoding: str
    signed_by: str | None
    call_id: str | None
    event_type: int | None
    numbers: tuple[str, ...]
    fields: Mapping[str, object]
    wire_values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the inbox made of a delivery. With a `claim` the caller is the one to run the handler."""

    id: int
    revision: int
    attempts: int
    state: str
    claim: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class RefusalLimits:
    """How many refusals are kept, and how many bytes of bodies; the oldest go first."""

    count: int = 1_000
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class JobSettings:
    """How a worker runs background handlers: how many at once, how often it tries again, how long before the first."""

    concurrency: int = 16
    retries: int = 20
    backoff: timedelta = timedelta(seconds=10)
