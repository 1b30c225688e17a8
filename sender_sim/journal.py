"""A run on disk: what it was asked to do and everything that happened, so that it can go on after it was stopped.

A file of SQLite. What belongs together is committed together, before anything follows from it: however the simulator
ends, nothing is lost that it knew. An answer is noted when it comes, which may be before it is its turn to count.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from sender_sim.core.delivery import Attempt
from sender_sim.core.events import AttemptEnded, Event
from sender_sim.core.outcome import Outcome
from sender_sim.core.records import as_dict, from_dict, outcome_as_dict, outcome_from_dict
from sender_sim.transports import Transport

__all__ = ["Journal", "JournalError", "Noting"]

# "Kai" and a version: what tells our file from anybody's.
_APPLICATION: Final = 0x4B616901
_TABLES: Final = (
    "CREATE TABLE plan (text TEXT NOT NULL)",
    "CREATE TABLE events (number INTEGER PRIMARY KEY, event TEXT NOT NULL)",
    "CREATE TABLE outcomes (delivery TEXT, attempt INTEGER, outcome TEXT NOT NULL, PRIMARY KEY (delivery, attempt))",
    f"PRAGMA application_id = {_APPLICATION}",
)
# NORMAL: what is committed outlives the process, though not a power cut.
_SPEED: Final = ("journal_mode=WAL", "synchronous=NORMAL")


class JournalError(Exception):
    """A journal that cannot be used; the message says which, why, and what to do."""


class Journal:
    """An open journal. Nobody else can open it until it is closed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def begun(cls, path: Path, plan: Mapping[str, Any]) -> Iterator[Self]:
        """A new journal for a run that does `plan` (JSON-ready). Raises JournalError where there is one already."""
        if cls.is_begun(path):
            raise JournalError(f"{path} exists already; --resume goes on with the run in it, or name another file")
        with _opened(path) as connection:
            with connection:
                connection.execute("BEGIN EXCLUSIVE")  # all of it is there, or nothing
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute("INSERT INTO plan VALUES (?)", [json.dumps(plan)])
            _speed_up(connection)
            yield cls(connection)

    @staticmethod
    def is_begun(path: Path) -> bool:
        """Whether there is anything in the file. One whose beginning was cut short is empty."""
        return path.exists() and (not path.is_file() or path.stat().st_size > 0)

    @classmethod
    @contextmanager
    def found(cls, path: Path) -> Iterator[Self]:
        """The journal of an earlier run. Raises JournalError."""
        if not path.is_file():
            raise JournalError(f"{path} is not there; without --resume, run begins a journal")
        with _opened(path) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            if not pages:
                raise JournalError(f"{path} is not a journal yet: no run was begun in it; leave --resume out")
            connection.execute("BEGIN EXCLUSIVE").execute("COMMIT")  # only now is it locked
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != _APPLICATION:
                raise JournalError(f"{path} is not a journal of this version of sender-sim")
            _speed_up(connection)
            yield cls(connection)

    @property
    def plan(self) -> dict[str, Any]:
        """What the run was asked to do."""
        (text,) = self._connection.execute("SELECT text FROM plan").fetchone()
        plan: dict[str, Any] = json.loads(text)
        return plan

    def events(self) -> Iterator[Event]:
        """Everything that has happened."""
        for (text,) in self._connection.execute("SELECT event FROM events ORDER BY number"):
            yield from_dict(json.loads(text))

    def keep(self, events: Sequence[Event]) -> None:
        """Add what has happened; it is on disk when this returns."""
        rows = [[json.dumps(as_dict(event))] for event in events]
        ended = [[event.delivery, event.attempt] for event in events if isinstance(event, AttemptEnded)]
        with self._connection:
            self._connection.executemany("INSERT INTO events (event) VALUES (?)", rows)
            self._connection.executemany("DELETE FROM outcomes WHERE delivery = ? AND attempt = ?", ended)

    def note(self, attempt: Attempt, outcome: Outcome) -> None:
        """Write down what came of an attempt, before it is among the events."""
        row = [attempt.delivery, attempt.number, json.dumps(outcome_as_dict(outcome))]
        with self._connection:
            self._connection.execute("INSERT INTO outcomes VALUES (?, ?, ?)", row)

    def noted(self, attempt: Attempt) -> Outcome | None:
        """What came of an attempt of an earlier run that ended before it could tell."""
        row = [attempt.delivery, attempt.number]
        wanted = "SELECT outcome FROM outcomes WHERE delivery = ? AND attempt = ?"
        found = self._connection.execute(wanted, row).fetchone()
        return outcome_from_dict(json.loads(found[0])) if found else None


class Noting:
    """A transport that notes in a journal what came of each attempt, and does not make again what stands there."""

    def __init__(self, transport: Transport, journal: Journal) -> None:
        self._transport = transport
        self._journal = journal

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt, unless it has been."""
        if noted := self._journal.noted(attempt):
            return noted
        outcome = await self._transport.send(attempt)
        self._journal.note(attempt, outcome)
        return outcome


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that nobody shares; what goes wrong with the file, now or later, is told in words.

    A new file is its owner's alone, for it holds phone numbers; SQLite gives what it puts beside it the same mode.
    """
    with suppress(OSError):  # SQLite tells what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            yield connection
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise JournalError(_in_words(path, error)) from error


def _speed_up(connection: sqlite3.Connection) -> None:
    """Done once it is known to be our own file, because it changes it."""
    for pragma in _SPEED:
        connection.execute(f"PRAGMA {pragma}")


def _in_words(path: Path, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return f"{path} is in use by another sender-sim; wait for it, or name another file"
    return f"{path} cannot be used as a journal: {error}"
