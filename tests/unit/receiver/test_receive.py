"""The pipeline without Flask: what is answered, what is stored, how often handlers run."""

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from receiver.errors import HandlerFailed, HandlerRunning, InvalidFields, Refusal, StoreUnavailable
from receiver.event import CallEvent
from receiver.router import Router
from receiver.signature import TrustedKey
from receiver.store.transactions import LEASE
from tests.calls import FORM, JSON, POST_CALL, PRE_CALL, SMS, form, json_text, signed_form, signed_json
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline, change, drop, rows

HALF_AN_HOUR = timedelta(minutes=30)


class Recorder:
    """A handler that remembers what it was given, and does what it is told."""

    def __init__(self, answer: str | None = "noted") -> None:
        self.events: list[CallEvent] = []
        self.answer = answer
        self.error: Exception | None = None

    def __call__(self, event: CallEvent) -> str | None:
        self.events.append(event)
        if self.error:
            raise self.error
        return self.answer


@pytest.fixture
def handler(pipeline: Pipeline) -> Recorder:
    """Handles every event."""
    recorder = Recorder()
    pipeline.router.any(recorder)
    return recorder


def test_a_post_call_answered_once_is_not_handled_again(pipeline: Pipeline, handler: Recorder) -> None:
    first = pipeline.receive(form(POST_CALL))
    handler.answer = "another answer"
    pipeline.clock.advance(HALF_AN_HOUR)
    second = pipeline.receive(form(POST_CALL))
    assert first.answer == second.answer == '{"append": "noted"}'
    assert (first.duplicate, second.duplicate) == (False, True)
    assert len(handler.events) == 1


def test_a_handler_gets_the_typed_event_with_its_key_and_every_wire_value(
    pipeline: Pipeline, handler: Recorder
) -> None:
    pipeline.receive(form({**POST_CALL, "new": "unknown"}))
    (event,) = handler.events
    assert (event.id, event.duration, event.answered, event.revision) == ("call-1", 42, True, 1)
    assert event.wire == {**POST_CALL, "new": "unknown"}
    assert event.key == "event:" + hashlib.sha256(b'["call-1", 0]').hexdigest()


def test_the_same_event_with_other_content_is_a_new_revision_that_the_handler_is_told_of(
    pipeline: Pipeline, handler: Recorder
) -> None:
    pipeline.receive(form(POST_CALL))
    handler.answer = "revised"
    assert pipeline.receive(form({**POST_CALL, "details": "late"})).answer == '{"append": "revised"}'
    assert [(event.revision, event.details) for event in handler.events] == [(1, None), (2, "late")]
    assert handler.events[0].key == handler.events[1].key
    assert pipeline.receive(form(POST_CALL)).answer == '{"append": "noted"}', "the first revision's answer is kept"
    assert len(handler.events) == 2


def test_events_of_one_call_are_never_mistaken_for_each_other(pipeline: Pipeline, handler: Recorder) -> None:
    for values in (PRE_CALL, POST_CALL, SMS):
        assert pipeline.receive(form(values)).stored.revision == 1
    assert len({event.key for event in handler.events}) == 3


def test_the_same_payload_signed_again_is_the_same_delivery(
    pipeline: Pipeline, handler: Recorder, trusted: tuple[TrustedKey, ...], key_pair: KeyPair
) -> None:
    pipeline.keys = trusted
    body = signed_form(POST_CALL, key_pair)
    for again in (body, body + b"&unsigned=neighbour"):
        receipt = pipeline.receive(again)
        assert receipt.signed_by == trusted[0]
    assert receipt.duplicate
    assert len(handler.events) == 1
    assert pipeline.inbox.recent("deliveries", 1)[0]["signed_by"] == trusted[0].fingerprint


def test_signed_json_is_accepted(
    pipeline: Pipeline, handler: Recorder, trusted: tuple[TrustedKey, ...], key_pair: KeyPair
) -> None:
    pipeline.keys = trusted
    assert pipeline.receive(signed_json(POST_CALL, key_pair), JSON).answer == '{"append": "noted"}'
    assert handler.events[0].wire == POST_CALL


@pytest.mark.parametrize(
    "macro", ["caller={from_nr}&type={event_type}", "caller={from_nr}&id={id}", "caller={from_nr}"]
)
def test_without_id_or_event_type_the_payload_alone_is_the_key(
    pipeline: Pipeline, handler: Recorder, macro: str
) -> None:
    pipeline.macro = macro
    bodies = [b"caller=1&type=0&id=7", b"caller=1&type=2&id=7", b"caller=1&type=0&id=7"]
    receipts = [pipeline.receive(body) for body in bodies]
    assert [receipt.duplicate for receipt in receipts] == [False, False, True]
    assert [event.key for event in handler.events] == [
        f"payload:{hashlib.sha256(body).hexdigest()}" for body in bodies[:2]
    ]
    assert [event.revision for event in handler.events] == [1, 1]


