"""A worker: does the jobs of background handlers, on DBOS. One for each process."""

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from receiver import event
from receiver.background import Background
from receiver.event import CallEvent
from receiver.jobs import executor_id
from receiver.jobs import queue as jobs
from receiver.logs import mask
from receiver.store import database
from receiver.store.records import JobSettings
from receiver.store.tables import deliveries, storable

__all__ = ["Worker"]

log = structlog.get_logger()

# Connections beside those of the handlers: queues, timers, notifications, the worker's own lock.
_OWN_CONNECTIONS: Final = 8

# How often a worker looks for work, and so how long a job waits at most before an idle worker begins it.
_POLL_SECONDS: Final = 0.25

# A job that takes its worker down with it (out of memory, say) is given up after so many.
_MAX_DEATHS: Final = 10

_LONGEST_BACKOFF: Final = timedelta(hours=1)

# How soon the jobs of a worker that died are taken over by those that live.
_TEND_SECONDS: Final = 2

# How soon what the store did not take is tried again.
_STORE_SECONDS: Final = 2

# A job that the store says is in hand here, and that is not, so many times in a row: its outcome was not stored.
_TIMES_MISSED: Final = 3

_ID: Final = "worker-"


class Worker:
    """Takes jobs from the store and runs their handlers, until it is stopped."""

    def __init__(self, url: str, background: Background, settings: JobSettings) -> None:
        self._engine = database.connect(url, connections=settings.concurrency + _OWN_CONNECTIONS)
        self._background = background
        self._settings = settings
        self._id = executor_id.hold_lowest(self._engine)
        self._name = f"{_ID}{self._id.number}"
        self._running: set[str] = set()
        self._missed: dict[str, int] = {}

    def run(self, told_to_stop: threading.Event, *, patience: timedelta) -> int:
        """Work until told to stop, and give what is in hand then time to end; an exit code. Then end the process."""
        log.info("worker started", id=self.start(), concurrency=self._settings.concurrency)
        code = 0
        while not code and not told_to_stop.wait(_TEND_SECONDS):
            try:
                self.tend()
            except SQLAlchemyError as error:
                # Its id may be another's by now, and two of one id would do the same work: start anew.
                log.error("worker lost the database", cause=_cause(error))  # noqa: TRY400 - in one line
                code, patience = 1, timedelta()
        self.stop(patience)
        log.info("worker stopped")
        return code

    def start(self) -> str:
        """Begin, with what a worker of the same id left behind. Returns the id."""
        _register(self)
        DBOS(config=self._config())
        jobs.Jobs(self._engine).client.register_queue(
            jobs.QUEUE, worker_concurrency=self._settings.concurrency, polling_interval_sec=_POLL_SECONDS
        )
        DBOS.launch()
        return self._name

    def tend(self) -> None:
        """Take over what dead workers had in hand. Raises SQLAlchemyError: the database is gone, or this id with it."""
        self._id.check()
        with self._engine.connect().execution_options(**database.READING) as connection:
            known = jobs.executors_in_hand(connection)
            own = jobs.in_hand_of(connection, self._name)
        self._begin_again_what_is_missed(own)
        for name in known:
            # Who holds its id is sure that its owner is dead; the own id is held already.
            if name.startswith(_ID) and (held := executor_id.hold(self._engine, int(name.removeprefix(_ID)))):
                try:
                    DBOS._recover_pending_workflows([name])  # noqa: SLF001 - there is no public way; the version is pinned
                finally:
                    held.release()

    def _begin_again_what_is_missed(self, in_hand: Sequence[str]) -> None:
        """A job whose end the store did not take (its disk was full) would be in hand until this worker dies."""
        self._missed = {job: self._missed.get(job, 0) + 1 for job in in_hand if job not in self._running}
        for job in [job for job, times in self._missed.items() if times >= _TIMES_MISSED]:
            log.warning("background handler begun again: its outcome was not stored", job=job)
            DBOS.resume_workflow(job)
            del self._missed[job]

    @contextmanager
    def running(self, job: str) -> Iterator[None]:
        """While a job's code runs."""
        self._running.add(job)
        try:
            yield
        finally:
            self._running.discard(job)

    def stop(self, patience: timedelta) -> None:
        """Take no more jobs, and give those in hand time to end. The process must end after it."""
        DBOS.destroy(workflow_completion_timeout_sec=int(patience.total_seconds()))
        self._id.release()

    def call(self, delivery: int, name: str) -> str | None:
        """Run a handler; what went wrong, with its traceback where it raised."""
        handler = self._background.find(name)
        if handler is None:
            return f"there is no background handler {name} any more"
        try:
            handler(_read(self._engine, delivery))
        except BaseException:  # noqa: BLE001 - a handler that exits or cancels must not take the worker with it
            # Masked: what is erased from the inbox must not live on in the engine's tables.
            return mask(storable(traceback.format_exc()))
        return None

    def delay(self, failures: int) -> timedelta | None:
        """How long to wait after so many failures; None: give up."""
        if failures > self._settings.retries:
            return None
        return min(self._settings.backoff * (1 << min(failures - 1, 20)), _LONGEST_BACKOFF)

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name=jobs.APPLICATION,
            system_database_engine=self._engine,
            application_version=jobs.VERSION,
            executor_id=self._name,
            run_migrations=False,
            log_level="WARNING",
        )


