"""What goes wrong with the deliveries of one call: the faults that the page offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sender_sim.core.delivery import Attempt
from sender_sim.core.faults import (
    AnswerLost,
    Dripping,
    Fault,
    Latency,
    Refused,
    Reset,
    Status,
    Tampered,
    TlsFailure,
    Truncated,
)
from sender_sim.faults import Plan
from sender_sim.faults.tampering import tampered

__all__ = ["TROUBLES", "Trouble", "plan"]

_LATE: Final = 2.0
_OFFERED: Final[dict[str, tuple[str, Fault]]] = {
    "refused": ("the connection is refused", Refused()),
    "tls": ("TLS fails", TlsFailure()),
    "answer-lost": ("the answer is lost, after the endpoint has processed the request", AnswerLost()),
    "reset": ("the connection is reset in the middle of the answer", Reset()),
    "truncated": ("the answer ends too soon", Truncated()),
    "dripping": ("the answer drips until the 20 seconds are over", Dripping()),
    "latency": (f"the request comes {_LATE:g} seconds late", Latency(_LATE)),
    "unavailable": ("a proxy answers 503 in the endpoint's place", Status(503, before=True)),
    "created": ("the endpoint's 200 becomes a 201", Status(201)),
    "tampered": ("one digit of the duration is changed on the way", Tampered()),
}
# What the page offers, in words, by name.
TROUBLES: Final = {name: words for name, (words, _) in _OFFERED.items()}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A name out of TROUBLES, and how many attempts of each delivery meet it; 0: all of them."""

    fault: str
    attempts: int = 1

    def __str__(self) -> str:
        which = {0: "at every attempt", 1: "at the first attempt"}.get(self.attempts)
        return f"{TROUBLES[self.fault]}, {which or f'at the first {self.attempts} attempts'}"


def plan(troubles: Mapping[str, Trouble]) -> Plan:
    """Which attempt meets which fault, given the troubles of calls by their ids."""

    def meets(attempt: Attempt) -> Fault | None:
        trouble = troubles.get(attempt.delivery.rpartition("/")[0])
        if trouble is None or (trouble.attempts and attempt.number > trouble.attempts):
            return None
        _, fault = _OFFERED[trouble.fault]
        return None if isinstance(fault, Tampered) and not _has_digit(attempt.request.body) else fault

    return meets


def _has_digit(body: bytes) -> bool:
    """Whether there is a digit to change: a macro may leave the duration out."""
    try:
        tampered(body)
    except ValueError:
        return False
    return True