def test_an_empty_id_is_no_id(pipeline: Pipeline, handler: Recorder) -> None:
    body = form({**POST_CALL, "id": ""})
    pipeline.receive(body)
    assert handler.events[0].key == f"payload:{hashlib.sha256(body).hexdigest()}"


def test_an_event_without_a_handler_is_stored_and_answered(pipeline: Pipeline, database: Path) -> None:
    recorder = Recorder()
    pipeline.router.post_call(recorder)
    assert pipeline.receive(form(SMS)).answer == "{}"
    assert recorder.events == []
    assert rows(database, "SELECT state, answer FROM deliveries") == [("handled", "{}")]


def test_the_handler_for_any_gets_an_event_without_a_type(pipeline: Pipeline) -> None:
    pipeline.macro = "caller={from_nr}"
    typed, untyped = Recorder(), Recorder(None)
    pipeline.router.post_call(typed)
    pipeline.router.any(untyped)
    assert pipeline.receive(b"caller=%2B46701234567").answer == "{}"
    assert (len(typed.events), len(untyped.events)) == (0, 1)
    assert untyped.events[0].event_type is None


def test_a_failed_handler_is_run_again_by_the_next_attempt(
    pipeline: Pipeline, handler: Recorder, database: Path
) -> None:
    handler.error = ValueError("their server is down")
    with pytest.raises(HandlerFailed):
        pipeline.receive(form(POST_CALL))
    ((state, error),) = rows(database, "SELECT state, error FROM deliveries")
    assert state == "failed"
    assert error.endswith("ValueError: their server is down\n")
    handler.error = None
    pipeline.clock.advance(HALF_AN_HOUR)
    assert pipeline.receive(form(POST_CALL)).answer == '{"append": "noted"}'
    assert len(handler.events) == 2
    assert rows(database, "SELECT state, error, attempts FROM deliveries") == [("handled", None, 2)]


def test_a_failed_delivery_is_accepted_once_its_handler_is_taken_away(pipeline: Pipeline, handler: Recorder) -> None:
    handler.error = ValueError("no")
    with pytest.raises(HandlerFailed):
        pipeline.receive(form(POST_CALL))
    pipeline.router = Router()
    assert pipeline.receive(form(POST_CALL)).answer == "{}"


def test_over_budget_is_503_until_the_stored_answer_is_there(pipeline: Pipeline) -> None:
    release, runs = threading.Event(), []

    @pipeline.router.post_call
    def slow(event: CallEvent) -> str:
        runs.append(event.id)
        assert release.wait(timeout=20)
        return "late"

    pipeline.budget = timedelta(milliseconds=1)
    try:
        for detail in (
            "the handler is not done after 0.001 s; it runs on",
            "an earlier attempt's handler has not finished",
        ):
            with pytest.raises(HandlerRunning) as refused:
                pipeline.receive(form(POST_CALL))
            assert (refused.value.status, refused.value.detail) == (503, detail)
    finally:
        release.set()
    pipeline.executor.shutdown(wait=True)
    assert pipeline.receive(form(POST_CALL)).answer == '{"append": "late"}'
    assert runs == ["call-1"]


def test_attempts_at_once_run_the_handler_once(pipeline: Pipeline, handler: Recorder) -> None:
    together, count = threading.Barrier(6), 6

    def attempt(_: int) -> str:
        together.wait(timeout=20)
        try:
            return pipeline.receive(form(POST_CALL)).answer
        except HandlerRunning:
            return "503"

    with ThreadPoolExecutor(count) as callers:
        answers = set(callers.map(attempt, range(count)))
    assert '{"append": "noted"}' in answers
    assert answers <= {'{"append": "noted"}', "503"}
    assert len(handler.events) == 1


