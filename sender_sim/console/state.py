"""What the console keeps on disk: the journal, and beside it where the integration stands and what was asked of it."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sender_sim.console import columns
from sender_sim.console.draft import Draft
from sender_sim.console.trouble import Trouble
from sender_sim.core.call import Call
from sender_sim.core.delivery import Request
from sender_sim.core.events import Event
from sender_sim.core.lifecycle import Stage, Step
from sender_sim.core.outcome import Outcome
from sender_sim.core.records import from_dict
from sender_sim.journal import Journal, JournalError

__all__ = ["Placed", "Saved", "State", "Taken", "Tested"]

_PROGRAM: Final = "console"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, step TEXT NOT NULL, stage TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, active INTEGER NOT NULL, draft TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS placed (id TEXT PRIMARY KEY, call TEXT NOT NULL, trouble TEXT);
CREATE TABLE IF NOT EXISTS answers (
    delivery TEXT, attempt INTEGER, outcome TEXT NOT NULL, PRIMARY KEY (delivery, attempt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tests (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, request TEXT NOT NULL, outcome TEXT NOT NULL
);
"""
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A step of the life cycle that was taken, when, and the stage it led to."""

    at: datetime
    step: Step
    stage: Stage


@dataclass(frozen=True, slots=True)
class Saved:
    """Settings that came into force, in the order they did."""

    at: datetime
    active: bool
    draft: Draft


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that was placed, and what goes wrong with it."""

    call: Call
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Tested:
    """A test request and what came of it (C10)."""

    number: int
    at: datetime
    request: Request
    outcome: Outcome


class State(Journal):
    """The open file. All methods can be called from any thread; what they change is on disk when they return."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._turn = threading.RLock()
        if self.plan.get("program") == _PROGRAM:
            self._connection.executescript(_TABLES)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, *, now: datetime) -> Iterator[Self]:
        """The state in a file; one that is not there is begun, at the simulated time `now`. Raises JournalError.

        It is its owner's alone: what sessions are signed with stands in it.
        """
        for file in (path, path.with_name(f"{path.name}-wal")):
            if file.is_file():
                file.chmod(0o600)
        plan = {"program": _PROGRAM, "start": now.isoformat()}
        opening: AbstractContextManager[Self] = cls.found(path) if cls.is_begun(path) else cls.begun(path, plan)
        with opening as state:
            if state.plan.get("program") != _PROGRAM:
                raise JournalError(f"{path} is the journal of a run, not the state of a console; name another file")
            yield state

    @property
    def start(self) -> datetime:
        """When simulated time began."""
        return datetime.fromisoformat(self.plan["start"])

    @property
    def now(self) -> datetime:
        """The simulated time that was reached, as far as it was noted; events may be later."""
        return datetime.fromisoformat(self._fact("now", self.start.isoformat()))

    def arrive(self, now: datetime) -> None:
        """Note the simulated time."""
        with self._changing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('now', ?)", [now.isoformat()])

    @property
    def secret(self) -> str:
        """What sessions are signed with: made once, so that they outlive a restart."""
        return self._fact("secret", secrets.token_hex(32))

    def _fact(self, name: str, otherwise: str) -> str:
        with self._changing() as connection:
            connection.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", [name, otherwise])
            (value,) = connection.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
            return str(value)

    def keep(self, events: Sequence[Event]) -> None:
        """Add what has happened."""
        with self._turn:
            super().keep(events)

    def events(self) -> Iterator[Event]:
        """Everything that has happened."""
        for _, values in self.records():
            yield from_dict(values)

    def records(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Everything that has happened after number `after`, numbered from 1, as JSON-ready values."""
        while page := self._rows("SELECT * FROM events WHERE number > ? ORDER BY number LIMIT ?", after, _PAGE):
            for number, text in page:
                yield number, json.loads(text)
            after = page[-1][0]

    @property
    def happened(self) -> int:
        """How many events there are."""
        [(count,)] = self._rows("SELECT coalesce(max(number), 0) FROM events")
        return int(count)

    @property
    def stage(self) -> Stage:
        """How far the integration has come (C1)."""
        taken = self.steps()
        return taken[-1].stage if taken else Stage.AVAILABLE

    def steps(self) -> list[Taken]:
        """The steps that were taken, in order."""
        rows = self._rows("SELECT at, step, stage FROM steps ORDER BY number")
        return [Taken(datetime.fromisoformat(at), Step(step), Stage(stage)) for at, step, stage in rows]

    def take(self, taken: Taken, saved: Saved | None = None) -> None:
        """Note a step and the settings that come into force with it."""
        with self._changing() as connection:
            row = [taken.at.isoformat(), taken.step, taken.stage]
            connection.execute("INSERT INTO steps (at, step, stage) VALUES (?, ?, ?)", row)
            if saved:
                values = [saved.at.isoformat(), saved.active, json.dumps(asdict(saved.draft))]
                connection.execute("INSERT INTO settings (at, active, draft) VALUES (?, ?, ?)", values)

    def settings(self) -> list[Saved]:
        """All settings that ever came into force, in order."""
        rows = self._rows("SELECT at, active, draft FROM settings ORDER BY number")
        return [Saved(datetime.fromisoformat(at), bool(on), Draft(**json.loads(text))) for at, on, text in rows]

    def place(self, placed: Sequence[Placed]) -> None:
        """Note calls that are to happen."""
        rows = [[each.call.id, columns.call_text(each.call), columns.trouble_text(each.trouble)] for each in placed]
        with self._changing() as connection:
            connection.executemany("INSERT INTO placed VALUES (?, ?, ?)", rows)

    def placed(self) -> list[Placed]:
        """The calls that were placed, in order."""
        rows = self._rows("SELECT call, trouble FROM placed ORDER BY rowid")
        return [Placed(columns.call(call), columns.trouble(trouble)) for call, trouble in rows]

    def answer(self, delivery: str, attempt: int, outcome: Outcome) -> None:
        """Keep what came of an attempt, whole as far as it is not too long."""
        with self._changing() as connection:
            row = [delivery, attempt, columns.outcome_text(outcome)]
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)

    def answer_to(self, delivery: str, attempt: int) -> Outcome | None:
        """What came of an attempt."""
        rows = self._rows("SELECT outcome FROM answers WHERE delivery = ? AND attempt = ?", delivery, attempt)
        return columns.outcome(rows[0][0]) if rows else None

    def test(self, at: datetime, request: Request, outcome: Outcome) -> int:
        """Keep a test request; returns its number."""
        with self._changing() as connection:
            row = [at.isoformat(), columns.request_text(request), columns.outcome_text(outcome)]
            done = connection.execute("INSERT INTO tests (at, request, outcome) VALUES (?, ?, ?)", row)
            return int(done.lastrowid or 0)

    def tests(self, number: int | None = None, *, limit: int = 20) -> list[Tested]:
        """The latest test requests, newest first, or the one with a number."""
        query = "SELECT * FROM tests WHERE coalesce(number = ?, true) ORDER BY number DESC LIMIT ?"
        return [
            Tested(which, datetime.fromisoformat(at), columns.request(request), columns.outcome(outcome))
            for which, at, request, outcome in self._rows(query, number, limit)
        ]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, self._connection:
            yield self._connection

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._turn:
            return self._connection.execute(query, values).fetchall()
