"""What can go wrong between sender and endpoint, and which attempt it goes wrong with. `sender_sim.faults` does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from receiver.wire import EventType
from sender_sim.core.delivery import Attempt

__all__ = [
    "AnswerLost",
    "Chance",
    "Dripping",
    "Fault",
    "Latency",
    "Refused",
    "Reset",
    "Rule",
    "Status",
    "Tampered",
    "TlsFailure",
    "Truncated",
    "fault_of",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection is refused; the endpoint learns nothing."""


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """TLS cannot be agreed on; the endpoint learns nothing of the request."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The request comes to the endpoint `seconds` late, in real time; they count towards the deadline (R3)."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tampered:
    """One digit of the data, the first of the duration, is changed on the way."""


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """The endpoint processes the request; the connection ends before its answer."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The endpoint processes the request; the connection is reset in the middle of its answer."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """The endpoint processes the request; its answer ends before it is as long as it says."""


@dataclass(frozen=True, slots=True)
class Dripping:
    """The endpoint processes the request; its answer drips until the deadline cuts it, in real time (R3)."""


@dataclass(frozen=True, slots=True)
class Status:
    """A proxy answers `code`, once the endpoint has processed the request, or `before`, instead of passing it on."""

    code: int
    before: bool = False


Fault = Refused | TlsFailure | Latency | Tampered | AnswerLost | Reset | Truncated | Dripping | Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which attempts meet a fault. What is left as it is covers all of them.

    `begin` (included) and `end` (not included) are simulated time since the start of the run; attempts are numbered
    from 1, `first` to `last`, both included.
    """

    fault: Fault
    begin: timedelta = timedelta(0)
    end: timedelta | None = None
    first: int = 1
    last: int | None = None
    event_type: EventType | None = None
    probability: float = 1.0

    def covers(self, delivery: str, number: int, at: timedelta) -> bool:
        """Whether an attempt may meet the fault; `at` is the simulated time since the start of the run."""
        return (
            self.begin <= at
            and (self.end is None or at < self.end)
            and self.first <= number
            and (self.last is None or number <= self.last)
            and (self.event_type is None or delivery.endswith(f"/{self.event_type.label}"))
        )


# A number from 0 to 1 (not included): the same for the same name.
Chance = Callable[[str], float]


def fault_of(rules: Sequence[Rule], attempt: Attempt, start: datetime, chance: Chance) -> Fault | None:
    """What the attempt meets: the fault of the first rule that covers it and whose probability strikes.

    Chance is asked by name, for each rule, delivery and attempt: it does not matter in which order attempts run.
    """
    for index, rule in enumerate(rules):
        covered = rule.covers(attempt.delivery, attempt.number, attempt.at - start)
        if covered and chance(f"{index}/{attempt.delivery}/{attempt.number}") < rule.probability:
            return rule.fault
    return None
