"""The database goes away and comes back, or its disk fills up: nothing is acknowledged that is not there afterwards."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from receiver import build
from receiver.errors import StoreUnavailable
from receiver.store import database
from receiver.store.inbox import Inbox
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.postgres import Postgres, server
from tests.unit.receiver.conftest import client, open_inbox
from tests.unit.receiver.samples import claim_of, delivery
from tests.unit.receiver.store.conftest import Store
from tests.unit.receiver.store.test_broken import CALLS

# More than any disk of these tests has.
PLENTY: Final = 1_000_000
WRITERS = 4


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that a test may stop."""
    with server() as running:
        yield running


def test_postgresql_may_be_stopped_and_started_again_under_a_running_receiver(own_server: Postgres) -> None:
    store = Store("postgresql", own_server.create_database())
    build.migrate(store.url)
    inbox = store.open()
    kept: list[str] = []
    acknowledged = threading.Semaphore(0)

    def deliver(writer: int) -> int:
        for number in range(100_000):
            key = f"event:{writer}-{number}"
            try:
                inbox.accept(delivery(key=key))
            except StoreUnavailable:
                return number
            kept.append(key)
            acknowledged.release()
        raise AssertionError("the server was not stopped")

    with ThreadPoolExecutor(WRITERS) as executor:
        delivering = [executor.submit(deliver, number) for number in range(WRITERS)]
        for _ in range(10 * WRITERS):
            assert acknowledged.acquire(timeout=20)
        own_server.stop()
        done = sum(future.result(20) for future in delivering)
    try:
        for call in CALLS.values():
            with pytest.raises(StoreUnavailable) as failed:
                call(inbox)
            assert (failed.value.status, failed.value.detail) == (503, "the database did not take it")
    finally:
        own_server.start()
    inbox.check_writable(NOON)
    assert len(kept) == done
    assert {key for (key,) in store.rows("SELECT key FROM deliveries")} >= set(kept)
    again = inbox.accept(delivery("after"))
    assert inbox.finish(again.id, claim_of(again), "{}", NOON) is True


@dataclass
class Disk:
    """Where SQLite's files are: room for so many pages."""

    pages: int = PLENTY


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk, begin = Disk(), database._begin_sqlite

    def begin_on_this_disk(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={disk.pages}")
        begin(connection)

    monkeypatch.setattr(database, "_begin_sqlite", begin_on_this_disk)
    return disk


def fill(inbox: Inbox, prefix: str) -> list[str]:
    """Deliver until the store takes no more; the keys it acknowledged."""
    kept: list[str] = []
    for number in range(1_000):
        try:
            inbox.accept(delivery("x" * 1_000, key=f"{prefix}:{number}"))
        except StoreUnavailable:
            return kept
        kept.append(f"{prefix}:{number}")
    raise AssertionError("the disk was not full")


def test_a_full_disk_takes_nothing_and_loses_nothing(disk: Disk, tmp_path: Path) -> None:
    inbox, store = open_inbox(tmp_path / "x"), Store("sqlite", f"sqlite:///{tmp_path / 'x'}")
    inbox.accept(delivery(key="first"))
    disk.pages = 1  # SQLite takes that for "no more than there are"
    kept = ["first", *fill(inbox, "full")]
    with pytest.raises(StoreUnavailable) as failed:
        inbox.check_writable(NOON)
    assert failed.value.cause == "database or disk is full"
    assert [row["key"] for row in reversed(inbox.recent("deliveries", 1_000))] == kept
    disk.pages = PLENTY
    inbox.check_writable(NOON)
    assert inbox.accept(delivery("x" * 1_000, key=f"full:{len(kept) - 1}")).attempts == 1
    kept.append(f"full:{len(kept) - 1}")
    assert store.rows("SELECT key FROM deliveries ORDER BY id") == [(key,) for key in kept]
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


def post(flask: FlaskClient, number: int) -> TestResponse:
    body = form({**POST_CALL, "id": f"call-{number}", "details": "x" * 1_000})
    return flask.post("/webhook", data=body, content_type=FORM)


def test_on_a_full_disk_the_application_answers_503_and_never_a_false_200(disk: Disk, environ: dict[str, str]) -> None:
    flask, store = client(environ), Store("sqlite", environ["DATABASE_URL"])
    assert flask.get("/readyz").status_code == 200
    disk.pages = 1
    statuses = {number: post(flask, number).status_code for number in range(60)}
    assert set(statuses.values()) == {200, 503}
    assert flask.get("/readyz").status_code == 503
    assert flask.get("/healthz").status_code == 200
    acknowledged = {f"call-{number}" for number, status in statuses.items() if status == 200}
    handled = "SELECT call_id FROM deliveries WHERE state = 'handled'"
    assert {call for (call,) in store.rows(handled)} == acknowledged
    disk.pages = PLENTY
    assert flask.get("/readyz").status_code == 200
    refused = [number for number, status in statuses.items() if status == 503]
    again = {post(flask, number).status_code for number in refused if f"call-{number}" not in unfinished(store)}
    assert again == {200}
    assert acknowledged <= {call for (call,) in store.rows(handled)}


def unfinished(store: Store) -> set[str]:
    """The calls that were stored when the outcome of their handler no longer was: their lease goes on."""
    return {call for (call,) in store.rows("SELECT call_id FROM deliveries WHERE state = 'handling'")}