def _register(worker: Worker) -> None:
    """Tell DBOS of the workflow: one attempt, and where it fails, the next one to be made later."""

    @DBOS.step(name="call")
    def call(delivery: int, handler: str) -> str | None:
        return worker.call(delivery, handler)

    @DBOS.workflow(
        name=jobs.WORKFLOW,
        max_recovery_attempts=_MAX_DEATHS,
        serialization_type=WorkflowSerializationFormat.PORTABLE,
    )
    def attempt(delivery: int, handler: str, number: int, first: int) -> str | None:
        with worker.running(DBOS.workflow_id or ""):
            try:
                error = call(delivery, handler)
            except SQLAlchemyError as lost:  # what came of it; DBOS itself would give the job up
                error = f"its outcome was not stored: {_cause(lost)}"
        if error is None:
            return None
        delay = worker.delay(number - first + 1)
        told = {"delivery": delivery, "handler": handler, "attempt": number, "error": error.rstrip().splitlines()[-1]}
        if delay is None:
            log.error("background handler failed for good", **told)
            raise jobs.JobFailed(error)
        again = jobs.options(delivery, handler, number + 1, delay=delay)
        enqueue = partial(DBOS.enqueue_workflow_with_options, again, delivery, handler, number + 1, first)
        _until_stored(again["workflow_id"], enqueue)
        log.warning("background handler failed", **told, again_in=delay.total_seconds())
        return jobs.RETRIED


def _until_stored(job: str, write: Callable[[], object]) -> None:
    """Write as soon as the store takes it: a job whose next attempt is not stored (a full disk) would be given up."""
    told = False
    while True:
        try:
            write()
        except SQLAlchemyError as error:
            if not told:
                log.warning("background handler's next attempt not stored yet", job=job, cause=_cause(error))
                told = True
            time.sleep(_STORE_SECONDS)  # nothing tells when there is room again
        else:
            return


def _cause(error: SQLAlchemyError) -> str:
    return mask(storable(str(getattr(error, "orig", error))))


def _read(engine: Engine, delivery: int) -> CallEvent:
    """The event of a delivery, as its ordinary handler was given it."""
    columns = (deliveries.c.fields, deliveries.c.wire_values, deliveries.c.key, deliveries.c.revision)
    with engine.connect().execution_options(**database.READING) as connection:
        row = connection.execute(select(*columns).where(deliveries.c.id == delivery)).first()
    if row is None or row.fields is None:
        raise LookupError(f"the data of delivery {delivery} has been deleted")
    call = event.read(json.loads(row.fields), wire_values=json.loads(row.wire_values))
    return replace(call, key=row.key, revision=row.revision)
