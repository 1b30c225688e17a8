"""The jobs of background handlers: put into the store with their delivery, looked at, done again, cleaned up.

Only a receiver with background handlers imports this module, and DBOS with it. The engine keeps its tables in the
inbox's own database. A job is one DBOS workflow for each attempt, so that one that waits to be tried again waits in
the database and not in a worker's thread (docs/decisions.md).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowSerializationFormat, WorkflowStatus
from sqlalchemy import Connection, Engine, column, func, inspect, select, table

from receiver.jobs import executor_id
from receiver.logs import ToStructlog

__all__ = [
    "APPLICATION",
    "QUEUE",
    "RETRIED",
    "VERSION",
    "WORKFLOW",
    "Job",
    "Jobs",
    "Overview",
    "executors_in_hand",
    "in_hand_of",
    "migrate",
    "migrated",
    "options",
]

APPLICATION: Final = "kaisa-webhook-kit"
WORKFLOW: Final = "background-handler"
QUEUE: Final = "background-handlers"

# What jobs are enqueued for and workers work on. Not the version of the code: new code goes on with old jobs.
VERSION: Final = "1"

# The outcome of an attempt that failed and was followed by another.
RETRIED: Final = "retried"

_SCHEMA: Final = "dbos"
_PAGE: Final = 500
_WAITING: Final = ("ENQUEUED", "DELAYED")
_FAILED: Final = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"]
_STATES: Final = {"ENQUEUED": "waiting", "DELAYED": "waiting", "PENDING": "running", "SUCCESS": "done"}


class JobFailed(Exception):
    """A background handler failed and is not tried again. Holds what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An attempt of a job, the last one so far. `id` is what replays it."""

    id: str
    delivery: int
    handler: str
    attempt: int
    state: str
    created: datetime
    updated: datetime
    due: datetime | None
    error: str | None

    @property
    def times(self) -> dict[str, datetime | None]:
        """When it was enqueued, when something happened to it, when it is to be tried again."""
        return {"created": self.created, "updated": self.updated, "due": self.due}


@dataclass(frozen=True, slots=True)
class Overview:
    """Whether jobs are being done, and how many are not done yet."""

    workers: int
    waiting: int
    failed: int

    def __str__(self) -> str:
        who = {0: "no worker", 1: "1 worker"}.get(self.workers, f"{self.workers} workers")
        return f"{who} running, {self.waiting} waiting" + (f", {self.failed} failed" if self.failed else "")


class Jobs:
    """The jobs in a database whose engine tables exist (`migrate`)."""

    def __init__(self, engine: Engine) -> None:
        self.client = DBOSClient(
            system_database_engine=engine, application_name=APPLICATION, lazy=True, retry_connection_errors=False
        )

    def enqueue(self, connection: Connection, delivery: int, *, handlers: Sequence[str]) -> None:
        """One job for each handler, in the transaction of `connection`."""
        for handler in handlers:
            self.client.enqueue_in_transaction(connection, options(delivery, handler, 1), delivery, handler, 1, 1)

    def overview(self, connection: Connection) -> Overview:
        """How things stand."""
        rows = _workflows(connection)
        counted = select(rows.c.status, func.count()).where(rows.c.name == WORKFLOW).group_by(rows.c.status)
        counts: dict[str, int] = dict(connection.execute(counted.where(rows.c.status != "SUCCESS")).all())
        workers = executor_id.running(connection)
        # What a worker had in hand when it died waits, too.
        waiting = sum(counts.get(state, 0) for state in (*_WAITING, *(() if workers else ("PENDING",))))
        return Overview(workers, waiting, sum(counts.get(state, 0) for state in _FAILED))

    def newest(self, limit: int, *, failed: bool) -> list[Job]:
        """Jobs, the newest first; with `failed` those that were given up."""
        found: list[Job] = []
        for status in self._pages(status=_FAILED if failed else None, sort_desc=True):
            if status.output != RETRIED:
                found.append(_job(status))
            if len(found) == limit:
                break
        return found

    def failed(self, job_id: str) -> Job | None:
        """The job of an id, if it was given up."""
        return next((_job(status) for status in self._page(0, status=_FAILED, workflow_ids=[job_id])), None)

    def replay(self, job: Job) -> str:
        """Begin a job again that was given up, with all its retries; the id of the new attempt."""
        attempt = job.attempt + 1
        again = options(job.delivery, job.handler, attempt)
        # In this order: stopped in between it is listed as failed once more, and the same id is not enqueued twice.
        self.client.enqueue(again, job.delivery, job.handler, attempt, attempt)
        self.client.delete_workflow(job.id)
        return again["workflow_id"]

    def purge(self, before: datetime, *, failed: bool) -> int:
        """Delete jobs done before a time, with `failed` also those given up; how many attempts that were."""
        states = ["SUCCESS", *(_FAILED if failed else ())]
        deleted = 0
        while ids := [each.workflow_id for each in self._page(0, status=states, completed_before=before.isoformat())]:
            self.client.delete_workflows(ids)
            deleted += len(ids)
        return deleted

    def _pages(self, **wanted: Any) -> Iterator[WorkflowStatus]:
        offset = 0
        while page := self._page(offset, **wanted):
            yield from page
            offset += len(page)

    def _page(self, offset: int, **wanted: Any) -> list[WorkflowStatus]:
        return self.client.list_workflows(name=WORKFLOW, limit=_PAGE, offset=offset, **wanted)


def options(delivery: int, handler: str, attempt: int, *, delay: timedelta | None = None) -> EnqueueOptions:
    """How an attempt is enqueued. Its id is permanent: the same attempt is never enqueued twice."""
    chosen = EnqueueOptions(
        workflow_name=WORKFLOW,
        queue_name=QUEUE,
        workflow_id=f"{delivery}/{handler}/{attempt}",
        app_version=VERSION,
        application_name=APPLICATION,
        serialization_type=WorkflowSerializationFormat.PORTABLE,  # not pickle: rows outlive the code that wrote them
    )
    if delay:
        chosen["delay_seconds"] = delay.total_seconds()
    return chosen


def migrate(engine: Engine) -> None:
    """Make the engine's tables, or bring them up to date."""
    DBOS.migrate(engine.url.render_as_string(hide_password=False))


