"""What goes wrong between sender and endpoint, wrapped around any transport."""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final

from sender_sim.core.delivery import Attempt
from sender_sim.core.outcome import Failed, Failure, Outcome
from sender_sim.transports import Transport

__all__ = ["Fault", "Faulty", "Plan"]


class Fault(Enum):
    """One thing that goes wrong with one attempt."""

    REFUSED = "the connection is refused"
    ANSWER_LOST = "the answer is lost after the endpoint has processed the request"
    TAMPERED = "one digit of the data is changed on the way"


Plan = Callable[[Attempt], Fault | None]

# The first digit of the duration, in the default macro's form and JSON, bare and in an envelope.
_DURATION: Final = re.compile(rb"duration\\*\"?(?:%3D|=|:)\\*\"?(\d)")


class Faulty:
    """A transport with faults: `plan` says which attempt meets which."""

    def __init__(self, transport: Transport, plan: Plan) -> None:
        self._transport = transport
        self._plan = plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt, with its fault if it has one."""
        fault = self._plan(attempt)
        if fault is Fault.REFUSED:
            return Failed(Failure.CONNECT, "connection refused (fault)")
        if fault is Fault.TAMPERED:
            attempt = replace(attempt, request=replace(attempt.request, body=_tampered(attempt.request.body)))
        outcome = await self._transport.send(attempt)
        if fault is Fault.ANSWER_LOST:
            return Failed(Failure.RESET, "answer lost (fault)", outcome.seconds)
        return outcome


def _tampered(body: bytes) -> bytes:
    found = _DURATION.search(body)
    if not found:
        raise ValueError("nothing to tamper with: the body has no duration")
    at = found.start(1)
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
