"""How many requests the inspector may have in hand: its pages share the threads that webhooks need."""

import threading

__all__ = ["Place", "Room"]


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
    """A quarter of a worker's threads. The others are never the inspector's."""

    def __init__(self, threads: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, threads // 4))

    def enter(self) -> Place | None:
        """A place until it is left; None: there is none, and nobody waits for one."""
        return Place(self._free) if self._free.acquire(blocking=False) else None
