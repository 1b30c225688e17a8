"""The store on each database: `store` is an empty one, migrated, which tests read without the receiver's code."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from receiver import build
from receiver.store.inbox import Inbox
from receiver.store.records import RefusalLimits
from tests.postgres import Postgres

T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """A database and the ways into it: the receiver's, and its own driver's."""

    kind: str
    url: str

    def open(self, *, limits: RefusalLimits | None = None) -> Inbox:
        """An inbox with an engine and a writer of its own, as another process has."""
        return build.open_inbox(self.url, connections=8, limits=limits)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self._file)) as file:
                return file.execute(query).fetchall()
        with psycopg.connect(self.url) as server:
            return server.execute(query.encode()).fetchall()

    def change(self, statement: str) -> None:
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self._file)) as file, file:
                file.execute(statement)
        else:
            with psycopg.connect(self.url) as server:
                server.execute(statement.encode())

    @property
    def _file(self) -> str:
        return self.url.removeprefix("sqlite:///")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A database without tables."""
    if request.param == "sqlite":
        return Store("sqlite", f"sqlite:///{tmp_path / 'inbox.sqlite3'}")
    server: Postgres = request.getfixturevalue("postgres")
    return Store("postgresql", server.create_database())


@pytest.fixture
def store(empty: Store) -> Store:
    build.migrate(empty.url)
    return empty


@pytest.fixture
def inbox(store: Store) -> Inbox:
    """On each database, not on SQLite alone."""
    return store.open()


def at_once(work: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of it in as many threads, let go at the same moment; the results in the order of the work."""
    together = threading.Barrier(len(work))

    def wait_and_do(each: Callable[[], T]) -> T:
        together.wait(timeout=20)
        return each()

    with ThreadPoolExecutor(len(work)) as executor:
        return list(executor.map(wait_and_do, work))


@pytest.fixture
def gate() -> Iterator["Gate"]:
    gate = Gate()
    yield gate
    gate.open()


class Gate:
    """Holds up the threads that pass, until a test lets them through."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Semaphore(0), threading.Event()

    def __call__(self, *_: object) -> None:
        self._reached.release()
        assert self._open.wait(timeout=20)

    def wait_for(self, threads: int = 1) -> None:
        """Until so many have come to it."""
        for _ in range(threads):
            assert self._reached.acquire(timeout=20)

    def open(self) -> None:
        self._open.set()
