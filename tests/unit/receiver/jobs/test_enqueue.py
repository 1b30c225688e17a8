"""Jobs are stored with their delivery, in one transaction: both or neither, and once."""

from functools import partial

import pytest
from sqlalchemy import text

from receiver import build
from receiver.errors import ConfigurationError, Problem
from receiver.store import transactions
from receiver.store.inbox import Inbox
from tests.unit.receiver.jobs.conftest import Bench, delivery


def test_a_new_delivery_enqueues_a_job_for_each_handler_and_a_worker_is_waited_for(bench: Bench) -> None:
    enqueue = partial(bench.jobs.enqueue, handlers=["book", "leave"])
    stored = bench.inbox.accept(delivery("call-1"), settled="{}", enqueue=enqueue)
    assert stored.state == "handled"
    assert {(job.id, job.delivery, job.handler, job.attempt, job.state) for job in bench.listed()} == {
        ("1/book/1", 1, "book", 1, "waiting"),
        ("1/leave/1", 1, "leave", 1, "waiting"),
    }
    assert str(bench.overview()) == "no worker running, 2 waiting"


def test_another_attempt_of_a_delivery_enqueues_nothing_and_another_revision_does(bench: Bench) -> None:
    first, again = bench.accept("call-1"), bench.accept("call-1")
    assert (first.id, first.attempts, again.id, again.attempts) == (1, 1, 1, 2)
    assert [job.id for job in bench.listed()] == ["1/book/1"]
    revised = bench.accept("call-1", content="second")
    assert revised.revision == 2
    assert {job.id for job in bench.listed()} == {"1/book/1", f"{revised.id}/book/1"}


def test_a_transaction_that_is_rolled_back_leaves_neither_delivery_nor_job(bench: Bench) -> None:
    def accept_and_fail() -> None:
        with bench.inbox.engine.begin() as connection:
            enqueue = partial(bench.jobs.enqueue, handlers=["book"])
            transactions.accept(connection, delivery("call-1"), settled="{}", claim="c", enqueue=enqueue)
            raise LookupError("afterwards")

    with pytest.raises(LookupError, match="afterwards"):
        accept_and_fail()
    assert bench.inbox.recent("deliveries", 10) == []
    assert bench.listed() == []
    assert bench.accept("call-1").attempts == 1
    assert [job.state for job in bench.listed()] == ["waiting"]


def test_a_job_that_cannot_be_enqueued_refuses_its_delivery(bench: Bench) -> None:
    schema = "" if bench.inbox.engine.dialect.name == "sqlite" else "dbos."
    with bench.inbox.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {schema}workflow_input RENAME TO gone"))
    with pytest.raises(Exception, match="the database did not take it"):
        bench.accept("call-1")
    assert bench.inbox.recent("deliveries", 10) == []


def test_a_job_is_kept_as_json_and_knows_its_delivery_by_number(bench: Bench) -> None:
    bench.accept("call-1", content="the body stays in the inbox")
    schema = "" if bench.inbox.engine.dialect.name == "sqlite" else "dbos."
    with bench.inbox.reading() as connection:
        inputs = connection.execute(text(f"SELECT inputs FROM {schema}workflow_input")).scalars().all()  # noqa: S608 - our own words
    assert inputs == ['{"namedArgs":{},"positionalArgs":[1,"book",1,1]}']


def test_jobs_done_or_given_up_are_purged_and_those_that_wait_are_not(bench: Bench) -> None:
    bench.accept("call-1")
    bench.accept("call-2")
    bench.jobs.client.cancel_workflow("1/book/1")
    assert bench.jobs.purge(build.utc_now(), failed=False) == 0
    assert bench.jobs.purge(build.utc_now(), failed=True) == 1
    assert [job.id for job in bench.listed()] == ["2/book/1"]


def test_the_newest_jobs_come_first_as_many_as_asked_for(bench: Bench) -> None:
    for number in range(3):
        bench.accept(f"call-{number}")
    assert sorted(job.delivery for job in bench.listed()) == [1, 2, 3]
    assert len(bench.jobs.newest(2, failed=False)) == 2


def test_a_server_needs_to_be_migrated_first_and_a_file_does_not(url: str) -> None:
    build.migrate(url)
    inbox: Inbox = build.open_inbox(url)
    if inbox.engine.dialect.name == "sqlite":
        assert build.open_jobs(inbox).newest(1, failed=False) == []
        return
    with pytest.raises(ConfigurationError) as raised:
        build.open_jobs(inbox)
    assert raised.value.problems == (
        Problem(
            "DATABASE_URL",
            "the database has no tables for background handlers yet",
            "run `receiver migrate` once before the receivers start",
        ),
    )
