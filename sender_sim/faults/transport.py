"""Faults, wrapped around any transport; of an attempt they say what the real transport says of the real thing.

Where the endpoint gives no answer at all, no fault hides why.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
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
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome, timed_out
from sender_sim.faults.tampering import tampered
from sender_sim.transports import Transport, seconds_since

__all__ = ["Faulty", "Plan"]

Plan = Callable[[Attempt], Fault | None]

_NOTE: Final = " (fault)"  # so that nobody looks for it at the endpoint
_UNSENT: Final = {
    Refused: Failed(Failure.CONNECT, f"connection refused{_NOTE}"),
    TlsFailure: Failed(Failure.TLS, f"TLS could not be agreed on{_NOTE}"),
}
_UNANSWERED: Final = {
    AnswerLost: f"answer lost{_NOTE}",
    Reset: f"connection reset by peer{_NOTE}",
    Truncated: f"the answer ended before it was whole{_NOTE}",
}


class Faulty:
    """A transport with faults: `plan` says which attempt meets which."""

    def __init__(self, transport: Transport, plan: Plan) -> None:
        self._transport = transport
        self._plan = plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt, with its fault if it has one."""
        fault = self._plan(attempt)
        if isinstance(fault, Refused | TlsFailure):
            return _UNSENT[type(fault)]
        if isinstance(fault, Status) and fault.before:
            return Answered(fault.code, note=_NOTE)
        if isinstance(fault, Latency):
            return await self._late(attempt, timedelta(seconds=fault.seconds))
        if isinstance(fault, Tampered):
            attempt = replace(attempt, request=replace(attempt.request, body=tampered(attempt.request.body)))
        started = time.perf_counter()
        outcome = await self._transport.send(attempt)
        if fault is None or isinstance(outcome, Failed):
            return outcome
        return await _spoilt(outcome, fault, attempt.request.timeout, started)

    async def _late(self, attempt: Attempt, latency: timedelta) -> Outcome:
        """Send the attempt late, with what is then left of its deadline."""
        started, deadline = time.perf_counter(), attempt.request.timeout
        await asyncio.sleep(min(latency, deadline).total_seconds())
        outcome: Outcome = Failed(Failure.TIMEOUT)
        if latency < deadline:
            outcome = await self._transport.send(
                replace(attempt, request=replace(attempt.request, timeout=deadline - latency))
            )
        seconds = seconds_since(started)
        if isinstance(outcome, Failed) and outcome.failure is Failure.TIMEOUT:
            return timed_out(deadline, seconds, _NOTE)
        return replace(outcome, seconds=seconds)


async def _spoilt(answer: Answered, fault: Fault, deadline: timedelta, started: float) -> Outcome:
    """What is left of an answer on its way back. `started` is when its attempt did."""
    match fault:
        case AnswerLost() | Reset() | Truncated():
            return Failed(Failure.RESET, _UNANSWERED[type(fault)], answer.seconds)
        case Dripping():
            await asyncio.sleep(deadline.total_seconds() - (time.perf_counter() - started))
            return timed_out(deadline, seconds_since(started), _NOTE)
        case Status(code):
            return Answered(code, seconds=answer.seconds, note=_NOTE)
        case _:
            return answer
