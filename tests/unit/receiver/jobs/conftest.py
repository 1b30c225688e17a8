"""Jobs on each database: the inbox, the jobs, and workers in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from receiver import build
from receiver.jobs.queue import Job, Jobs, Overview
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, Delivery, Stored
from tests.clock import NOON
from tests.postgres import Postgres

ROOT = Path(__file__).parents[4]
_TRIES = 600
_PAUSE = 0.05


def until(true: Callable[[], object], what: str = "") -> None:
    """Ask, a bounded number of times, until it is so."""
    for _ in range(_TRIES):
        if true():
            return
        time.sleep(_PAUSE)
    raise AssertionError(f"never so: {what or true}")


def delivery(call: str = "call-1", *, content: str = "first", event_type: int = 0) -> Delivery:
    fields = {"id": call, "event_type": str(event_type), "details": content}
    return Delivery(
        arrival=Arrival("application/x-www-form-urlencoded", content.encode(), NOON),
        key=f"event:{call}",
        digest=f"{call} {content}",
        encoding="form",
        signed_by=None,
        call_id=call,
        event_type=event_type,
        numbers=(),
        fields=fields,
        wire_values=fields,
    )


@dataclass(frozen=True)
class Effect:
    """What a handler noted."""

    call: str
    key: str
    revision: int
    process: int
    at: float


@dataclass
class Bench:
    """An inbox with jobs, and a folder that handlers write to."""

    url: str
    inbox: Inbox
    jobs: Jobs
    folder: Path
    workers: list["WorkerProcess"] = field(default_factory=list)

    def accept(self, call: str = "call-1", *, content: str = "first", handler: str = "book") -> Stored:
        """A delivery as the receiver takes it in."""
        enqueue = partial(self.jobs.enqueue, handlers=[handler])
        return self.inbox.accept(delivery(call, content=content), settled="{}", enqueue=enqueue)

    def overview(self) -> Overview:
        with self.inbox.reading() as connection:
            return self.jobs.overview(connection)

    def listed(self, *, failed: bool = False) -> list[Job]:
        return self.jobs.newest(1000, failed=failed)

    def effects(self, what: str) -> list[Effect]:
        file = self.folder / what
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [Effect(call, key, int(revision), int(pid), float(at)) for call, key, revision, pid, at in lines]

    def start(self, *, concurrency: int = 8, retries: int = 2, backoff: float = 0.2) -> "WorkerProcess":
        """A worker; it may take a moment to be there."""
        self.workers.append(WorkerProcess(self, concurrency, retries, backoff))
        return self.workers[-1]


@dataclass
class WorkerProcess:
    """A worker in a process of its own."""

    bench: Bench
    concurrency: int
    retries: int
    backoff: float
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        numbers = [str(each) for each in (self.concurrency, self.retries, self.backoff)]
        with (self.bench.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.unit.receiver.jobs.process", self.bench.url, *numbers],
                cwd=ROOT,
                env={**os.environ, "EFFECTS": str(self.bench.folder)},
                stderr=log,
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'inbox.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database()


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Iterator[Bench]:
    build.migrate(url, background=True)
    inbox = build.open_inbox(url, connections=8)
    folder = tmp_path / "effects"
    folder.mkdir()
    made = Bench(url, inbox, build.open_jobs(inbox), folder)
    yield made
    for worker in made.workers:
        worker.process.kill()
        worker.process.wait()
