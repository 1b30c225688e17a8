"""Handlers and their budget: what is stored whether or not a request still waits for it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
import structlog

from receiver.answer import EMPTY, Answer
from receiver.errors import HandlerFailed, HandlerRunning, StoreUnavailable
from receiver.event import CallEvent
from receiver.handling import Handling
from receiver.store.inbox import Inbox
from tests.clock import NOON, Clock
from tests.unit.receiver.conftest import PATIENCE, drop, rows
from tests.unit.receiver.samples import claim_of, delivery

P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


Claimed = tuple[int, str]


@pytest.fixture
def claimed(inbox: Inbox) -> Claimed:
    """A delivery whose handler is to run, and the claim to run it."""
    stored = inbox.accept(delivery())
    return stored.id, claim_of(stored)


def stored(inbox: Inbox) -> dict[str, Any]:
    (row,) = inbox.recent("deliveries", 10)
    return row


def test_a_handler_is_given_the_event_and_its_answer_is_stored(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed
) -> None:
    seen: list[CallEvent] = []

    def handler(event: CallEvent) -> str:
        seen.append(event)
        clock.advance(timedelta(seconds=3))
        return "noted"

    event = CallEvent(id="call-1")
    assert Handling(inbox, executor, budget=PATIENCE, clock=clock).run(handler, *claimed, event) == Answer("noted")
    assert seen == [event]
    row = stored(inbox)
    assert (row["state"], row["answer"], row["handled_at"]) == (
        "handled",
        '{"append": "noted"}',
        NOON + timedelta(seconds=3),
    )


def test_an_answer_that_was_cut_is_stored_cut(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed
) -> None:
    handling = Handling(inbox, executor, budget=PATIENCE, clock=clock)
    assert handling.run(lambda _: "x" * 41, *claimed, CallEvent()) == Answer("x" * 40, cut=True)
    assert stored(inbox)["answer"] == '{"append": "' + "x" * 40 + '"}'


def test_a_handler_over_budget_runs_on_and_its_answer_is_stored(inbox: Inbox, clock: Clock, claimed: Claimed) -> None:
    release = threading.Event()

    def slow(_: CallEvent) -> str:
        assert release.wait(timeout=20)
        return "late"

    with ThreadPoolExecutor(1) as executor:
        handling = Handling(inbox, executor, budget=timedelta(milliseconds=1), clock=clock)
        try:
            with pytest.raises(HandlerRunning) as refused:
                handling.run(slow, *claimed, CallEvent())
            assert stored(inbox)["state"] == "handling"
        finally:
            release.set()
    assert refused.value.detail == "the handler is not done after 0.001 s; it runs on"
    assert (stored(inbox)["state"], stored(inbox)["answer"]) == ("handled", '{"append": "late"}')


class JustTooLate(ThreadPoolExecutor):
    """Work that is done in the moment between the end of the budget and the look at it."""

    def submit(self, work: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> Future[T]:
        future: Future[T] = super().submit(work, *arguments, **named)
        result = future.result

        def late(timeout: float | None = None) -> T:
            outcome = result()
            if timeout is not None:
                raise TimeoutError
            return outcome

        future.result = late  # type: ignore[method-assign]  # the moment cannot be met otherwise
        return future


def test_a_handler_that_ends_as_its_budget_does_is_answered(inbox: Inbox, clock: Clock, claimed: Claimed) -> None:
    with JustTooLate(1) as executor:
        handling = Handling(inbox, executor, budget=PATIENCE, clock=clock)
        assert handling.run(lambda _: None, *claimed, CallEvent()) == EMPTY
    assert stored(inbox)["state"] == "handled"


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("their server"), SystemExit(3), RecursionError()])
def test_a_handler_that_raises_is_failed_with_its_traceback_stored(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed, error: BaseException
) -> None:
    def broken(_: CallEvent) -> str:
        raise error

    with pytest.raises(HandlerFailed) as refused:
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(broken, *claimed, CallEvent())
    name = type(error).__name__
    assert (refused.value.status, refused.value.detail) == (500, f"the handler raised {name}")
    row = stored(inbox)
    assert row["state"] == "failed"
    assert "in broken" in row["error"]
    assert row["error"].splitlines()[-1] == (f"{name}: {error}" if str(error) else name)


def test_the_text_of_a_handlers_error_is_not_told_to_the_caller(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed
) -> None:
    def broken(_: CallEvent) -> str:
        raise ValueError("password: hunter2")

    with pytest.raises(HandlerFailed) as refused:
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(broken, *claimed, CallEvent())
    assert "hunter2" not in str(refused.value.document())


@pytest.mark.parametrize(
    ("error", "words"), [(ValueError("their server"), "ValueError: their server"), (SystemExit(3), "SystemExit: 3")]
)
def test_the_log_warns_of_a_handler_that_raised(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed, error: BaseException, words: str
) -> None:
    def broken(_: CallEvent) -> str:
        raise error

    with structlog.testing.capture_logs() as logged, pytest.raises(HandlerFailed):
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(broken, *claimed, CallEvent())
    assert logged == [{"event": "handler failed", "log_level": "warning", "delivery": claimed[0], "error": words}]


def test_a_handler_that_returns_a_number_is_failed(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed
) -> None:
    def counting(_: CallEvent) -> Any:
        return 7

    with pytest.raises(HandlerFailed, match=r"^the handler raised TypeError$"):
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(counting, *claimed, CallEvent())
    assert stored(inbox)["error"].endswith(
        "TypeError: the handler returned int; return text of at most 40 characters, or None\n"
    )


@pytest.mark.parametrize("fails", [True, False])
def test_an_outcome_that_cannot_be_stored_is_not_acknowledged(
    inbox: Inbox, database: Path, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed, *, fails: bool
) -> None:
    def handler(_: CallEvent) -> str:
        drop(database, "deliveries")
        if fails:
            raise ValueError("no")
        return "done"

    with pytest.raises(StoreUnavailable):
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(handler, *claimed, CallEvent())


def test_a_handler_whose_budget_ends_before_it_began_runs_exactly_once_over_the_next_attempts(
    inbox: Inbox, clock: Clock, claimed: Claimed
) -> None:
    release = threading.Event()
    runs: list[CallEvent] = []
    with ThreadPoolExecutor(1) as executor:
        busy = executor.submit(release.wait, 20)
        short = Handling(inbox, executor, budget=timedelta(milliseconds=1), clock=clock)
        try:
            for _ in range(3):
                with pytest.raises(HandlerRunning) as refused:
                    short.run(runs.append, *claimed, CallEvent())
                assert refused.value.detail == "other handlers kept every thread busy for 0.001 s"
                row = stored(inbox)
                assert (row["state"], row["claim"], row["lease_until"]) == ("received", None, None)
                # Half an hour before the next attempt, or at once: there is no lease to wait for.
                again = inbox.accept(delivery())
                claimed = again.id, claim_of(again)
        finally:
            release.set()
        assert busy.result(20)
        patient = Handling(inbox, executor, budget=PATIENCE, clock=clock)
        assert patient.run(runs.append, *claimed, CallEvent(id="last")) == EMPTY
    assert [event.id for event in runs] == ["last"]
    assert (stored(inbox)["state"], stored(inbox)["attempts"]) == ("handled", 4)


class StateWhenLogged:
    """A log that notes, for each line, what the store said of the delivery at that moment."""

    def __init__(self, database: Path) -> None:
        self.lines: list[tuple[str, str]] = []
        self._database = database

    def warning(self, line: str, **_: object) -> None:
        ((state,),) = rows(self._database, "SELECT state FROM deliveries")
        self.lines.append((line, state))


@pytest.mark.parametrize(
    ("returned", "line"), [("x" * 41, ("append cut", "handled")), (7, ("handler failed", "failed"))]
)
def test_the_log_tells_of_an_outcome_once_it_is_stored(
    inbox: Inbox,
    database: Path,
    executor: ThreadPoolExecutor,
    clock: Clock,
    claimed: Claimed,
    monkeypatch: pytest.MonkeyPatch,
    returned: Any,
    line: tuple[str, str],
) -> None:
    log = StateWhenLogged(database)
    monkeypatch.setattr("receiver.handling.log", log)
    with suppress(HandlerFailed):
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(lambda _: returned, *claimed, CallEvent())
    assert log.lines == [line]


@pytest.mark.parametrize("returned", ["x" * 41, 7])
def test_the_log_does_not_tell_of_an_outcome_that_was_not_stored(
    inbox: Inbox, database: Path, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed, returned: Any
) -> None:
    drop(database, "deliveries")
    handling = Handling(inbox, executor, budget=PATIENCE, clock=clock)
    with structlog.testing.capture_logs() as logged, pytest.raises(StoreUnavailable):
        handling.run(lambda _: returned, *claimed, CallEvent())
    assert logged == []


def test_an_outcome_that_cannot_be_stored_after_the_budget_is_told_in_the_log(
    inbox: Inbox, database: Path, clock: Clock, claimed: Claimed
) -> None:
    release = threading.Event()
    with structlog.testing.capture_logs() as logged:
        with ThreadPoolExecutor(1) as executor:
            handling = Handling(inbox, executor, budget=timedelta(milliseconds=1), clock=clock)
            with pytest.raises(HandlerRunning):
                handling.run(lambda _: None if release.wait(20) else "", *claimed, CallEvent())
            drop(database, "deliveries")
            release.set()
        assert logged == [
            {
                "event": "outcome not stored",
                "log_level": "warning",
                "delivery": 1,
                "cause": "no such table: deliveries",
            }
        ]


def test_a_run_whose_claim_has_gone_to_another_stores_nothing(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: Claimed
) -> None:
    inbox.release(*claimed)
    other = inbox.accept(delivery())
    Handling(inbox, executor, budget=PATIENCE, clock=clock).run(lambda _: "late", *claimed, CallEvent())
    row = stored(inbox)
    assert (row["state"], row["claim"], row["answer"]) == ("handling", other.claim, None)


@pytest.mark.parametrize("raised", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_a_handler_raises_fails_the_handler_and_not_the_server(
    inbox: Inbox,
    executor: ThreadPoolExecutor,
    clock: Clock,
    claimed: tuple[int, str],
    raised: type[BaseException],
) -> None:
    def handler(_: CallEvent) -> str:
        raise raised

    with pytest.raises(HandlerFailed) as failed:
        Handling(inbox, executor, budget=PATIENCE, clock=clock).run(handler, *claimed, CallEvent())
    assert failed.value.detail == f"the handler raised {raised.__name__}"
    assert stored(inbox)["state"] == "failed"


def test_the_budget_counts_from_when_the_request_came(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: tuple[int, str]
) -> None:
    begun: list[CallEvent] = []

    def handler(event: CallEvent) -> None:
        begun.append(event)

    came = clock()
    clock.advance(PATIENCE)
    handling = Handling(inbox, executor, budget=PATIENCE, clock=clock)
    with pytest.raises(HandlerRunning) as running:
        handling.run(handler, *claimed, CallEvent(), since=came)
    assert running.value.detail == "storing the delivery took the handler's whole budget; it has not begun"
    assert begun == []
    assert stored(inbox)["state"] == "received"
    assert inbox.accept(delivery()).claim is not None


def test_a_clock_set_back_gives_no_more_than_the_budget(
    inbox: Inbox, executor: ThreadPoolExecutor, clock: Clock, claimed: tuple[int, str]
) -> None:
    later = clock() + timedelta(hours=1)
    handling = Handling(inbox, executor, budget=PATIENCE, clock=clock)
    assert handling.run(lambda _: None, *claimed, CallEvent(), since=later) == EMPTY
