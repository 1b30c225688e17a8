"""Migrations on each database: they make what the code works with, once, however many begin at once."""

import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from receiver import build
from receiver.errors import ConfigurationError
from receiver.store import database, migrations
from receiver.store.records import State
from receiver.store.tables import metadata
from tests.unit.receiver.samples import delivery
from tests.unit.receiver.store.conftest import Store, at_once

TABLES = {"alembic_version", "deliveries", "probe", "refusals"}


def tables(store: Store) -> set[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        "postgresql": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    }
    return {name for (name,) in store.rows(query[store.kind])}


def test_the_migrations_make_the_tables_that_the_code_describes(store: Store) -> None:
    engine = database.connect(store.url, connections=1)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert tables(store) == TABLES


def test_the_newest_migration_is_the_one_the_code_names() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [migrations.HEAD]


def test_a_database_is_at_the_revision_it_was_brought_to(empty: Store) -> None:
    engine = database.connect(empty.url, connections=1)
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.HEAD
    assert empty.rows("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_migrating_again_keeps_what_is_there(store: Store) -> None:
    with closing(store.open()) as inbox:
        inbox.accept(delivery())
    build.migrate(store.url)
    build.migrate(store.url)
    assert store.rows("SELECT state FROM deliveries") == [(State.HANDLING,)]
    assert store.rows("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_threads_that_migrate_at_once_wait_for_each_other(empty: Store) -> None:
    at_once([partial(build.migrate, empty.url) for _ in range(6)])
    assert tables(empty) == TABLES
    assert empty.rows("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


# Each waits for the end of its input, so that all begin when the last of them is ready.
MIGRATE = """
import sys
from receiver import build
sys.stdin.read()
build.migrate(sys.argv[1])
build.open_inbox(sys.argv[1])
"""


def test_processes_that_migrate_at_once_wait_for_each_other(empty: Store) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty.url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = [process.communicate(timeout=60)[1] for process in started]
    assert ([process.returncode for process in started], said) == ([0] * 3, [""] * 3)
    assert empty.rows("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_a_database_of_a_newer_receiver_is_told_in_words(store: Store) -> None:
    store.change("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError) as raised:
        build.migrate(store.url)
    (problem,) = raised.value.problems
    assert problem.where == "DATABASE_URL"
    assert problem.what.endswith(
        "cannot be used: it was made by another version of the receiver: Can't locate revision identified by '9999'"
    )
    with pytest.raises(ConfigurationError, match="9999"):
        store.open()
    assert tables(store) == TABLES


def test_a_file_is_brought_up_to_date_when_it_is_opened_and_a_server_is_not(empty: Store) -> None:
    if empty.kind == "sqlite":
        empty.open()
        assert tables(empty) == TABLES
        return
    with pytest.raises(ConfigurationError) as raised:
        empty.open()
    (problem,) = raised.value.problems
    assert problem.where == "DATABASE_URL"
    assert problem.what == f"the database is at revision none, this receiver needs {migrations.HEAD}"
    assert problem.remedy == "run `receiver migrate` once before the receivers start"
    assert tables(empty) == set()


def test_threads_that_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'inbox.sqlite3'}"
    inboxes = at_once([partial(build.open_inbox, url) for _ in range(6)])
    assert [inbox.accept(delivery(str(number))).revision for number, inbox in enumerate(inboxes)] == [1, 2, 3, 4, 5, 6]
