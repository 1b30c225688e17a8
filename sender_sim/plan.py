"""What a run is to do, from its beginning or from where it was stopped: its situation, its clock, what goes wrong."""

import random
import ssl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sender_sim import faults
from sender_sim.clocks import Clock, ScaledClock, VirtualClock
from sender_sim.core import synthetic
from sender_sim.core.call import Call
from sender_sim.core.engine import Engine
from sender_sim.core.unfinished import Unfinished
from sender_sim.faults import Faulty
from sender_sim.journal import JournalError
from sender_sim.scenarios import Situation
from sender_sim.transports import Breathing, Transport

__all__ = ["Plan", "started"]

# Where virtual time begins, so that a run with the same seed is the same run.
_VIRTUAL_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def started(speed: float | None) -> datetime:
    """When the simulated time of a run that begins now begins."""
    return _VIRTUAL_START if speed is None else datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens, where it is sent, since when, and how fast time passes. `speed` None: the virtual clock."""

    situation: Situation
    tls: ssl.SSLContext
    begun: datetime
    seed: int
    speed: float | None
    concurrency: int
    breath: float

    def clock(self, left: Unfinished) -> Clock:
        """A clock. While nobody simulates, simulated time stands still; but real time does not."""
        at = left.at or self.begun
        if self.speed is None:
            return VirtualClock(at)
        return ScaledClock(max(at, datetime.now(UTC)) if self.speed == 1 else at, self.speed)

    def engine(self, left: Unfinished) -> Engine:
        """An engine with all that is still to happen. Raises JournalError if that is no part of this plan."""
        phases = self.situation.phases
        if left.changes >= len(phases):
            raise JournalError(
                f"settings have changed {left.changes}x in the journal, and in the scenario they do so "
                f"{len(phases) - 1}x: put its file back as it was"
            )
        engine = Engine(phases[left.changes].integration)
        engine.resume(left, [phase.integration for phase in phases])
        for phase in phases[left.changes + 1 :]:
            engine.set_up(self.begun + phase.at, phase.integration)
        engine.feed(self._calls(left))
        return engine

    def transport(self, https: Transport) -> Transport:
        """What goes wrong, and time to breathe, around a transport."""
        return Breathing(Faulty(https, faults.plan(self.situation.faults, self.begun, self.seed)), self.breath)

    def _calls(self, left: Unfinished) -> Iterator[Call]:
        """The calls that have not begun, each made up when it is asked for."""
        told, chance = self.situation, random.Random(self.seed)  # noqa: S311 - made-up calls are no secret
        calls = synthetic.calls(chance, told.calls, self.begun, told.profile)
        begun = deque(islice(calls, left.begun), maxlen=1)  # not all of them at once
        if [call.id for call in begun] != ([left.last] if left.last else []):
            raise JournalError(f"the journal's calls are not those of --seed {self.seed}: another version made them up")
        return calls
