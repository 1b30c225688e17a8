"""One thread that commits for all the others: what comes in while a commit is under way shares the next one.

Durability then costs one flush of the disk for many deliveries, not one for each.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

__all__ = ["Writer"]

T = TypeVar("T")

_MAX_BATCH: Final = 64

# Seconds after which a write that failed among others is not tried again alone, and after which nothing new is queued
# behind a commit: Kaisa waits for 20 in all.
_PATIENCE: Final = 10.0

# Seconds without a write after which its connection is given back: the next one begins on one that was tried.
_IDLE: Final = 1.0

# Seconds after which nobody waits any longer: a server that has gone silent must not take every thread with it.
_LONGEST_WAIT: Final = 15.0


@dataclass(frozen=True, slots=True)
class _Write:
    """What is to be done, since when it waits, and where what came of it is put: a result or an error.

    A queue of one, not a Future: it wakes its thread with a third of the switches between threads.
    """

    operation: Callable[[Connection], Any]
    since: float
    outcome: "queue.SimpleQueue[tuple[Any, Exception | None]]" = field(default_factory=queue.SimpleQueue)


class Writer:
    """Runs operations in transactions of its own thread, several to a commit."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._connection: Connection | None = None

    def run(self, operation: Callable[[Connection], T], *, queue_anyway: bool = False) -> T:
        """Do `operation` and return what it returned, once that is committed. Raises what it or the commit raised.

        Raises TimeoutError where no commit comes in time; the operation may be done all the same, later. It only talks
        to its connection: where a commit of several fails, each is done again alone. Behind a commit that has taken too
        long already nothing is queued, so that what a silent database leaves waiting has an end; but for what
        `queue_anyway` marks as worth its memory.
        """
        if self._stuck() and not queue_anyway:
            raise TimeoutError
        write = _Write(operation, self._clock())
        self._waiting.put(write)
        self._ensure_running()
        try:
            result, error = write.outcome.get(timeout=_LONGEST_WAIT)
        except queue.Empty:
            raise TimeoutError from None
        if error:
            raise error
        return result  # type: ignore[no-any-return]  # what the operation returned

    def close(self) -> None:
        """Finish what is waiting and end the thread. What comes later starts a new one."""
        with self._starting:
            if self._thread:
                self._waiting.put(None)
                self._thread.join()
                self._thread = None

    def _ensure_running(self) -> None:
        # Started on first use: a thread does not survive the fork that makes a worker.
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
                self._thread.start()

    def _stuck(self) -> bool:
        since = self._busy_since
        return since is not None and self._clock() - since > _PATIENCE

    def _work(self) -> None:
        ended = False
        while not ended and (first := self._next()) is not None:
            batch, ended = self._batch(first)
            self._busy_since = self._clock()
            self._commit(batch)
            self._busy_since = None
        self._give_back()

    def _next(self) -> _Write | None:
        if self._connection is not None:
            with suppress(queue.Empty):
                return self._waiting.get(timeout=_IDLE)
            self._give_back()
        return self._waiting.get()

    def _give_back(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _batch(self, first: _Write) -> tuple[list[_Write], bool]:
        """What waits just now, and whether the writer is closed after it."""
        batch = [first]
        with suppress(queue.Empty):
            while len(batch) < _MAX_BATCH:
                following = self._waiting.get_nowait()
                if following is None:
                    return batch, True
                batch.append(following)
        return batch, False

    def _commit(self, batch: list[_Write]) -> None:
        kept = self._connection is not None
        try:
            self._connection = self._connection or self._engine.connect()
            with self._connection.begin():
                results = [write.operation(self._connection) for write in batch]
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the threads that wait
            self._give_back()
            for write in batch:
                # None pays for another's failure, or for a connection that was cut while it was kept; but where all
                # fail slowly, none waits for all the others.
                if (kept or len(batch) > 1) and self._clock() - write.since < _PATIENCE:
                    self._commit([write])
                else:
                    write.outcome.put((None, error))
        else:
            for write, result in zip(batch, results, strict=True):
                write.outcome.put((result, None))
