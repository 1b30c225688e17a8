"""Who a worker is: a number from 1 on, stable, held by one living process, free again at the moment it dies.

DBOS finds the work of a process that died by its id. Two processes under one id would do the same work; an id that
never came back would leave its work lying. So an id is the lowest number whose lock is free: beside the SQLite file
the operating system's lock on a file, on PostgreSQL an advisory lock of a session (not through a pooler that gives
each transaction another session).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["Held", "hold", "hold_lowest", "running"]

# Any number, as long as every worker takes the same.
_LOCKS: Final = 5_820_352


class Held(Protocol):
    """A number that nobody else holds."""

    @property
    def number(self) -> int:
        """The number."""

    def check(self) -> None:
        """Raise SQLAlchemyError where it is not sure any more that the number is held."""

    def release(self) -> None:
        """Let go of it."""


def hold_lowest(engine: Engine) -> Held:
    """The lowest number that is free."""
    number = 1
    while not (held := hold(engine, number)):
        number += 1
    return held


def hold(engine: Engine, number: int) -> Held | None:
    """A certain number; None: another process holds it."""
    return _hold_file(engine, number) if engine.dialect.name == "sqlite" else _hold_session(engine, number)


def running(connection: Connection) -> int:
    """How many workers run: on SQLite on this machine, on PostgreSQL wherever they are."""
    if connection.dialect.name == "sqlite":
        return sum(map(_is_locked, _files(connection.engine)))
    query = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND objsubid = 2 AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return int(connection.execute(text(query), {"locks": _LOCKS}).scalar_one())


@dataclass(frozen=True)
class _File:
    number: int
    descriptor: int

    def check(self) -> None:
        """A lock on a file cannot be lost."""

    def release(self) -> None:
        os.close(self.descriptor)


@dataclass(frozen=True)
class _Session:
    number: int
    connection: Connection

    def check(self) -> None:
        self.connection.execute(text("SELECT 1"))

    def release(self) -> None:
        # Said, not left to the server: it notices some time later that a session has ended.
        with suppress(SQLAlchemyError):
            self.connection.execute(text("SELECT pg_advisory_unlock_all()"))
        self.connection.close()  # it is not of the pool any more: this ends the session


def _hold_file(engine: Engine, number: int) -> _File | None:
    descriptor = os.open(_file(engine, number), os.O_RDWR | os.O_CREAT, 0o600)
    if _lock(descriptor, fcntl.LOCK_EX):
        return _File(number, descriptor)
    os.close(descriptor)
    return None


def _hold_session(engine: Engine, number: int) -> _Session | None:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    query = text("SELECT pg_try_advisory_lock(:locks, :number)")
    if connection.execute(query, {"locks": _LOCKS, "number": number}).scalar_one():
        return _Session(number, connection)
    connection.close()
    return None


def _is_locked(path: Path) -> bool:
    with _opened(path) as descriptor:
        # Shared: those who only look do not take each other for a worker.
        return not _lock(descriptor, fcntl.LOCK_SH)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    with closing(path.open("rb")) as file:
        yield file.fileno()


def _file(engine: Engine, number: int | str) -> Path:
    return Path(f"{engine.url.database}.worker-{number}.lock")


def _files(engine: Engine) -> Iterator[Path]:
    pattern = _file(engine, "*")
    return pattern.parent.glob(pattern.name)
