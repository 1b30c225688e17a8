"""What is done from a page: a handler once more, a refusal deleted."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver import handlers
from receiver.event import CallEvent, EventType
from receiver.inspector import actions
from tests.calls import POST_CALL, form
from tests.unit.receiver.conftest import change, rows
from tests.unit.receiver.inspector.conftest import Page, Visitor
from tests.unit.receiver.store.conftest import Gate, gate

__all__ = ["gate"]

DELIVERY = "/inspect/deliveries/1"
REPLAY = f"{DELIVERY}/replay"


class Handler:
    """Does what the test says next."""

    def __init__(self) -> None:
        self.does: Callable[[CallEvent], str | None] = lambda _: "the first time"
        self.ran = 0

    def __call__(self, event: CallEvent) -> str | None:
        self.ran += 1
        return self.does(event)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Handler:
    handler = Handler()
    monkeypatch.setitem(handlers.on._handlers, EventType.POST_CALL, handler)
    return handler


@pytest.fixture
def delivered(visitor: Visitor, handler: Handler) -> Visitor:
    """A visitor of a receiver with one delivery."""
    assert visitor.hook(form(POST_CALL)) == 200
    assert handler.ran == 1
    return visitor


def replay(visitor: Visitor) -> Page:
    """The page after it."""
    return visitor.follow(visitor.submit(visitor.get(DELIVERY), REPLAY))


def raises(event: CallEvent) -> str:
    raise ValueError(f"no {event.id}")


def test_a_replay_runs_the_handler_once_more_and_stores_its_answer(delivered: Visitor, handler: Handler) -> None:
    handler.does = lambda event: f"again {event.id}"
    page = replay(delivered)
    assert 'good Replay of delivery 1: answered {"append": "again call-1"}' in page.text
    assert handler.ran == 2
    assert "Replay of delivery 1" not in delivered.get(DELIVERY).text  # told once
    assert delivered.hook(form(POST_CALL)) == 200
    assert handler.ran == 2


def test_a_replay_that_fails_says_so_and_shows_the_traceback(delivered: Visitor, handler: Handler) -> None:
    handler.does = raises
    page = replay(delivered)
    assert "bad Replay of delivery 1: failed: the handler raised ValueError" in page.text
    assert "ValueError: no call-1" in page.text


def test_a_handler_that_takes_long_runs_on_while_the_page_goes_on(
    delivered: Visitor, handler: Handler, gate: Gate, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    monkeypatch.setattr(actions, "_PATIENCE", 0.05)

    def wait(event: CallEvent) -> str:
        gate()
        return f"late {event.id}"

    handler.does = wait
    page = replay(delivered)
    gate.wait_for()
    assert "the handler runs on; this page shows how it ends" in page.text
    assert "handling" in delivered.get(DELIVERY).text
    assert "It would not be replayed: its handler is running" in delivered.get(DELIVERY).text
    assert rows(database, "SELECT state FROM deliveries") == [("handling",)]
    gate.open()
    for _ in range(1_000):
        if rows(database, "SELECT state FROM deliveries") == [("handled",)]:
            break
        threading.Event().wait(0.01)
    assert "late call-1" in delivered.get(DELIVERY).text


def test_slow_replays_take_no_more_than_two_threads_of_their_own(
    delivered: Visitor, handler: Handler, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_PATIENCE", 0.05)
    for number in (2, 3):
        delivered.hook(form({**POST_CALL, "id": f"call-{number}"}))
    pages = {number: delivered.get(f"/inspect/deliveries/{number}") for number in (1, 2, 3)}
    handler.does = lambda event: gate(event)
    after = [
        delivered.follow(delivered.submit(page, f"/inspect/deliveries/{number}/replay")).text
        for number, page in pages.items()
    ]
    gate.wait_for(2)
    assert ["the handler runs on" in text for text in after] == [True, True, False]
    assert "not begun: two other replays are running; try again later" in after[2]
    assert handler.ran == 5


def test_what_cannot_be_replayed_offers_no_button_and_does_nothing_if_asked_all_the_same(
    delivered: Visitor, handler: Handler, database: Path
) -> None:
    form_of_it = delivered.get(DELIVERY).form(REPLAY)
    change(database, "UPDATE deliveries SET body = NULL, fields = NULL, wire_values = NULL")
    assert REPLAY not in delivered.get(DELIVERY).html
    page = delivered.follow(delivered.post(REPLAY, form_of_it))
    assert "bad Replay of delivery 1: not replayed: its content was purged or erased" in page.text
    assert handler.ran == 1


def test_a_delivery_that_is_not_there_is_not_replayed(delivered: Visitor) -> None:
    token = delivered.get(DELIVERY).form(REPLAY)
    page = delivered.post("/inspect/deliveries/7/replay", token)
    assert delivered.follow(page).status == 404


def test_a_refusal_is_deleted_and_nothing_else(visitor: Visitor, database: Path) -> None:
    visitor.hook(b"a=%zz")
    visitor.hook(b"b=%zz")
    page = visitor.submit(visitor.get("/inspect/refusals/1"), "/inspect/refusals/1/delete")
    assert "good Refusal 1 is deleted." in visitor.follow(page).text
    assert rows(database, "SELECT id FROM refusals") == [(2,)]
    token = visitor.get("/inspect/refusals/2").form("/inspect/refusals/2/delete")
    assert visitor.post("/inspect/refusals/1/delete", token).status == 404


def test_what_was_done_is_logged_without_numbers(
    delivered: Visitor, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    log_lines()
    replay(delivered)
    delivered.hook(b"a=%zz")
    delivered.submit(delivered.get("/inspect/refusals/1"), "/inspect/refusals/1/delete")
    events = [(line["event"], line.get("delivery") or line.get("refusal")) for line in log_lines()]
    assert [event for event in events if event[0].startswith("inspector")] == [
        ("inspector: replay", 1),
        ("inspector: refusal deleted", 1),
    ]


def test_an_action_is_no_link(delivered: Visitor) -> None:
    for path in (REPLAY, "/inspect/refusals/1/delete", "/inspect/logout", "/inspect/numbers", "/inspect/jobs/replay"):
        assert delivered.get(path).status == 404
