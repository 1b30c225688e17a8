"""`receiver jobs` and `receiver worker`: the jobs of background handlers, and the process that does them."""

import json
import os
import signal
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click
import structlog

from receiver import build, config, logs
from receiver.commands import counted, limited, on_one_line, open_store, stop_at
from receiver.errors import ConfigurationError
from receiver.logs import mask

if TYPE_CHECKING:
    from receiver.jobs.queue import Job, Jobs

__all__ = ["jobs", "worker"]

# How long handlers may go on once the worker is told to stop: platforms kill after 30 seconds.
_PATIENCE: Final = timedelta(seconds=20)

log = structlog.get_logger()


@click.group()
def jobs() -> None:
    """Look at the jobs of background handlers."""


@jobs.command("list")
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@limited
def list_(*, failed: bool, limit: int, form: str) -> None:
    """List jobs, the newest first."""
    for job in _open_jobs().newest(limit, failed=failed):
        click.echo(_as_json(job) if form == "json" else _as_text(job))


@jobs.command()
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--all-failed", is_flag=True, help="All that were given up.")
def replay(job_id: str | None, *, all_failed: bool) -> None:
    """Begin a job again that was given up, with all its retries."""
    if bool(job_id) == all_failed:
        raise click.UsageError("name one job, or --all-failed")
    opened = _open_jobs()
    failed = opened.newest(sys.maxsize, failed=True)
    chosen = [job for job in failed if all_failed or job.id == job_id]
    if job_id and not chosen:
        raise click.ClickException(f"no job {job_id} was given up; `receiver jobs list --failed` lists those that were")
    for job in chosen:
        click.echo(f"{job.id} -> {opened.replay(job)}")


@jobs.command()
@click.option("--days", default=30, show_default=True, type=click.IntRange(0), help="How long ago they were done.")
@click.option("--failed", is_flag=True, help="Also those that were given up.")
def purge(days: int, *, failed: bool) -> None:
    """Delete jobs that were done long ago; nothing else does."""
    deleted = _open_jobs().purge(build.utc_now() - timedelta(days=days), failed=failed)
    click.echo(f"deleted {counted(deleted, 'attempt')}")


@click.command()
def worker() -> None:
    """Run background handlers, until it is told to stop (SIGTERM)."""
    stop_at(build.problems(os.environ, now=build.utc_now()))
    settings = config.load(os.environ, now=build.utc_now())
    logs.configure()
    background = build.load_handlers(settings.handlers).background
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    code = 0
    if background:
        from receiver.jobs.engine import Worker

        code = Worker(settings.database_url, background, settings.jobs).run(told, patience=_PATIENCE)
    else:
        log.info("no background handlers, nothing to do")
        told.wait()  # ending would make some platforms stop the web process, too
    sys.stderr.flush()
    # A handler that goes on after all must not keep the process: its job is done again.
    os._exit(code)


def _open_jobs() -> "Jobs":
    inbox = open_store()
    try:
        return build.open_jobs(inbox)
    except ConfigurationError as error:
        stop_at(error.problems)
        raise


def _as_json(job: "Job") -> str:
    times = {name: at.isoformat() if at else None for name, at in job.times.items()}
    kept = {name: getattr(job, name) for name in ("id", "delivery", "handler", "attempt", "state", "error")}
    return json.dumps(kept | times)


def _as_text(job: "Job") -> str:
    due = f", again at {job.due:%Y-%m-%d %H:%M:%S}Z" if job.due else ""
    line = f"{job.updated:%Y-%m-%d %H:%M:%S}Z  {job.state:<7} {job.id}, {counted(job.attempt, 'attempt')}{due}"
    return f"{line}\n        -> {on_one_line(mask(job.error.rstrip().splitlines()[-1]))}" if job.error else line