def migrated(engine: Engine) -> bool:
    """Whether the engine's tables are there."""
    with engine.connect().execution_options(reading=True) as connection:
        return inspect(connection).has_table("workflow_status", schema=_schema(connection))


def executors_in_hand(connection: Connection) -> list[str]:
    """The ids of the workers, alive or dead, that have jobs in hand."""
    rows = _workflows(connection)
    return list(connection.execute(select(rows.c.executor_id).where(rows.c.status == "PENDING").distinct()).scalars())


def in_hand_of(connection: Connection, executor: str) -> list[str]:
    """The ids of the jobs that a worker has in hand, as far as the store knows."""
    rows = _workflows(connection)
    of_it = (rows.c.status == "PENDING") & (rows.c.executor_id == executor)
    return list(connection.execute(select(rows.c.workflow_uuid).where(of_it)).scalars())


def _workflows(connection: Connection) -> Any:
    names = ("status", "name", "executor_id", "workflow_uuid")
    return table("workflow_status", *map(column, names), schema=_schema(connection))


def _schema(connection: Connection) -> str | None:
    return None if connection.dialect.name == "sqlite" else _SCHEMA


def _job(status: WorkflowStatus) -> Job:
    delivery, handler, attempt = status.workflow_id.split("/")
    return Job(
        id=status.workflow_id,
        delivery=int(delivery),
        handler=handler,
        attempt=int(attempt),
        state=_STATES.get(status.status, "failed"),
        created=_time(status.created_at or 0),
        updated=_time(status.updated_at or 0),
        due=_time(status.delay_until_epoch_ms) if status.status == "DELAYED" and status.delay_until_epoch_ms else None,
        error=_error(status),
    )


def _error(status: WorkflowStatus) -> str | None:
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return "its worker died with it in hand, again and again"
    return str(status.error) if status.error else None


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the worker has not logged it itself."""
    return not (record.exc_info and isinstance(record.exc_info[1], JobFailed))


# DBOS adds a handler of its own only where there is none.
_engine_log = logging.getLogger("dbos")
_engine_log.handlers = [ToStructlog("background engine", logging.WARNING)]
_engine_log.handlers[0].addFilter(_is_news)
_engine_log.propagate = False
