"""Settings -> a Receiver that runs: opens the store, imports the handlers, starts the threads."""

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from receiver import config, router
from receiver.config import Settings
from receiver.errors import ConfigurationError, Problem, StoreUnavailable
from receiver.handling import Handling
from receiver.receive import Receiver
from receiver.router import Router
from receiver.store import database, migrations
from receiver.store.inbox import Inbox
from receiver.store.records import RefusalLimits

if TYPE_CHECKING:
    from receiver.jobs.queue import Jobs

__all__ = [
    "build",
    "has_background_handlers",
    "load_handlers",
    "migrate",
    "missing_database",
    "open_inbox",
    "open_jobs",
    "problems",
    "utc_now",
]

_DEFAULT_HANDLERS: Final = next(setting.default for setting in config.listing() if setting.name == "KAISA_HANDLERS")
_MIGRATE: Final = "run `receiver migrate` once before the receivers start"


def utc_now() -> datetime:
    """The receiver's clock."""
    return datetime.now(UTC)


def build(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Receiver:
    """Assemble the pipeline. Raises ConfigurationError: the store or the handlers cannot be used."""
    found = load_handlers(settings.handlers)
    inbox = open_inbox(settings.database_url, connections=settings.threads, limits=settings.refusals)
    executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="handler")
    return Receiver(
        macro=settings.macro,
        keys=settings.trusted_keys,
        profile=settings.profile,
        inbox=inbox,
        router=found,
        handling=Handling(inbox, executor, budget=settings.handler_budget, clock=clock),
        jobs=open_jobs(inbox) if found.background else None,
    )


def load_handlers(module: str) -> Router:
    """The handlers in a module, found from this folder however the receiver was started. Raises ConfigurationError."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    return router.load(module)


def has_background_handlers(environ: Mapping[str, str]) -> bool:
    """Whether the handlers that the environment names include such. Raises ConfigurationError."""
    return bool(load_handlers(environ.get("KAISA_HANDLERS") or _DEFAULT_HANDLERS).background)


def missing_database(url: str) -> Iterator[Problem]:
    """Where a database file that is to be looked at does not exist."""
    parsed = make_url(url)
    path = Path(parsed.database or "")
    if parsed.get_backend_name() == "sqlite" and not path.exists():
        what = f"there is no database at {path.absolute()}"
        remedy = "go to the folder the receiver runs in, or set DATABASE_URL as it is set there"
        yield Problem("DATABASE_URL", what, remedy)


def open_inbox(url: str, *, connections: int = 1, limits: RefusalLimits | None = None, probe: bool = True) -> Inbox:
    """The inbox at a database URL, with `probe` proven to be writable now. Raises ConfigurationError.

    An SQLite file is brought up to date on the way; a server is shared, so there `receiver migrate` does it.
    No thread and no connection is left behind: the process may fork its workers afterwards.
    """
    engine = database.connect(url, connections=connections)
    inbox = Inbox(engine, limits=limits)
    try:
        if migrations.current(engine) != migrations.HEAD:
            if engine.dialect.name != "sqlite":
                raise ConfigurationError([_not_migrated(migrations.current(engine))])
            migrations.upgrade(engine)
        if probe:
            inbox.check_writable(utc_now())
    except (StoreUnavailable, SQLAlchemyError, migrations.UnknownRevision) as error:
        raise ConfigurationError([_unusable(url, error)]) from error
    finally:
        inbox.close()
    return inbox


def open_jobs(inbox: Inbox) -> "Jobs":
    """The jobs of background handlers, in the inbox's database. Raises ConfigurationError.

    Their tables are made as the inbox's are.
    """
    jobs, engine = _jobs_module(), inbox.engine
    try:
        if engine.dialect.name == "sqlite":
            jobs.migrate(engine)
        elif not jobs.migrated(engine):
            what = "the database has no tables for background handlers yet"
            raise ConfigurationError([Problem("DATABASE_URL", what, _MIGRATE)])
    except SQLAlchemyError as error:
        raise ConfigurationError([_unusable(engine.url.render_as_string(hide_password=False), error)]) from error
    finally:
        engine.dispose()
    opened: Jobs = jobs.Jobs(engine)
    return opened


def migrate(url: str, *, background: bool = False) -> None:
    """Bring the database up to date, with the tables of background handlers if asked for. Raises ConfigurationError."""
    engine = database.connect(url, connections=1)
    try:
        migrations.upgrade(engine)
        if background:
            _jobs_module().migrate(engine)
    except (SQLAlchemyError, migrations.UnknownRevision) as error:
        raise ConfigurationError([_unusable(url, error)]) from error
    finally:
        engine.dispose()


def _jobs_module() -> ModuleType:
    """The engine of background handlers, imported by those alone who have such handlers."""
    if find_spec("dbos") is None:
        what = "need the engine DBOS, which is not installed"
        remedy = "pip install 'kaisa-webhook-kit[jobs]', or add dbos>=3.4,<3.5 to requirements.txt"
        raise ConfigurationError([Problem("background handlers", what, remedy)])
    from receiver.jobs import queue as jobs

    return jobs


def _not_migrated(revision: str | None) -> Problem:
    what = f"the database is at revision {revision or 'none'}, this receiver needs {migrations.HEAD}"
    return Problem("DATABASE_URL", what, _MIGRATE)


def _unusable(url: str, error: Exception) -> Problem:
    shown = database.normalised(url).render_as_string(hide_password=True)
    cause = error.cause if isinstance(error, StoreUnavailable) else str(getattr(error, "orig", error))
    remedy = "check that the database is up and that the receiver may write to it; for SQLite, that its folder exists"
    return Problem("DATABASE_URL", f"{shown} cannot be used: {cause.strip()}", remedy)


def problems(environ: Mapping[str, str], *, now: datetime) -> tuple[Problem, ...]:
    """Every mistake of a configuration: its settings, then the handlers, then the store."""
    found: list[Problem] = []
    for check in (
        lambda: config.load(environ, now=now),
        lambda: load_handlers(environ.get("KAISA_HANDLERS") or _DEFAULT_HANDLERS),
        lambda: open_inbox(config.database_url(environ)),
        lambda: _open_both(environ),
    ):
        try:
            check()
        except ConfigurationError as error:
            found.extend(error.problems)
    return tuple(dict.fromkeys(found))


def _open_both(environ: Mapping[str, str]) -> None:
    if has_background_handlers(environ):
        open_jobs(open_inbox(config.database_url(environ)))
