"""A run on disk: what it was asked to do and everything that happened, so that it can go on after it was stopped.

A file of SQLite. What belongs together is committed together, before anything follows from it: however the simulator
ends, nothing is lost that it knew.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sender_sim.core.events import Event
from sender_sim.core.records import as_dict, from_dict

__all__ = ["Journal", "JournalError"]

# "Kai" and a version: what tells our file from anybody's.
_APPLICATION: Final = 0x4B616901
_TABLES: Final = (
    "CREATE TABLE plan (text TEXT NOT NULL)",
    "CREATE TABLE events (number INTEGER PRIMARY KEY, event TEXT NOT NULL)",
    "CREATE TABLE finished (at TEXT NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
)
# NORMAL: what is committed outlives the process, though not a power cut.
_PRAGMAS: Final = ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL")


class JournalError(Exception):
    """A journal that cannot be used; the message says which, why, and what to do."""


class Journal:
    """An open journal. Nobody else can open it until it is closed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def begun(cls, path: Path, plan: Mapping[str, Any]) -> Iterator[Self]:
        """A new journal for a run that does `plan` (JSON-ready). Raises JournalError where there is a file already."""
        if path.exists():
            raise JournalError(f"{path} exists already; --resume goes on with the run in it, or name another file")
        with _opened(path) as connection:
            with connection:
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute("INSERT INTO plan VALUES (?)", [json.dumps(plan)])
            yield cls(connection)

    @classmethod
    @contextmanager
    def found(cls, path: Path) -> Iterator[Self]:
        """The journal of an earlier run. Raises JournalError."""
        if not path.is_file():
            raise JournalError(f"{path} is not there; without --resume, run begins a journal")
        with _opened(path) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != _APPLICATION:
                raise JournalError(f"{path} is not a journal of this version of sender-sim")
            yield cls(connection)

    @property
    def plan(self) -> dict[str, Any]:
        """What the run was asked to do."""
        (text,) = self._connection.execute("SELECT text FROM plan").fetchone()
        plan: dict[str, Any] = json.loads(text)
        return plan

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return bool(self._connection.execute("SELECT count(*) FROM finished").fetchone()[0])

    def events(self) -> Iterator[Event]:
        """Everything that has happened."""
        for (text,) in self._connection.execute("SELECT event FROM events ORDER BY number"):
            yield from_dict(json.loads(text))

    def keep(self, events: Sequence[Event]) -> None:
        """Add what has happened; it is on disk when this returns."""
        rows = [[json.dumps(as_dict(event))] for event in events]
        with self._connection:
            self._connection.executemany("INSERT INTO events (event) VALUES (?)", rows)

    def finish(self) -> None:
        """Note that nothing is left to happen."""
        with self._connection:
            self._connection.execute("INSERT INTO finished VALUES (datetime('now'))")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that nobody shares; what goes wrong with the file, now or later, is told in words."""
    try:
        connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN EXCLUSIVE").execute("COMMIT")  # only now is it locked
            yield connection
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise JournalError(_in_words(path, error)) from error


def _in_words(path: Path, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return f"{path} is in use by another sender-sim; wait for it, or name another file"
    return f"{path} cannot be used as a journal: {error}"
