"""What is due when: a heap keyed (time, priority, sequence), so that the order of equal times is defined."""

from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Schedule"]

T = TypeVar("T")


class Schedule(Generic[T]):
    """Items by due time; at one time the lower priority first, then the one that was added first."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, int, T]] = []
        self._sequence = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: datetime, priority: int, item: T) -> None:
        """Have `item` come up at `due`."""
        heappush(self._heap, (due, priority, next(self._sequence), item))

    def next_due(self) -> datetime | None:
        """When the next item comes up; None: nothing is left."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now: datetime) -> tuple[datetime, T] | None:
        """Take the next item that is due at `now`, with the time it was due."""
        heap = self._heap
        if not heap or heap[0][0] > now:
            return None
        due, _, _, item = heappop(heap)
        return due, item
