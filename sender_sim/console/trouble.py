"""What goes wrong with the deliveries of one call: the faults that the page offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sender_sim.core.delivery import Attempt
from sender_sim.faults import Fault, Plan

__all__ = ["TROUBLES", "Trouble", "plan"]

_FAULTS: Final[dict[str, Fault]] = {
    "refused": Fault.REFUSED,
    "answer-lost": Fault.ANSWER_LOST,
}
# What the page offers, in words; the fault itself says the rest.
TROUBLES: Final[dict[str, str]] = {
    "refused": "the connection is refused",
    "answer-lost": "the answer is lost, after the endpoint has processed the request",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A name out of TROUBLES, and how many attempts of each delivery meet it; 0: all of them."""

    fault: str
    attempts: int = 1

    def __str__(self) -> str:
        which = "every attempt" if not self.attempts else f"the first {self.attempts} attempts"
        return f"{TROUBLES[self.fault]}: {'the first attempt' if self.attempts == 1 else which}"


def plan(troubles: Mapping[str, Trouble]) -> Plan:
    """Which attempt meets which fault, given the troubles of calls by their ids."""

    def meets(attempt: Attempt) -> Fault | None:
        trouble = troubles.get(attempt.delivery.rpartition("/")[0])
        if trouble is None or (trouble.attempts and attempt.number > trouble.attempts):
            return None
        return _FAULTS[trouble.fault]

    return meets
