"""The database is restarted, and its disk is full, in mid-load; two simulators send the same."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.chaos.load import Load
from tests.chaos.outcome import Outcome
from tests.postgres import Postgres

__all__ = ["full_disk", "restarts", "two_simulators"]

_MOST_BETWEEN: Final = 12
# How long the disk stays full, at most: half a simulated hour.
_FULL_SECONDS: Final = 1.0
_UNLIMITED: Final = resource.RLIM_INFINITY


def restarts(load: Load, server: Postgres, *, seed: int, times: int) -> Outcome:
    """PostgreSQL is stopped at once, as by a crash, and started again."""
    for _ in range(times):
        load.until_delivered(load.random.randint(1, _MOST_BETWEEN))
        server.stop()
        server.start()
    load.finish()
    return load.outcome("database restarted", seed, {"restarts": times})


def full_disk(load: Load, *, seed: int, times: int) -> Outcome:
    """No file of the receiver's can grow for a while: SQLite's, its log, its handlers' own."""
    for _ in range(times):
        load.until_delivered(load.random.randint(1, _MOST_BETWEEN))
        with _no_room(load.receiver.processes()):
            time.sleep(load.random.uniform(0.1, _FULL_SECONDS))
    load.finish()
    return load.outcome("disk full", seed, {"times it was full": times})


@contextmanager
def _no_room(processes: list[int]) -> Iterator[None]:
    """A write past the first byte of a file fails in these processes and those they start."""
    for process in processes:
        _limit(process, 1)
    try:
        yield
    finally:
        for process in processes:
            _limit(process, _UNLIMITED)


def _limit(process: int, size: int) -> None:
    try:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, _UNLIMITED))
    except ProcessLookupError:  # it has ended
        return


def two_simulators(load: Load, *, seed: int, deliveries: int) -> Outcome:
    """Both send the same calls at the same time: each is stored once, handled once, and answered the same."""
    load.until_delivered(deliveries)
    load.finish()
    outcome = load.outcome("two simulators sending the same", seed, {"simulators": load.at_once})
    first, second = (wave.answered() for wave in load.waves[:2])
    findings = [*outcome.findings]
    if first != second:
        findings.append("the two were not answered the same")
    if outcome.figures["handlers run once more"]:
        findings.append("a handler ran twice, and nothing was killed")
    return outcome.with_findings(*findings)
