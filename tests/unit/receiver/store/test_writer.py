"""Group commit on each database: what waits during a commit shares the next one, and nobody returns early."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from receiver.errors import StoreUnavailable
from receiver.store import database
from receiver.store.inbox import Inbox
from receiver.store.writer import Writer
from tests.clock import NOON
from tests.unit.receiver.samples import delivery
from tests.unit.receiver.store.conftest import Gate, Store

WRITES = 40


class Counted(queue.SimpleQueue[Any]):
    """A queue of which a test can wait until so much has come in."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._arrived.release()

    def wait_for(self, items: int) -> None:
        for _ in range(items):
            assert self._arrived.acquire(timeout=20)


@dataclass
class Commits:
    """How many there were, and a gate that the first of them must pass."""

    gate: Gate
    count: int = 0

    def watch(self, engine: Engine) -> "Commits":
        event.listen(engine, "commit", self._pass)
        return self

    def _pass(self, _: Connection) -> None:
        self.count += 1
        if self.count == 1:
            self.gate()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WRITES) as threads:
        yield threads


@pytest.fixture
def waiting(inbox: Inbox) -> Counted:
    inbox._writer._waiting = waiting = Counted()
    return waiting


def insert(number: int) -> Callable[[Connection], int]:
    """Write a row of its own; what is returned is its number."""
    statement = text("INSERT INTO probe (id, at) VALUES (:id, '2026-03-01')").bindparams(id=number)
    return lambda connection: connection.execute(statement).rowcount * number


def test_writes_that_wait_for_a_commit_share_the_next(
    inbox: Inbox, store: Store, waiting: Counted, gate: Gate, threads: ThreadPoolExecutor
) -> None:
    commits = Commits(gate).watch(inbox.engine)
    first = threads.submit(inbox.accept, delivery(key="event:0"))
    gate.wait_for()
    others = [threads.submit(inbox.accept, delivery(key=f"event:{number}")) for number in range(1, WRITES)]
    waiting.wait_for(WRITES)
    assert store.rows("SELECT count(*) FROM deliveries") == [(0,)]
    gate.open()
    assert len({future.result(20).claim for future in (first, *others)}) == WRITES
    assert commits.count == 2
    assert store.rows("SELECT count(*) FROM deliveries") == [(WRITES,)]


