"""Two receivers on one database: whichever an attempt reaches, the handler runs once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from flask.testing import FlaskClient

from receiver import handlers
from receiver.errors import HandlerRunning
from receiver.event import CallEvent, EventType
from tests.calls import FORM, POST_CALL, form
from tests.clock import Clock
from tests.unit.receiver.conftest import Pipeline, client
from tests.unit.receiver.store.conftest import Gate, Store, at_once

EACH = 6


@pytest.fixture
def pipelines(store: Store, clock: Clock) -> Iterator[list[Pipeline]]:
    with ExitStack() as stack:
        yield [Pipeline(store.open(), clock, stack.enter_context(ThreadPoolExecutor(4))) for _ in range(2)]


class Recorder:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    def __call__(self, event: CallEvent) -> str:
        self.events.append(event)
        return "noted"


def answer(pipeline: Pipeline, body: bytes) -> str:
    try:
        return pipeline.receive(body).answer
    except HandlerRunning:
        return "503"


def test_of_attempts_that_reach_both_at_once_one_runs_the_handler(pipelines: list[Pipeline], store: Store) -> None:
    handler = Recorder()
    for pipeline in pipelines:
        pipeline.router.any(handler)
    answers = at_once([partial(answer, pipeline, form(POST_CALL)) for pipeline in pipelines for _ in range(EACH)])
    assert len(handler.events) == 1
    assert '{"append": "noted"}' in answers
    assert set(answers) <= {'{"append": "noted"}', "503"}
    assert {pipeline.receive(form(POST_CALL)).answer for pipeline in pipelines} == {'{"append": "noted"}'}
    assert store.rows("SELECT state, attempts FROM deliveries") == [("handled", 2 * EACH + 2)]


def test_while_one_runs_the_handler_the_other_asks_to_come_again(pipelines: list[Pipeline], gate: Gate) -> None:
    first, second = pipelines

    @first.router.any
    def slow(event: CallEvent) -> str:
        gate()
        return f"slow {event.id}"

    second.router.any(lambda _: "must not run")
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(first.receive, form(POST_CALL))
        gate.wait_for()
        with pytest.raises(HandlerRunning, match="an earlier attempt's handler has not finished"):
            second.receive(form(POST_CALL))
        gate.open()
        assert running.result(20).answer == '{"append": "slow call-1"}'
    assert second.receive(form(POST_CALL)).answer == '{"append": "slow call-1"}'


def test_two_applications_on_one_database_run_the_handler_of_a_call_once(
    store: Store, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Recorder()
    monkeypatch.setitem(handlers.on._handlers, EventType.POST_CALL, handler)
    applications = [client({**environ, "DATABASE_URL": store.url}).application for _ in range(2)]

    def post(number: int) -> tuple[int, bytes]:
        flask: FlaskClient = applications[number % 2].test_client()
        response = flask.post("/webhook", data=form(POST_CALL), content_type=FORM)
        return response.status_code, response.data

    answers = at_once([partial(post, number) for number in range(2 * EACH)])
    assert len(handler.events) == 1
    assert {data for status, data in answers if status == 200} == {b'{"append": "noted"}'}
    assert {status for status, _ in answers} <= {200, 503}
    assert [post(number) for number in range(2)] == [(200, b'{"append": "noted"}')] * 2
