"""The receiver and its background worker as a platform runs them: what ends is started again."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from tests.acceptance.deployment import Deployment, Worker

__all__ = ["HANDLERS", "VICTIMS", "Supervised", "Victim"]

Victim = Literal["web worker", "master", "background worker"]
VICTIMS: tuple[Victim, ...] = ("web worker", "master", "background worker")

# Each notes what it did in one write: whatever is killed, a line is there or is not. The pauses make it likely that a
# process is killed in a handler.
HANDLERS = """
import os, time

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


def note(file: str, event: CallEvent) -> None:
    time.sleep(0.05)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{event.id}/{event.event_type.label}\\n".encode())
    os.close(descriptor)
    time.sleep(0.05)


@on.any
def handle(event: CallEvent) -> str:
    note("handled", event)
    return f"{event.event_type.label} {event.id}"


@on.background.any
def book(event: CallEvent) -> None:
    note("booked", event)
"""


@dataclass
class Supervised:
    """Runs in `folder`, which holds a copy of the template, until it is stopped."""

    folder: Path
    port: int
    settings: Mapping[str, str]
    restarts: int = 0
    _web: Deployment = field(init=False)
    _background: Worker = field(init=False)

    def __post_init__(self) -> None:
        self._web = Deployment(self.folder, self.port, self.settings)
        self._background = Worker(self._web)
        self._web.until_ready()

    @property
    def webhook(self) -> str:
        return f"http://localhost:{self.port}/webhook"

    @property
    def output(self) -> str:
        """Everything its processes have said."""
        return self._web.output

    def kill(self, victim: Victim, random: Random) -> bool:
        """SIGKILL to a process of that kind; False where there is none just now."""
        if victim == "background worker":
            found: Sequence[int] = [] if self._background.process.poll() is not None else [self._background.process.pid]
        elif victim == "master":
            found = [] if self._web.process.poll() is not None else [self._web.process.pid]
        else:
            found = self._web.workers()
        if found:
            os.kill(random.choice(found), signal.SIGKILL)
        return bool(found)

    def processes(self) -> list[int]:
        """Those that run just now, whoever started them first."""
        started = [self._web.process, self._background.process]
        return [*(each.pid for each in started if each.poll() is None), *self._web.workers()]

    def tend(self) -> None:
        """Start again what has ended."""
        if self._web.process.poll() is not None:
            self._web = Deployment(self.folder, self.port, self.settings)
            self.restarts += 1
        if self._background.process.poll() is not None:
            self._background = Worker(self._web)
            self.restarts += 1

    def noted(self, file: str) -> list[str]:
        """What the handlers noted: `handled`, or `booked` in the background."""
        path = self.folder / file
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def stop(self) -> None:
        self._background.kill()
        self._web.stop()
