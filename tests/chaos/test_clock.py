"""The clock is set back an hour, or forward: nothing is lost and nothing done twice, and then it is over.

The clock is given to the receiver, not the machine's: so the jump is exact and everything about it is asserted.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from receiver import build
from receiver.errors import HandlerRunning, SignatureWrong
from receiver.event import CallEvent
from receiver.metrics import Metrics
from receiver.receive import Receipt
from receiver.signature import TrustedKey
from receiver.store import retention
from receiver.store.inbox import Inbox
from receiver.store.records import State
from tests.calls import FORM, POST_CALL, form, signed_form
from tests.clock import NOON, Clock
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline
from tests.unit.receiver.inspector.conftest import PASSWORD, Visitor, application
from tests.unit.receiver.samples import claim_of, delivery

HOUR = timedelta(hours=1)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    inbox = build.open_inbox(f"sqlite:///{tmp_path / 'inbox.sqlite3'}", connections=4)
    yield inbox
    inbox.close()


@pytest.fixture
def runs() -> list[int]:
    """The revisions that the handler was run for."""
    return []


@pytest.fixture
def pipeline(inbox: Inbox, clock: Clock, runs: list[int]) -> Iterator[Pipeline]:
    with ThreadPoolExecutor(2) as executor:
        pipeline = Pipeline(inbox, clock, executor)

        @pipeline.router.post_call
        def call_ended(event: CallEvent) -> str:
            runs.append(event.revision)
            return "handled"

        yield pipeline


def handled(receipt: Receipt) -> bool:
    return bool(json.loads(receipt.answer) == {"append": "handled"})


@pytest.mark.parametrize("jump", [-HOUR, HOUR, timedelta(days=-30)], ids=["back", "forward", "a month back"])
def test_a_duplicate_stays_one_and_its_handler_does_not_run_again(
    jump: timedelta, pipeline: Pipeline, clock: Clock, runs: list[int]
) -> None:
    assert not pipeline.receive(form(POST_CALL)).duplicate
    clock.advance(jump)
    again = pipeline.receive(form(POST_CALL))
    assert (again.duplicate, handled(again)) == (True, True)
    assert runs == [1]


def test_what_a_killed_process_left_is_taken_over_an_hour_later_and_not_lost(
    pipeline: Pipeline, inbox: Inbox, clock: Clock, runs: list[int]
) -> None:
    pipeline.receive(form({**POST_CALL, "id": "other"}))
    _abandon(pipeline, inbox, clock)
    clock.advance(-HOUR)
    answers = []
    for _ in range(4):  # Kaisa's next attempts
        clock.advance(HALF_HOUR)
        try:
            answers.append(handled(pipeline.receive(form(POST_CALL))))
        except HandlerRunning:
            answers.append(False)
    # The lease ends 20 minutes after noon by the clock, whose next attempt is the one at half past.
    assert answers == [False, False, True, True]
    assert runs == [1, 1]


def _abandon(pipeline: Pipeline, inbox: Inbox, clock: Clock) -> None:
    """A process claims the handler of the call, and is killed."""
    handler = pipeline.router._handlers
    pipeline.router._handlers = {}
    try:
        stored = pipeline.receive(form(POST_CALL)).stored
    finally:
        pipeline.router._handlers = handler
    lease = clock() + timedelta(minutes=20)
    with inbox.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET state = 'handling', answer = NULL, claim = 'x', lease_until = ? WHERE id = ?",
            (f"{lease:%Y-%m-%d %H:%M:%S.%f}", stored.id),
        )


def test_a_run_that_goes_on_while_the_clock_jumps_ahead_stores_its_outcome_unless_it_was_taken_over(
    inbox: Inbox,
) -> None:
    first = inbox.accept(delivery(at=NOON))
    assert inbox.finish(first.id, claim_of(first), "{}", NOON + HOUR)
    early = inbox.accept(delivery("two", key="event:2", at=NOON))
    later = inbox.accept(delivery("two", key="event:2", at=NOON + HOUR))
    assert later.claim is not None
    assert not inbox.finish(early.id, claim_of(early), '{"append": "early"}', NOON + HOUR)
    assert inbox.finish(later.id, later.claim, '{"append": "later"}', NOON + HOUR)
    (row,) = [row for row in inbox.recent("deliveries", 9) if row["key"] == "event:2"]
    assert (row["state"], row["answer"]) == (State.HANDLED, '{"append": "later"}')


def test_a_certificate_that_is_not_valid_yet_by_the_clock_is_refused_until_the_clock_is_right(
    pipeline: Pipeline, clock: Clock, trusted_from_noon: TrustedKey, key_pair: KeyPair, runs: list[int]
) -> None:
    pipeline.keys = (trusted_from_noon,)
    clock.advance(-HOUR)
    with pytest.raises(SignatureWrong) as refused:
        pipeline.receive(signed_form(POST_CALL, key_pair))
    assert "outside its validity" in str(refused.value.evidence)
    clock.advance(HOUR)
    assert handled(pipeline.receive(signed_form(POST_CALL, key_pair)))
    assert runs == [1]


@pytest.fixture
def trusted_from_noon(key_pair: KeyPair) -> TrustedKey:
    from receiver import signature

    (key,) = signature.read_pem("kaisa", key_pair.public.read_bytes())
    return key.limited(NOON, NOON + timedelta(days=365))


def test_keys_outlive_kaisas_seven_days_though_the_clock_was_an_hour_wrong(inbox: Inbox) -> None:
    stored = inbox.accept(delivery(at=NOON), settled="{}")
    inbox.accept(delivery(at=NOON - HOUR), settled="{}")  # the last attempt, by a clock that was set back
    last_attempt = NOON + timedelta(days=7)
    for now in (last_attempt, last_attempt + HOUR):
        assert retention.expired(inbox, now, now, forget_keys=True).keys == []
    assert inbox.accept(delivery(at=last_attempt), settled="{}").id == stored.id


def test_nothing_is_younger_than_nothing_in_the_figures(inbox: Inbox) -> None:
    inbox.accept(delivery(at=NOON))
    page = Metrics(inbox).page(NOON - HOUR).decode()
    assert 'kaisa_unhandled_age_seconds{state="handling"} 0.0' in page


def test_a_session_of_the_inspector_is_never_longer_than_it_should_be(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now = build.utc_now()
    monkeypatch.setattr("receiver.build.utc_now", clock)
    monkeypatch.setattr("time.time", lambda: clock.now.timestamp())
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'inbox.sqlite3'}", "KAISA_ACCEPT_UNSIGNED": "true"}
    visitor = Visitor(application({**settings, "KAISA_INSPECT_PASSWORD": PASSWORD}))
    assert visitor.log_in().status == 303
    assert visitor.get("/inspect").status == 200
    clock.advance(-HOUR)
    assert visitor.get("/inspect").status in (200, 303)  # shown, or asked for the password: no error
    assert visitor.hook(form(POST_CALL), FORM) == 200
    clock.advance(timedelta(hours=13))
    assert visitor.get("/inspect").status == 303
