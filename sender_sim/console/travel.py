"""Time that passes, in a thread of its own, so that no page waits for it; and can be stopped."""

import asyncio
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sender_sim.clocks import VirtualClock
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine, Step
from sender_sim.core.events import Event
from sender_sim.core.outcome import Outcome
from sender_sim.run import run
from sender_sim.transports import Transport

__all__ = ["Itinerary", "OpenTransport", "Sink", "Stretch", "Travel"]

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]

# Real time between two looks at a live clock.
_TICK_SECONDS: Final = 0.25
_CONCURRENCY: Final = 20


@dataclass(frozen=True, slots=True)
class Itinerary:
    """From `begin` to `goal` (None: until nothing is left to happen), or live at `speed` until it is stopped."""

    begin: datetime
    goal: datetime | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """Who is told: what happened, all that belongs together at once; the time that was reached; that it is over.

    `over` is given what went wrong, if anything did.
    """

    keep: Callable[[Sequence[Event]], None]
    arrive: Callable[[datetime], None]
    over: Callable[[str | None], None]


@dataclass(slots=True)
class Stretch:
    """A stretch of an engine's time: nothing begins after `until`, nor once it is stopped."""

    engine: Engine
    turn: threading.RLock
    until: datetime | None
    stopped: threading.Event = field(default_factory=threading.Event)

    def advance(self, now: datetime, *, room: int) -> Step:
        """Let happen what is due; say what to send."""
        with self.turn:
            return Step([], []) if self.stopped.is_set() else self.engine.advance(now, room=room)

    def next_due(self) -> datetime | None:
        """When something happens next in this stretch."""
        with self.turn:
            due = self.engine.next_due()
        over = self.stopped.is_set() or (due and self.until and due > self.until)
        return None if over else due

    def conclude(self, attempt: Attempt, outcome: Outcome, now: datetime) -> Iterable[Event]:
        """Take the outcome of an attempt; say what follows from it."""
        with self.turn:
            return tuple(self.engine.conclude(attempt, outcome, now))


class Travel:
    """One journey through time. `turn` is held whenever the engine is touched."""

    def __init__(
        self, itinerary: Itinerary, engine: Engine, turn: threading.RLock, transport: OpenTransport, sink: Sink
    ) -> None:
        self.itinerary = itinerary
        self._engine = engine
        self._turn = turn
        self._transport = transport
        self._sink = sink
        self._stopped = threading.Event()
        self._cancel: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name="travel", daemon=True)

    def start(self) -> None:
        """Let time pass."""
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin nothing any more; attempts under way come to their end, which takes 20 seconds at most (R3)."""
        self._stopped.set()

    def abandon(self) -> None:
        """End at once, attempts under way too: the journal says that they have no end, so they are made again."""
        self.stop()
        if cancel := self._cancel:
            with suppress(RuntimeError):  # it has ended by itself
                cancel()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, not longer than this; says whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        problem = None
        try:
            asyncio.run(self._pass())
        except asyncio.CancelledError:
            problem = "it was abandoned"
        except sqlite3.Error as error:
            problem = f"what happens cannot be kept: {error}"
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the page says it
            traceback.print_exc()
            problem = f"{type(error).__name__}: {error}"
        self._sink.over(problem)

    async def _pass(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is None:
            raise RuntimeError("a journey runs in a task")
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        now, speed = self.itinerary.begin, self.itinerary.speed
        async with self._transport() as transport:
            if speed is None:
                await self._reach(now, self.itinerary.goal, transport)
            while speed and not self._stopped.is_set():
                await asyncio.sleep(_TICK_SECONDS)
                now = await self._reach(now, now + timedelta(seconds=_TICK_SECONDS * speed), transport)

    async def _reach(self, now: datetime, goal: datetime | None, transport: Transport) -> datetime:
        """Let happen what is due until `goal`; returns the time that was reached."""
        clock = VirtualClock(now)
        stretch = Stretch(self._engine, self._turn, goal, self._stopped)
        driven = run(stretch, clock, transport, concurrency=_CONCURRENCY, keep=self._sink.keep)
        async with aclosing(driven) as events:
            async for _ in events:
                pass
        reached = clock.now() if goal is None or self._stopped.is_set() else goal
        self._sink.arrive(reached)
        return reached
