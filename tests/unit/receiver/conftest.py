"""Fixtures of the receiver: an inbox in a file, the pipeline without Flask, the application."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver import build, config, macro, signature, wire
from receiver.app import create_app
from receiver.handling import Handling
from receiver.receive import Receipt, Receiver
from receiver.router import Router
from receiver.signature import Profile, TrustedKey
from receiver.store import database as database_module
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival
from receiver.store.writer import Writer
from tests.calls import FORM
from tests.clock import NOON, Clock
from tests.openssl import KeyPair

PATIENCE = timedelta(seconds=19)


@pytest.fixture(autouse=True)
def stores_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test opened is closed after it."""
    engines: list[Engine] = []
    writers: list[Writer] = []
    connect, create = database_module.connect, Writer.__init__

    def connect_and_remember(url: str, *, connections: int) -> Engine:
        engines.append(connect(url, connections=connections))
        return engines[-1]

    def create_and_remember(writer: Writer, engine: Engine, **options: Any) -> None:
        create(writer, engine, **options)
        writers.append(writer)

    monkeypatch.setattr(database_module, "connect", connect_and_remember)
    monkeypatch.setattr(Writer, "__init__", create_and_remember)
    yield
    for writer in writers:
        writer.close()
    for engine in engines:
        engine.dispose()


@pytest.fixture(autouse=True)
def the_log_is_set_up_by_each_test_for_itself() -> Iterator[None]:
    """What a test configures writes to standard error as it was in that test, closed since."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The log so far, one object a line."""

    def lines() -> list[dict[str, Any]]:
        logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        return [
            line for line in logged if line["event"] != "should be known"
        ]  # at start: of this machine, not the test

    return lines


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite3"


@pytest.fixture
def inbox(database: Path) -> Inbox:
    return open_inbox(database)


def open_inbox(database: Path, *, connections: int = 4) -> Inbox:
    return build.open_inbox(f"sqlite:///{database}", connections=connections)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """What is in the file, read with SQLite alone."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def drop(database: Path, table: str) -> None:
    """Break the store."""
    change(database, f"DROP TABLE {table}")


@pytest.fixture(scope="session")
def trusted(key_pair: KeyPair) -> tuple[TrustedKey, ...]:
    return signature.read_pem("kaisa", key_pair.public.read_bytes())


@dataclass
class Pipeline:
    """The pipeline without Flask, with parts a test may replace before the first request."""

    inbox: Inbox
    clock: Clock
    executor: ThreadPoolExecutor
    router: Router = field(default_factory=Router)
    keys: tuple[TrustedKey, ...] = ()
    profile: Profile = field(default_factory=Profile)
    macro: str = wire.DEFAULT_MACRO
    budget: timedelta = PATIENCE

    def receive(self, body: bytes, content_type: str | None = FORM) -> Receipt:
        receiver = Receiver(
            macro=macro.parse(self.macro, recording=True),
            keys=self.keys,
            profile=self.profile,
            inbox=self.inbox,
            router=self.router,
            handling=Handling(self.inbox, self.executor, budget=self.budget, clock=self.clock),
        )
        return receiver.receive(Arrival(content_type, body, self.clock()))


@pytest.fixture
def pipeline(inbox: Inbox, clock: Clock) -> Iterator[Pipeline]:
    with ThreadPoolExecutor(4) as executor:
        yield Pipeline(inbox, clock, executor)


@pytest.fixture
def environ(database: Path) -> dict[str, str]:
    """Settings without mistakes: unsigned data is accepted, deliveries go to a file of this test."""
    return {"DATABASE_URL": f"sqlite:///{database}", "KAISA_ACCEPT_UNSIGNED": "true"}


@pytest.fixture
def signed_environ(database: Path, key_pair: KeyPair) -> dict[str, str]:
    """Settings without mistakes: one key is trusted."""
    return {"DATABASE_URL": f"sqlite:///{database}", "KAISA_TRUSTED_KEYS": str(key_pair.public)}


def client(environ: Mapping[str, str]) -> FlaskClient:
    return create_app(config.load(environ, now=NOON)).test_client()
