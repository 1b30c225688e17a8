"""What came of one delivery, for a test to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from receiver.wire import EventType
from sender_sim.core.delivery import Request
from sender_sim.core.events import AppendSaved, ContractViolated, Delivered, Event
from sender_sim.core.outcome import Answered, Outcome

__all__ = ["Attempt", "Result"]

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: its number from 1, when it was made on the virtual clock, and what came of it."""

    number: int
    at: datetime
    outcome: Outcome

    @property
    def status(self) -> int | None:
        """The status of the answer; None: there was none."""
        return self.outcome.status if isinstance(self.outcome, Answered) else None

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return self.outcome.body if isinstance(self.outcome, Answered) else b""


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What came of one delivery.

    `id` is the call's; given to another event, both are of one call. `request` is what every attempt sent (R5).
    `events` are what the simulator says of it, as in `sender-sim run --format json`.
    """

    id: str
    event_type: EventType
    request: Request
    attempts: tuple[Attempt, ...]
    events: tuple[Event, ...]

    @property
    def delivered(self) -> bool:
        """Whether it got its 200 (R2)."""
        return any(isinstance(event, Delivered) for event in self.events)

    @property
    def status(self) -> int | None:
        """The status of the last answer; None: the last attempt got none."""
        return self.attempts[-1].status

    @property
    def append(self) -> str | None:
        """What Kaisa saves with the call (R7)."""
        return next((event.append for event in self.events if isinstance(event, AppendSaved)), None)

    @property
    def violations(self) -> tuple[str, ...]:
        """What breaks the contract in the answers, each with its rule."""
        return tuple(f"{event.rule}: {event.what}" for event in self.events if isinstance(event, ContractViolated))

    def __repr__(self) -> str:
        """What one wants to know where an assertion fails; pytest shows some 200 characters of it."""
        words = [*self._outcomes(), *(f"BREAKS {violation}" for violation in self.violations)]
        words += [] if self.append is None else [f"saved: {self.append!r}"]
        words += [] if self.delivered else [f"NOT DELIVERED, answered {self.attempts[-1].body[:_SHOWN]!r}"]
        return f"<{self.event_type.label} of {self.id}: {'; '.join(words)}>"

    def _outcomes(self) -> Iterator[str]:
        """What came of the attempts; of those that came to the same, one after the other, once."""
        for outcome, alike in groupby(self.attempts, key=lambda attempt: str(attempt.outcome)):
            first, *_, last = [*alike] * 2
            numbers = f"attempt {first.number}" if first is last else f"attempts {first.number}-{last.number}"
            yield f"{numbers} -> {outcome}"
