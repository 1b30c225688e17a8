"""Background jobs that were given up, on each database; none of it where there are no background handlers."""

import os
from pathlib import Path

import pytest

from tests.calls import POST_CALL, form
from tests.unit.receiver.inspector.conftest import PASSWORD, Visitor, application
from tests.unit.receiver.jobs.conftest import Bench, bench, url

__all__ = ["bench", "url"]

REPLAY = "/inspect/jobs/replay"


@pytest.fixture
def at_jobs(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    monkeypatch.setitem(os.environ, "EFFECTS", str(tmp_path))
    environ = {
        "DATABASE_URL": bench.url,
        "KAISA_ACCEPT_UNSIGNED": "true",
        "KAISA_HANDLERS": "tests.unit.receiver.jobs.handlers",
        "KAISA_INSPECT_PASSWORD": PASSWORD,
    }
    visitor = Visitor(application(environ))
    assert visitor.log_in().status == 303
    return visitor


def test_jobs_that_failed_are_listed_and_begin_again_when_asked(at_jobs: Visitor, bench: Bench) -> None:
    assert at_jobs.hook(form(POST_CALL)) == 200
    page = at_jobs.get("/inspect/jobs")
    assert "no worker running, 1 waiting" in page.text
    assert "without a worker no job is done" in page.text
    assert "None. A job that failed for good appears here" in page.text
    assert "Background: no worker running, 1 waiting" in at_jobs.get("/inspect").text
    assert "In the background: book." in at_jobs.get("/inspect/deliveries/1").text

    bench.jobs.client.cancel_workflow("1/book/1")
    page = at_jobs.get("/inspect/jobs")
    assert "book of delivery 1 given up" in page.text
    assert "/inspect/deliveries/1" in page.links
    after = at_jobs.follow(at_jobs.submit(page, REPLAY))
    assert "good book of delivery 1 begins again, with all its retries." in after.text
    assert [(job.id, job.state) for job in bench.listed()] == [("1/book/2", "waiting")]
    assert at_jobs.submit(page, REPLAY).status == 404  # it is not failed any more


def test_a_job_that_was_not_given_up_is_not_begun_again(at_jobs: Visitor, bench: Bench) -> None:
    at_jobs.hook(form(POST_CALL))
    token = at_jobs.get("/inspect").form("/inspect/logout")
    for job in ("1/book/1", "7/book/1", "' OR 1=1", ""):
        assert at_jobs.post(REPLAY, {**token, "job": job}).status == 404
    assert [(job.id, job.state) for job in bench.listed()] == [("1/book/1", "waiting")]


def test_without_background_handlers_there_is_no_such_page(visitor: Visitor) -> None:
    assert visitor.get("/inspect/jobs").status == 404
    assert "/inspect/jobs" not in visitor.get("/inspect").links
    token = visitor.get("/inspect").form("/inspect/logout")
    assert visitor.post(REPLAY, {**token, "job": "1/book/1"}).status == 404
