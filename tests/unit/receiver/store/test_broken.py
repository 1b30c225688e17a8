"""A store that fails on each database: told apart from every other failure, and never answered with a success."""

from collections.abc import Callable
from pathlib import Path

import pytest

from receiver import build
from receiver.errors import ConfigurationError, StoreUnavailable
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival
from tests.clock import NOON
from tests.unit.receiver.samples import delivery, refusal
from tests.unit.receiver.store.conftest import Store

CALLS: dict[str, Callable[[Inbox], object]] = {
    "accept": lambda inbox: inbox.accept(delivery()),
    "finish": lambda inbox: inbox.finish(1, "claim", "{}", NOON),
    "fail": lambda inbox: inbox.fail(1, "claim", "x"),
    "release": lambda inbox: inbox.release(1, "claim"),
    "refuse": lambda inbox: inbox.refuse(Arrival(None, b"x", NOON), refusal()),
    "check_writable": lambda inbox: inbox.check_writable(NOON),
    "recent": lambda inbox: inbox.recent("deliveries", 1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_broken_store_is_told_apart_from_every_other_failure(
    inbox: Inbox, store: Store, call: Callable[[Inbox], object]
) -> None:
    for table in ("deliveries", "refusals", "probe"):
        store.change(f"DROP TABLE {table}")
    with pytest.raises(StoreUnavailable) as failed:
        call(inbox)
    assert (failed.value.status, failed.value.detail) == (503, "the database did not take it")
    missing = {"sqlite": "no such table: ", "postgresql": "relation "}[store.kind]
    assert failed.value.cause.startswith(missing)


def test_a_check_changes_nothing_but_its_own_row(inbox: Inbox, store: Store) -> None:
    inbox.refuse(Arrival(None, b"x", NOON), refusal())
    inbox.accept(delivery())
    inbox.check_writable(NOON)
    inbox.check_writable(NOON)
    assert store.rows("SELECT id, room FROM probe") == [(1, None)]
    for table in ("deliveries", "refusals"):
        assert store.rows(f"SELECT id FROM {table}") == [(1,)]  # noqa: S608 - the two names above


def test_a_store_without_a_host_is_a_mistake_of_the_configuration_with_the_password_left_out() -> None:
    with pytest.raises(ConfigurationError) as raised:
        build.open_inbox("postgres://kaisa:hunter2@/kaisa?host=/nowhere/at/all")
    (problem,) = raised.value.problems
    assert problem.where == "DATABASE_URL"
    assert problem.what.startswith("postgresql+psycopg://kaisa:***@/kaisa?host=%2Fnowhere%2Fat%2Fall cannot be used: ")
    assert problem.remedy.startswith("check that the database is up")
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_no_database_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "inbox.sqlite3"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError, match="cannot be used: file is not a database"):
        build.open_inbox(f"sqlite:///{file}")


def test_commits_are_on_disk_when_they_return(store: Store) -> None:
    with store.open().reading() as connection:
        if store.kind == "sqlite":
            settings = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
            ]
            assert settings == ["wal", 2]
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_one_who_reads_keeps_nobody_from_writing(inbox: Inbox, store: Store) -> None:
    inbox.accept(delivery())
    with inbox.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == 1
        assert store.open().accept(delivery("second")).revision == 2
    assert len(inbox.recent("deliveries", 10)) == 2
