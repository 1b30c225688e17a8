"""How many requests the inspector may have in hand: its pages share the threads that webhooks need."""

import threading
from typing import Final

__all__ = ["Place", "Room"]


# Seconds that one request may wait for a place: who was answered may ask again before the answer's place is free.
_PATIENCE: Final = 0.25


class Place:
    """One request's; left once, however often it is told to."""

    def __init__(self, free: threading.Semaphore) -> None:
        self._free = free
        self._held = True

    def leave(self) -> None:
        """Make room for another."""
        if self._held:
            self._held = False
            self._free.release()


class Room:
    """A quarter of a worker's threads, and for a moment one that waits. The others are never the inspector's."""

    def __init__(self, threads: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, threads // 4))
        self._door = threading.Semaphore(1)

    def enter(self) -> Place | None:
        """A place until it is left; None: there is none, nor soon."""
        if self._free.acquire(blocking=False):
            return Place(self._free)
        if not self._door.acquire(blocking=False):
            return None
        try:
            return Place(self._free) if self._free.acquire(timeout=_PATIENCE) else None
        finally:
            self._door.release()
