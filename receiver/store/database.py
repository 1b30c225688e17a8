"""Database URL -> an engine whose commits are on disk when they return."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from receiver.errors import Problem

__all__ = [
    "READING",
    "connect",
    "forget_deleted",
    "has_wal_reset_bug",
    "normalised",
    "overwrite_deleted",
    "sqlite_version",
]

# Execution options of a connection that only reads: it does not wait for the one that writes.
READING: Final = {"reading": True}

_WHERE: Final = "DATABASE_URL"
_POSTGRESQL: Final = "postgresql+psycopg"

# Seconds to wait for a connection, and for a lock: well inside the 20 that Kaisa waits.
_PATIENCE: Final = 5

# Seconds between two tries to switch a new SQLite file to its write-ahead log.
_PAUSE: Final = 0.02

# A server that has gone without a word is noticed within seconds, not after TCP's two hours.
_SILENT_PEER: Final = {
    "connect_timeout": _PATIENCE,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# What platforms set in the environment of a process whose disk is its own only until it stops.
_EPHEMERAL: Final = {
    "DYNO": "a dyno",
    "K_SERVICE": "Cloud Run",
    "VERCEL": "Vercel",
    "AWS_LAMBDA_FUNCTION_NAME": "a Lambda function",
    "RENDER": "Render",
    "FLY_APP_NAME": "Fly.io",
    "RAILWAY_PROJECT_ID": "Railway",
    "VCAP_APPLICATION": "Cloud Foundry",
}


def problems(url: str) -> Iterator[Problem]:
    """What is wrong with a database URL, as far as its text tells."""
    remedy = (
        "write sqlite:///relative.sqlite3, sqlite:////absolute/path.sqlite3 or postgresql://user:password@host/name"
    )
    try:
        parsed = normalised(url)
    except (ArgumentError, ValueError):
        yield Problem(_WHERE, "is not a database URL", remedy)
        return
    if parsed.drivername == _POSTGRESQL:
        return
    if parsed.get_backend_name() != "sqlite":
        yield Problem(_WHERE, f"{parsed.drivername} is neither SQLite nor PostgreSQL through psycopg", remedy)
    elif parsed.get_driver_name() != "pysqlite" or parsed.host:
        yield Problem(_WHERE, "names a driver or a host, which a file has no use for", remedy)
    elif not parsed.database or ":memory:" in parsed.database or parsed.query.get("mode") == "memory":
        yield Problem(_WHERE, "names a database in memory: what was answered 200 would be lost", remedy)
    elif parsed.query or parsed.database.startswith("file:"):
        yield Problem(_WHERE, "has options of its own; how SQLite is used is the receiver's part", remedy)


def ephemeral_problems(url: str, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Where a database file would be gone at the next restart of the platform."""
    platform = next((name for mark, name in _EPHEMERAL.items() if mark in environ), None)
    if platform and not any(problems(url)) and normalised(url).get_backend_name() == "sqlite":
        what = f"is a file, and the disk of {platform} does not outlive a restart: what was answered 200 would be lost"
        remedy = "attach a PostgreSQL; or, if this path is on a lasting volume, set KAISA_ALLOW_EPHEMERAL_DISK=true"
        yield Problem(_WHERE, what, remedy)


def normalised(url: str) -> URL:
    """The URL with the driver this receiver uses; `postgres://` is PostgreSQL too. Raises ArgumentError, ValueError."""
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername=_POSTGRESQL)
    return parsed


def connect(url: str, *, connections: int) -> Engine:
    """An engine with a pool of `connections`."""
    parsed = normalised(url)
    if parsed.get_backend_name() == "postgresql":
        # pre_ping: connections that a restart of the server has cut are replaced, not used.
        engine = create_engine(
            parsed,
            isolation_level="READ COMMITTED",
            pool_size=connections,
            pool_timeout=_PATIENCE,
            pool_pre_ping=True,
            connect_args=_SILENT_PEER,
        )
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    engine = create_engine(parsed, module=_sqlite(), pool_size=connections, pool_timeout=_PATIENCE)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def overwrite_deleted(connection: Connection) -> None:
    """What this transaction deletes is to leave nothing readable in an SQLite file; PostgreSQL has VACUUM for that."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def forget_deleted(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, where pages as they were may still stand; not while somebody reads them."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def sqlite_version() -> tuple[int, int, int]:
    """The version of the SQLite library in use."""
    major, minor, patch = _sqlite().sqlite_version_info[:3]
    return major, minor, patch


def _sqlite() -> Any:
    """The driver: the wheel `pysqlite3`, which carries a newer SQLite than many hosts have, where it is installed."""
    return import_module("pysqlite3" if find_spec("pysqlite3") else "sqlite3")


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether a version can corrupt a WAL file that several connections write (3.7.0 to 3.51.2, but for backports)."""
    backported = (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0)
    return (3, 7, 0) <= version < (3, 51, 3) and not backported


def _prepare_postgresql(connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the hook's signature
    # On disk when a commit returns, whatever the server's default is. By SET: options of the URL stay as they are.
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{_PATIENCE}s'")
    connection.execute("SET synchronous_commit = on")
    connection.autocommit = False


def _prepare_sqlite(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the hook's signature
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    # journal_size_limit: a burst does not leave its size on disk.
    for pragma in ("synchronous=FULL", f"busy_timeout={_PATIENCE * 1000}", "journal_size_limit=16777216"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    # Of several that open a new file at once one makes the switch; SQLite turns the others away without waiting.
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except _sqlite().OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes would fail under concurrency if it began as a reader.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
