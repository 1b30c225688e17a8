"""`receiver jobs`, and what `receiver check` and `/readyz` say of the work that waits."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from receiver import build
from receiver.jobs import queue as jobs
from tests.calls import FORM, POST_CALL, form
from tests.unit.receiver.conftest import client
from tests.unit.receiver.jobs.conftest import ROOT, Bench
from tests.unit.receiver.test_cli import run


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One database is enough: the commands do not know which it is."""
    return f"sqlite:///{tmp_path / 'inbox.sqlite3'}"


@pytest.fixture
def environ(url: str) -> dict[str, str]:
    handlers = "tests.unit.receiver.jobs.handlers"
    return {"DATABASE_URL": url, "KAISA_ACCEPT_UNSIGNED": "true", "KAISA_HANDLERS": handlers}


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_request_is_answered_by_its_ordinary_handler_and_leaves_a_job(environ: dict[str, str], bench: Bench) -> None:
    posted = client(environ).post("/webhook", data=form(POST_CALL), content_type=FORM)
    assert (posted.status_code, posted.get_json()) == (200, {"append": "thanks for call-1"})
    assert [job.id for job in bench.listed()] == ["1/book/1"]
    client(environ).post("/webhook", data=form(POST_CALL), content_type=FORM)
    assert [job.id for job in bench.listed()] == ["1/book/1"]


def test_without_a_worker_the_work_waits_and_check_and_readyz_say_so(environ: dict[str, str], bench: Bench) -> None:
    bench.accept("call-1")
    ready = client(environ).get("/readyz")
    assert (ready.status_code, ready.get_json()) == (
        200,
        {"status": "ready", "background": "no worker running, 1 waiting"},
    )
    assert lines(run(environ, "check"))[-1] == "background handlers: no worker running, 1 waiting"


def test_jobs_are_listed_with_what_became_of_them(environ: dict[str, str], bench: Bench) -> None:
    bench.accept("call-1")
    (line,) = lines(run(environ, "jobs", "list"))
    (job,) = bench.listed()
    assert line == f"{job.updated:%Y-%m-%d %H:%M:%S}Z  waiting 1/book/1, 1 attempt"
    (line,) = lines(run(environ, "jobs", "list", "--format", "json"))
    assert json.loads(line) == {
        "id": "1/book/1",
        "delivery": 1,
        "handler": "book",
        "attempt": 1,
        "state": "waiting",
        "error": None,
        "created": job.created.isoformat(),
        "updated": job.updated.isoformat(),
        "due": None,
    }
    assert lines(run(environ, "jobs", "list", "--failed")) == []


def test_a_job_given_up_is_replayed_by_its_id_or_with_all_others(environ: dict[str, str], bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.accept(f"call-{number}")
    for given_up in ("1/book/1", "2/book/1", "3/book/1"):
        bench.jobs.client.cancel_workflow(given_up)
    assert lines(run(environ, "jobs", "replay", "2/book/1")) == ["2/book/1 -> 2/book/2"]
    assert sorted(lines(run(environ, "jobs", "replay", "--all-failed"))) == [
        "1/book/1 -> 1/book/2",
        "3/book/1 -> 3/book/2",
    ]
    assert sorted((job.id, job.state) for job in bench.listed()) == [
        ("1/book/2", "waiting"),
        ("2/book/2", "waiting"),
        ("3/book/2", "waiting"),
    ]


def test_a_job_that_was_not_given_up_is_not_replayed(environ: dict[str, str], bench: Bench) -> None:
    bench.accept("call-1")
    result = run(environ, "jobs", "replay", "1/book/1")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: no job 1/book/1 was given up; `receiver jobs list --failed` lists those that were\n"
    )
    assert run(environ, "jobs", "replay").exit_code == 2
    assert run(environ, "jobs", "replay", "1/book/1", "--all-failed").exit_code == 2


def test_purge_says_how_much_it_deleted(environ: dict[str, str], bench: Bench) -> None:
    bench.accept("call-1")
    bench.jobs.client.cancel_workflow("1/book/1")
    assert lines(run(environ, "jobs", "purge", "--days", "0")) == ["deleted 0 attempts"]
    assert lines(run(environ, "jobs", "purge", "--failed")) == ["deleted 0 attempts"]
    assert lines(run(environ, "jobs", "purge", "--failed", "--days", "0")) == ["deleted 1 attempt"]
    assert bench.listed() == []


def test_jobs_of_a_database_that_is_not_there_are_not_looked_for(environ: dict[str, str]) -> None:
    result = run(environ, "jobs", "list")
    assert result.exit_code == 2
    assert "there is no database at" in result.stderr


def test_migrate_makes_the_tables_of_background_handlers_too(environ: dict[str, str]) -> None:
    assert lines(run(environ, "migrate")) == ["The database is up to date."]
    assert lines(run(environ, "migrate")) == ["The database is up to date."]
    inbox = build.open_inbox(environ["DATABASE_URL"])
    assert jobs.migrated(inbox.engine)


def test_a_worker_without_background_handlers_waits_for_its_end_and_imports_no_engine(environ: dict[str, str]) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-v", "-m", "receiver", "worker"],
        env={**environ, "KAISA_HANDLERS": "receiver.handlers"},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stderr is not None
    said = []
    for line in worker.stderr:
        said.append(line)
        if "nothing to do" in line:
            break
    worker.send_signal(signal.SIGTERM)
    _, rest = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert [line for line in (*said, *rest.splitlines()) if line.startswith("import 'dbos")] == []