def test_a_batch_has_an_end(
    inbox: Inbox,
    waiting: Counted,
    gate: Gate,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("receiver.store.writer._MAX_BATCH", 10)
    commits = Commits(gate).watch(inbox.engine)
    futures = [threads.submit(inbox.accept, delivery(key="event:0"))]
    gate.wait_for()
    futures += [threads.submit(inbox.accept, delivery(key=f"event:{number}")) for number in range(1, 31)]
    waiting.wait_for(31)
    gate.open()
    assert {future.result(20).attempts for future in futures} == {1}
    assert commits.count == 4


def test_nothing_returns_before_its_commit(inbox: Inbox, store: Store, gate: Gate, threads: ThreadPoolExecutor) -> None:
    event.listen(inbox.engine, "commit", gate)
    written = threads.submit(inbox.accept, delivery())
    gate.wait_for()
    # The work is done and its transaction is open: nobody sees it, and the one who asked for it still waits.
    assert store.rows("SELECT count(*) FROM deliveries") == [(0,)]
    assert not written.done()
    gate.open()
    assert written.result(20).claim
    assert store.rows("SELECT count(*) FROM deliveries") == [(1,)]


def test_what_fails_in_its_commit_is_not_reported_as_done(inbox: Inbox, store: Store) -> None:
    def fail(_: Connection) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    event.listen(inbox.engine, "commit", fail)
    with pytest.raises(OperationalError, match="disk full"):
        inbox._writer.run(insert(10))
    event.remove(inbox.engine, "commit", fail)
    assert store.rows("SELECT id FROM probe WHERE id > 1") == []
    assert inbox._writer.run(insert(10)) == 10


def test_a_connection_that_was_cut_while_it_was_kept_costs_no_write(inbox: Inbox) -> None:
    assert inbox.accept(delivery()).attempts == 1
    kept = inbox._writer._connection
    assert kept is not None
    kept.connection.driver_connection.close()  # type: ignore[union-attr]  # a driver's connection
    assert inbox.accept(delivery()).attempts == 2


def test_the_same_connection_serves_one_write_after_another(inbox: Inbox) -> None:
    inbox.accept(delivery())
    kept = inbox._writer._connection
    inbox.accept(delivery())
    assert inbox._writer._connection is kept


def test_a_connection_is_given_back_when_there_is_nothing_to_write(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = threading.Event()
    event.listen(inbox.engine, "checkin", lambda *_: given_back.set())
    monkeypatch.setattr("receiver.store.writer._IDLE", 0.0)
    inbox.accept(delivery())
    assert given_back.wait(20)


def test_what_the_driver_refuses_is_told_as_the_database_s_refusal(inbox: Inbox, store: Store) -> None:
    store.change("DROP TABLE deliveries")
    with pytest.raises(StoreUnavailable) as failed:
        inbox.accept(delivery())
    assert "deliveries" in failed.value.cause


def batch(
    inbox: Inbox, waiting: Counted, gate: Gate, threads: ThreadPoolExecutor, work: list[Callable[[Connection], Any]]
) -> list[Future[Any]]:
    """Have the writer do all of it in one batch, the first time."""
    Commits(gate).watch(inbox.engine)
    futures: list[Future[Any]] = []
    for operation in (insert(100), *work):
        futures.append(threads.submit(inbox._writer.run, operation))
        waiting.wait_for(1)
        gate.wait_for(1 if len(futures) == 1 else 0)
    gate.open()
    assert futures.pop(0).result(20) == 100
    return futures


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_operation_that_fails_in_a_batch_fails_alone(
    inbox: Inbox, store: Store, waiting: Counted, gate: Gate, threads: ThreadPoolExecutor, place: int
) -> None:
    def broken(connection: Connection) -> None:
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    work: list[Callable[[Connection], Any]] = [insert(11), insert(12)]
    work.insert(place, broken)
    futures = batch(inbox, waiting, gate, threads, work)
    with pytest.raises(DBAPIError, match="no_such_table"):
        futures.pop(place).result(20)
    assert [future.result(20) for future in futures] == [11, 12]
    assert store.rows("SELECT id FROM probe WHERE id > 1 ORDER BY id") == [(11,), (12,), (100,)]


def test_an_operation_that_raises_what_is_no_database_error_fails_alone_too(
    inbox: Inbox, waiting: Counted, gate: Gate, threads: ThreadPoolExecutor
) -> None:
    def broken(_: Connection) -> None:
        raise KeyError("no")

    failed, done = batch(inbox, waiting, gate, threads, [broken, insert(11)])
    with pytest.raises(KeyError):
        failed.result(20)
    assert done.result(20) == 11


def test_where_everything_fails_slowly_none_waits_for_all_the_others(
    store: Store, gate: Gate, threads: ThreadPoolExecutor
) -> None:
    seconds, tries = [0.0], []
    engine = database.connect(store.url, connections=1)
    writer = Writer(engine, clock=lambda: seconds[0])
    writer._waiting = waiting = Counted()

    def timing_out(number: int, _: Connection) -> None:
        tries.append(number)
        seconds[0] += 5
        raise OperationalError("SELECT", {}, Exception("a lock was not to be had"))

    threads.submit(writer.run, gate)
    gate.wait_for()
    waiting.wait_for(1)
    futures = []
    for number in range(8):
        futures.append(threads.submit(writer.run, partial(timing_out, number)))
        waiting.wait_for(1)
    gate.open()
    for future in futures:
        with pytest.raises(OperationalError, match="a lock was not to be had"):
            future.result(20)
    # The batch, and the first of it alone: 10 seconds are over, and the rest is told so.
    assert tries == [0, 0]
    writer.close()
    engine.dispose()


def test_behind_a_commit_that_is_stuck_nothing_is_queued_but_the_outcomes_of_handlers(
    store: Store, gate: Gate, threads: ThreadPoolExecutor
) -> None:
    seconds = [0.0]
    inbox = store.open()
    claimed = inbox.accept(delivery())
    inbox.close()
    inbox._writer = Writer(inbox.engine, clock=lambda: seconds[0])
    inbox._writer._waiting = waiting = Counted()
    stuck = threads.submit(inbox._writer.run, gate)
    gate.wait_for()
    seconds[0] = 10.1
    waiting.wait_for(1)
    for number in range(3):
        with pytest.raises(StoreUnavailable) as failed:
            inbox.accept(delivery(key=f"event:{number}"))
        assert failed.value.cause == "no commit in time"
    assert waiting.empty()
    finished = threads.submit(inbox.finish, claimed.id, claimed.claim or "", "{}", NOON)
    waiting.wait_for(1)
    gate.open()
    stuck.result(20)
    assert finished.result(20) is True
    assert inbox.accept(delivery(key="event:0")).attempts == 1
    assert store.rows("SELECT count(*) FROM deliveries") == [(2,)]
    inbox.close()


def test_a_writer_that_was_closed_starts_again(inbox: Inbox, store: Store) -> None:
    others = set(threading.enumerate())
    for number in range(2, 5):
        assert inbox._writer.run(insert(number)) == number
        inbox.close()
        assert "writer" not in {thread.name for thread in set(threading.enumerate()) - others}
        inbox.close()
    assert store.rows("SELECT id FROM probe WHERE id > 1 ORDER BY id") == [(2,), (3,), (4,)]


def test_what_waits_when_a_writer_is_closed_is_finished(
    inbox: Inbox, store: Store, waiting: Counted, gate: Gate, threads: ThreadPoolExecutor
) -> None:
    Commits(gate).watch(inbox.engine)
    futures = [threads.submit(inbox._writer.run, insert(10))]
    gate.wait_for()
    futures += [threads.submit(inbox._writer.run, insert(number)) for number in (11, 12)]
    waiting.wait_for(3)
    closing = threads.submit(inbox.close)
    waiting.wait_for(1)
    futures.append(threads.submit(inbox._writer.run, insert(13)))
    waiting.wait_for(1)
    gate.open()
    closing.result(20)
    assert [future.result(20) for future in futures] == [10, 11, 12, 13]
    assert store.rows("SELECT id FROM probe WHERE id > 1 ORDER BY id") == [(10,), (11,), (12,), (13,)]
