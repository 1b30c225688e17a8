"""A transport whose outcomes are kept whole: the journal has their status alone."""

from sender_sim.console.state import State
from sender_sim.core.delivery import Attempt
from sender_sim.core.outcome import Outcome
from sender_sim.transports import Transport

__all__ = ["Kept"]


class Kept:
    """Keeps what comes of each attempt before anybody else knows of it."""

    def __init__(self, transport: Transport, state: State) -> None:
        self._transport = transport
        self._state = state

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt."""
        outcome = await self._transport.send(attempt)
        self._state.answer(attempt.delivery, attempt.number, outcome)
        return outcome