def test_a_handler_that_a_crash_cut_off_is_run_again_by_the_attempt_half_an_hour_later(
    pipeline: Pipeline, handler: Recorder, database: Path
) -> None:
    pipeline.receive(form(POST_CALL))
    lease_until = f"{pipeline.clock() + LEASE:%Y-%m-%d %H:%M:%S.%f}"
    change(database, f"UPDATE deliveries SET state = 'handling', answer = NULL, lease_until = '{lease_until}'")  # noqa: S608 - our own clock
    with pytest.raises(HandlerRunning):
        pipeline.receive(form(POST_CALL))
    pipeline.clock.advance(HALF_AN_HOUR)
    assert pipeline.receive(form(POST_CALL)).answer == '{"append": "noted"}'
    assert len(handler.events) == 2
    assert rows(database, "SELECT count(*) FROM deliveries") == [(1,)]


def test_a_long_answer_is_cut_and_the_log_warns_of_it(pipeline: Pipeline, handler: Recorder) -> None:
    handler.answer = "x" * 39 + "e\u0301"
    with structlog.testing.capture_logs() as logged:
        receipt = pipeline.receive(form(POST_CALL))
    assert json.loads(receipt.answer) == {"append": "x" * 39}
    assert logged == [{"event": "append cut", "log_level": "warning", "delivery": 1, "kept": 39, "limit": 40}]


def test_names_that_are_missing_and_names_nobody_knows_are_reported(pipeline: Pipeline) -> None:
    pipeline.macro = "call={id}&type={event_type}&src=kaisa"
    receipt = pipeline.receive(b"call=1&extra=2&src=kaisa")
    assert (receipt.missing, receipt.unexpected) == (("type",), ("extra",))
    assert receipt.event.id == "1"


def test_values_that_do_not_fit_the_macro_are_all_named(pipeline: Pipeline) -> None:
    pipeline.macro = "call=c-{id}&type=t-{event_type}&x={url}"
    with pytest.raises(InvalidFields) as refused:
        pipeline.receive(b"call=1&type=0&x=2")
    assert refused.value.code == "macro-mismatch"
    assert [problem.where for problem in refused.value.problems] == ["call", "type"]


def test_a_body_with_none_of_the_macros_names_is_not_taken_for_a_call(pipeline: Pipeline) -> None:
    with pytest.raises(InvalidFields) as refused:
        pipeline.receive(b"utm_source=x")
    assert (refused.value.code, refused.value.detail) == (
        "macro-mismatch",
        "not one name of KAISA_MACRO is in the body",
    )


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"id=%E9", FORM, 400),
        (form(POST_CALL), FORM, 401),
        (form({"payload": "id=1", "sign": "AAAA"}), FORM, 403),
        (form(POST_CALL), "text/plain", 415),
    ],
)
def test_a_refused_request_is_not_stored_as_a_delivery_nor_handled(
    pipeline: Pipeline, handler: Recorder, trusted: tuple[TrustedKey, ...], body: bytes, content_type: str, status: int
) -> None:
    pipeline.keys = trusted
    with pytest.raises(Refusal) as refused:
        pipeline.receive(body, content_type)
    assert refused.value.status == status
    assert pipeline.inbox.recent("deliveries", 10) == []
    assert handler.events == []


def test_a_key_counts_by_the_time_of_arrival(
    pipeline: Pipeline, key_pair: KeyPair, trusted: tuple[TrustedKey, ...]
) -> None:
    key = trusted[0]
    expiring = TrustedKey(key.name, key.fingerprint, key.public_key, not_after=pipeline.clock())
    pipeline.keys = (expiring,)
    body = signed_form(POST_CALL, key_pair)
    assert pipeline.receive(body).signed_by == expiring
    pipeline.clock.advance(timedelta(seconds=1))
    with pytest.raises(Refusal, match="no trusted key matches"):
        pipeline.receive(body)


def test_a_store_that_fails_is_never_answered_200(pipeline: Pipeline, handler: Recorder, database: Path) -> None:
    drop(database, "deliveries")
    with pytest.raises(StoreUnavailable) as refused:
        pipeline.receive(form(POST_CALL))
    assert refused.value.status == 503
    assert handler.events == []


HOSTILE = "\"'\r\n&=+%25\0\ud800 \U0001f600 \u202eשלח"


@pytest.mark.parametrize(("encode", "content_type"), [(form, FORM), (json_text, JSON)])
def test_hostile_text_reaches_the_handler_as_it_was_sent(
    pipeline: Pipeline, handler: Recorder, encode: Callable[[dict[str, str]], bytes], content_type: str
) -> None:
    body = encode({**POST_CALL, "id": HOSTILE, "details": HOSTILE, "from_nr": HOSTILE})
    pipeline.receive(body, content_type)
    (event,) = handler.events
    assert (event.id, event.details, event.from_nr) == (HOSTILE, HOSTILE, HOSTILE)
    assert pipeline.receive(body, content_type).duplicate
