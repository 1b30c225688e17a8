"""Simulated time: virtual (jumps), scaled (runs faster) and real. A clock knows how to wait for what comes first."""

import asyncio
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, Protocol

__all__ = ["Clock", "ScaledClock", "VirtualClock"]

Tasks = set[asyncio.Task[Any]]


class Clock(Protocol):
    """Where time comes from in a run."""

    def now(self) -> datetime:
        """The simulated time."""
        ...

    async def wait(self, tasks: AbstractSet[asyncio.Task[Any]], until: datetime | None) -> Tasks:
        """Wait until tasks are done or `until` is reached, whichever the clock deems first. Returns the done ones."""
        ...


class VirtualClock:
    """Stands still while anything is in flight, then jumps to what is due next. The same run gives the same times."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The simulated time."""
        return self._now

    async def wait(self, tasks: AbstractSet[asyncio.Task[Any]], until: datetime | None) -> Tasks:
        """Wait for all tasks; without any, jump to `until`."""
        if tasks:
            await asyncio.wait(tasks)
            return set(tasks)
        if until:
            self._now = max(self._now, until)
        return set()


class ScaledClock:
    """Real time, `speed` times as fast, from `start` on. Speed 1 is a real clock."""

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        self._start = start
        self._speed = speed
        self._origin = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The simulated time."""
        passed = asyncio.get_running_loop().time() - self._origin
        return self._start + timedelta(seconds=passed * self._speed)

    async def wait(self, tasks: AbstractSet[asyncio.Task[Any]], until: datetime | None) -> Tasks:
        """Wait for the first task or for `until`."""
        left = max(0.0, (until - self.now()).total_seconds() / self._speed) if until else None
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            return done
        if left is not None:
            await asyncio.sleep(left)
        return set()
