"""Workers: at least once, whatever dies; failures tried again, then listed; nothing waits for a dead one."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.unit.receiver.jobs.conftest import Bench, until

# How the outcomes of steps are refused, as by a full disk, and taken again.
REFUSING = {
    "sqlite": (
        [
            (
                "CREATE TRIGGER no_room BEFORE INSERT ON operation_outputs "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        ],
        "DROP TRIGGER no_room",
    ),
    "postgresql": (
        [
            (
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no space left on device'; END $$"
            ),
            "CREATE TRIGGER no_room BEFORE INSERT ON dbos.operation_outputs EXECUTE FUNCTION no_room()",
        ],
        "DROP TRIGGER no_room ON dbos.operation_outputs",
    ),
}


def test_a_job_that_kill_9_cut_off_is_done_again_after_a_restart(bench: Bench) -> None:
    (bench.folder / "hold").touch()
    first = bench.start()
    bench.accept("call-1")
    until(lambda: bench.effects("begun"), "begun")
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert str(bench.overview()) == "no worker running, 1 waiting"

    (bench.folder / "hold").unlink()
    bench.start()
    until(lambda: bench.effects("booked"), "booked after the restart")
    begun = bench.effects("begun")
    assert [(each.call, each.key, each.revision) for each in begun] == [("call-1", "event:call-1", 1)] * 2
    assert begun[0].process != begun[1].process
    until(lambda: [job.state for job in bench.listed()] == ["done"], "done")


def test_a_failing_job_is_tried_again_later_and_later_then_listed_and_done_when_replayed(bench: Bench) -> None:
    (bench.folder / "broken").touch()
    bench.start(retries=2, backoff=0.4)
    bench.accept("call-1")
    until(lambda: bench.listed(failed=True), "given up")
    first, second, third = bench.effects("begun")
    assert second.at - first.at >= 0.4
    assert third.at - second.at >= 0.8
    (failed,) = bench.listed()
    assert (failed.id, failed.state, failed.attempt) == ("1/book/3", "failed", 3)
    assert failed.error is not None
    assert failed.error.startswith("Traceback (most recent call last):")
    assert failed.error.endswith("\nValueError: no connection to +46*******67\n")
    assert str(bench.overview()) == "1 worker running, 0 waiting, 1 failed"

    (bench.folder / "broken").unlink()
    assert bench.jobs.replay(failed) == "1/book/4"
    until(lambda: [job.state for job in bench.listed()] == ["done"], "done")
    assert len(bench.effects("booked")) == 1
    assert str(bench.overview()) == "1 worker running, 0 waiting"


def test_a_retry_keeps_its_time_over_kill_9(bench: Bench) -> None:
    (bench.folder / "broken").touch()
    first = bench.start(retries=1, backoff=3)
    bench.accept("call-1")
    until(lambda: any(job.due for job in bench.listed()), "waiting to be tried again")
    first.end(signal.SIGKILL)
    (bench.folder / "broken").unlink()
    (waiting,) = bench.listed()
    assert (waiting.id, waiting.state, waiting.attempt) == ("1/book/2", "waiting", 2)

    bench.start()
    until(lambda: bench.effects("booked"), "booked")
    begun, again = bench.effects("begun")
    assert waiting.due is not None
    assert timedelta(seconds=3) <= timedelta(seconds=again.at - begun.at)
    assert again.at >= waiting.due.timestamp()


def test_two_workers_share_the_work_and_one_takes_over_what_the_other_leaves(bench: Bench) -> None:
    (bench.folder / "hold").touch()
    one, two = bench.start(concurrency=2), bench.start(concurrency=2)
    calls = [f"call-{number}" for number in range(8)]
    for call in calls:
        bench.accept(call)
    until(lambda: len({each.process for each in bench.effects("begun")}) == 2, "both at work")
    until(lambda: len(bench.effects("begun")) == 4, "each with as much as it may have in hand")
    assert {each.process for each in bench.effects("begun")} == {one.process.pid, two.process.pid}
    assert bench.overview().workers == 2

    two.end(signal.SIGKILL)
    (bench.folder / "hold").unlink()
    until(
        lambda: len({each.call for each in bench.effects("booked")}) == len(calls), "all booked by the one that lives"
    )
    assert {each.process for each in bench.effects("booked")} == {one.process.pid}
    assert sorted(each.call for each in bench.effects("booked")) == calls


def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_and_begins_nothing_more(bench: Bench) -> None:
    (bench.folder / "hold").touch()
    worker = bench.start(concurrency=1)
    for call in ("call-1", "call-2"):
        bench.accept(call)
    until(lambda: bench.effects("begun"), "begun")
    worker.process.send_signal(signal.SIGTERM)
    (bench.folder / "hold").unlink()
    assert worker.process.wait(30) == 0
    assert [each.call for each in bench.effects("booked")] == ["call-1"]
    assert str(bench.overview()) == "no worker running, 1 waiting"
    assert [(job.delivery, job.state) for job in bench.listed()] == [(2, "waiting"), (1, "done")]


def test_a_handler_that_exits_or_is_gone_fails_its_job_and_not_the_worker(bench: Bench) -> None:
    worker = bench.start(retries=0)
    bench.accept("call-1", handler="leave")
    bench.accept("call-2", handler="renamed")
    until(lambda: len(bench.listed(failed=True)) == 2, "given up")
    errors = {job.handler: (job.error or "").splitlines()[-1] for job in bench.listed(failed=True)}
    assert errors == {"leave": "SystemExit: 3", "renamed": "there is no background handler renamed any more"}
    assert worker.process.poll() is None


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_worker_whose_session_is_cut_ends_and_the_next_one_does_what_it_had_in_hand(bench: Bench) -> None:
    (bench.folder / "hold").touch()
    worker = bench.start()
    bench.accept("call-1")
    until(lambda: bench.effects("begun"), "begun")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1"
    with bench.inbox.engine.begin() as connection:
        connection.execute(text(cut))
    assert worker.process.wait(30) == 1
    assert "worker lost the database" in (bench.folder / "log").read_text()

    (bench.folder / "hold").unlink()
    bench.start()
    until(lambda: [job.state for job in bench.listed()] == ["done"], "done")
    assert [each.call for each in bench.effects("booked")] == ["call-1"]


def test_a_job_whose_outcome_was_not_stored_is_begun_again_while_its_worker_lives(bench: Bench) -> None:
    worker = bench.start()
    bench.accept("call-1")
    until(lambda: [job.state for job in bench.listed()] == ["done"], "done")
    # As the disk leaves it that was full when the handler ended.
    schema = "" if bench.inbox.engine.dialect.name == "sqlite" else "dbos."
    with bench.inbox.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {schema}operation_outputs"))  # noqa: S608 - our own
        connection.execute(text(f"UPDATE {schema}workflow_status SET status = 'PENDING'"))  # noqa: S608 - our own
    until(lambda: len(bench.effects("booked")) == 2, "booked again")
    until(lambda: [job.state for job in bench.listed()] == ["done"], "done again")
    assert worker.process.poll() is None


def test_a_job_is_not_given_up_because_the_store_took_nothing_for_a_while(bench: Bench) -> None:
    refuse, accept = REFUSING[bench.inbox.engine.dialect.name]
    with bench.inbox.engine.begin() as connection:
        for statement in refuse:
            connection.execute(text(statement))
    bench.start()
    bench.accept("call-1")
    until(lambda: bench.effects("booked"), "booked")
    with bench.inbox.engine.begin() as connection:
        connection.execute(text(accept))
    until(lambda: {job.state for job in bench.listed()} == {"done"} and len(bench.effects("booked")) == 2, "done again")
    assert bench.listed(failed=True) == []
