"""`receiver deliveries replay`: the customer's handlers run again on what is stored."""

import sys
from types import ModuleType

import pytest

from receiver.event import CallEvent, EventType
from receiver.router import Router
from receiver.store.inbox import Inbox
from receiver.store.transactions import LEASE
from tests.clock import NOON
from tests.unit.receiver.commands.conftest import FAILED, HANDLING, Filled, Run, ago

MODULE = "customers_handlers"


class Handlers:
    """The customer's module: answers "again", fails for the calls it is told to."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.failing: set[str] = set()

    def __call__(self, event: CallEvent) -> str:
        self.events.append(event)
        if event.id in self.failing:
            raise ValueError("no, +46701234567")
        return "again"


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    handlers, module = Handlers(), ModuleType(MODULE)
    router = Router()

    @router.post_call
    def after_call(event: CallEvent) -> str:
        return handlers(event)

    vars(module)["on"] = router
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setenv("KAISA_HANDLERS", MODULE)
    return handlers


def replay(run: Run, *arguments: str, input: str | None = None) -> tuple[int, list[str]]:  # noqa: A002 - click's name
    result = run("deliveries", "replay", *arguments, input=input, KAISA_HANDLERS=MODULE)
    return result.exit_code, result.stdout.splitlines()


def test_a_failed_delivery_is_handled_with_the_event_as_it_was(run: Run, filled: Filled, handlers: Handlers) -> None:
    filled.add("a", details="first")
    filled.add("a", state=FAILED, details="second", extra="kept")
    assert replay(run, "2") == (0, ['     2  answered {"append": "again"}', "1 delivery, 0 not handled"])
    row = filled.row(2)
    assert (row["state"], row["answer"], row["error"]) == ("handled", '{"append": "again"}', None)
    assert (row["claim"], row["lease_until"], row["handled_at"]) == (None, None, NOON)
    (event,) = handlers.events
    assert (event.id, event.event_type, event.details, event.from_nr) == (
        "a",
        EventType.POST_CALL,
        "second",
        "+46701234567",
    )
    assert (event.key, event.revision, event.wire["extra"]) == (row["key"], 2, "kept")


def test_a_handled_delivery_gets_the_new_answer(run: Run, filled: Filled, handlers: Handlers) -> None:
    delivery = filled.add(answer='{"append": "first"}')
    assert replay(run, str(delivery), str(delivery))[0] == 0
    assert filled.row(delivery)["answer"] == '{"append": "again"}'
    assert len(handlers.events) == 1


def test_what_fails_again_is_told_and_the_exit_code_is_1(run: Run, filled: Filled, handlers: Handlers) -> None:
    handlers.failing = {"b"}
    for call in ("a", "b", "c"):
        filled.add(call, state=FAILED)
    assert replay(run, "--state", "failed", "--yes") == (
        1,
        [
            '     1  answered {"append": "again"}',
            "     2  failed: the handler raised ValueError",
            '     3  answered {"append": "again"}',
            "3 deliveries, 1 not handled",
        ],
    )
    row = filled.row(2)
    assert row["state"] == "failed"
    assert str(row["error"]).endswith("ValueError: no, +46701234567\n")


def test_more_than_one_needs_a_yes(run: Run, filled: Filled, handlers: Handlers) -> None:
    for call in ("a", "b"):
        filled.add(call, state=FAILED)
    code, lines = replay(run, "--state", "failed", input="n\n")
    assert (code, lines) == (1, ["Run the handlers of 2 deliveries again? [y/N]: n"])
    assert handlers.events == []
    assert replay(run, "1", "2", input="y\n")[0] == 0
    assert [event.id for event in handlers.events] == ["a", "b"]


def test_filters_and_a_limit_choose_the_oldest_first(run: Run, filled: Filled, handlers: Handlers) -> None:
    for hour, call in enumerate(("a", "b", "c")):
        filled.add(call, state=FAILED, at=ago(hours=hour))
    assert replay(run, "--since", "1h", "--limit", "1")[0] == 0
    assert [event.id for event in handlers.events] == ["b"]


def test_a_delivery_that_is_being_handled_is_left_alone(run: Run, filled: Filled, handlers: Handlers) -> None:
    delivery = filled.add(state=HANDLING)
    reason = "its handler is running, or was cut off; the claim ends at 2026-03-01 12:20:00Z"
    assert replay(run, "1") == (1, [f"     1  not replayed: {reason}", "1 delivery, 1 not handled"])
    assert replay(run, "1", "--dry-run") == (
        1,
        [f"     1  would not be replayed: {reason}", "1 delivery, 1 not replayable"],
    )
    assert handlers.events == []
    assert filled.row(delivery)["lease_until"] == NOON + LEASE


def test_a_delivery_whose_handler_was_cut_off_is_taken_over(run: Run, filled: Filled, handlers: Handlers) -> None:
    filled.add(state=HANDLING, at=ago(minutes=21))
    assert replay(run, "1")[0] == 0
    assert len(handlers.events) == 1


def test_what_is_gone_cannot_be_replayed(run: Run, filled: Filled, handlers: Handlers) -> None:
    filled.add()
    assert run("deliveries", "erase", "--number", "+46701234567").exit_code == 0
    assert replay(run, "1", "7", "--yes") == (
        1,
        [
            "     1  not replayed: its content was purged or erased",
            "     7  not replayed: there is no such delivery",
            "2 deliveries, 2 not handled",
        ],
    )
    assert handlers.events == []


@pytest.mark.usefixtures("handlers")
def test_a_dry_run_says_what_is_not_there(run: Run) -> None:
    lines = ["     7  would not be replayed: there is no such delivery", "1 delivery, 1 not replayable"]
    assert replay(run, "7", "--dry-run") == (1, lines)


@pytest.mark.usefixtures("handlers")
def test_a_delivery_without_a_handler_is_settled(run: Run, filled: Filled) -> None:
    filled.add(state=FAILED, event_type="1")
    assert replay(run, "1", "--dry-run")[1][0] == "     1  would run nothing: no handler"
    assert replay(run, "1") == (0, ["     1  no handler; answered {}", "1 delivery, 0 not handled"])
    row = filled.row(1)
    assert (row["state"], row["answer"], row["error"]) == ("handled", "{}", None)


def test_a_dry_run_does_nothing(run: Run, filled: Filled, handlers: Handlers, inbox: Inbox) -> None:
    filled.add(state=FAILED)
    filled.add("b")
    before = inbox.recent("deliveries", 10)
    code, lines = replay(run, "--event", "post-call", "--dry-run")
    assert code == 0
    assert [line.split(" would run ")[0].strip() for line in lines] == ["1", "2", "2 deliveries, 0 not replayable"]
    assert all("after_call" in line for line in lines[:2])
    assert inbox.recent("deliveries", 10) == before
    assert handlers.events == []


def test_handlers_that_cannot_be_loaded_are_told_in_words(run: Run, filled: Filled) -> None:
    filled.add()
    result = run("deliveries", "replay", "1", KAISA_HANDLERS="no_such_module")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("KAISA_HANDLERS=no_such_module: cannot be imported: ModuleNotFoundError")
