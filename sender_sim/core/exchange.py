"""One request, one attempt: what was sent and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime

from sender_sim.core import rules
from sender_sim.core.delivery import Request
from sender_sim.core.outcome import Outcome

__all__ = ["Exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it; `at` is when it was sent, aware UTC, where that is known."""

    request: Request
    outcome: Outcome
    at: datetime | None = field(default=None, compare=False)

    @property
    def append(self) -> str | None:
        """What is saved with the call."""
        reading = rules.read_append(self.outcome)
        return reading.text if isinstance(reading, rules.Append) else None

    @property
    def violation(self) -> rules.Violation | None:
        """What breaks the contract in the answer."""
        reading = rules.read_append(self.outcome)
        return reading if isinstance(reading, rules.Violation) else None

    @property
    def kept(self) -> bool:
        """Whether the request was delivered and the answer is as it should be."""
        return self.outcome.success and self.violation is None
