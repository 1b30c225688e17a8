"""Which handler gets which event, and what a module of handlers may look like."""

import functools
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from receiver import handlers, router
from receiver.errors import ConfigurationError, Problem
from receiver.event import CallEvent, EventType
from receiver.router import Router


def one(_: CallEvent) -> str | None:
    return "one"


def two(_: CallEvent) -> str | None:
    return "two"


def problem(name: str) -> Problem:
    with pytest.raises(ConfigurationError) as raised:
        router.load(name)
    (found,) = raised.value.problems
    return found


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module `written_handlers` that can be imported during this test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "written_handlers", raising=False)
    return tmp_path / "written_handlers.py"


def test_each_event_type_has_its_handler_and_any_takes_the_rest() -> None:
    on = Router()
    assert on.post_call(one) is one
    assert on.any(two) is two
    assert on.handler_for(EventType.POST_CALL) is one
    assert on.handler_for(EventType.SMS) is two
    assert on.handler_for(EventType.PRE_CALL) is two
    assert on.handler_for(None) is two


def test_without_a_handler_nothing_is_to_be_done() -> None:
    on = Router()
    on.sms(one)
    on.pre_call(two)
    assert on.handler_for(EventType.SMS) is one
    assert on.handler_for(EventType.PRE_CALL) is two
    assert on.handler_for(EventType.POST_CALL) is None
    assert on.handler_for(None) is None


@pytest.mark.parametrize(
    ("name", "kind"), [("post_call", "post-call"), ("pre_call", "pre-call"), ("sms", "sms"), ("any", "any")]
)
def test_two_handlers_for_one_event_type_are_a_mistake(name: str, kind: str) -> None:
    on = Router()
    getattr(on, name)(one)
    with pytest.raises(ConfigurationError) as raised:
        getattr(on, name)(two)
    assert raised.value.problems == (
        Problem(
            f"handlers for {kind}",
            "two and one both handle it; one answer is all Kaisa saves",
            "keep one, and call the other from it",
        ),
    )


def test_the_same_handler_may_be_named_again_and_for_several_types() -> None:
    on = Router()
    on.sms(on.post_call(on.post_call(one)))
    assert on.handler_for(EventType.SMS) is on.handler_for(EventType.POST_CALL) is one


def test_the_template_of_handlers_loads_and_answers() -> None:
    on = router.load("receiver.handlers")
    assert on is handlers.on
    post_call = on.handler_for(EventType.POST_CALL)
    assert post_call is not None
    assert post_call(CallEvent(answered=True, duration=42)) == "answered, 42 s"
    assert post_call(CallEvent(answered=False, duration=0)) == "missed"
    assert (post_call(CallEvent(answered=True)), post_call(CallEvent(duration=42))) == (None, None)
    assert [
        handler and handler(CallEvent()) for handler in map(on.handler_for, (EventType.SMS, EventType.PRE_CALL))
    ] == [None, None]
    assert on.handler_for(None) is None


def test_a_module_that_does_not_exist_is_told_by_name() -> None:
    assert problem("no_such_handlers") == Problem(
        "KAISA_HANDLERS=no_such_handlers",
        "cannot be imported: ModuleNotFoundError: No module named 'no_such_handlers'",
        "mend the module, or name another one",
    )


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero"),
        ("x = (\n", "cannot be imported: SyntaxError: '(' was never closed (written_handlers.py, line 1)"),
        ("raise SystemExit('no licence')\n", "cannot be imported: SystemExit: no licence"),
        ("import sys\nsys.exit(0)\n", "cannot be imported: SystemExit: 0"),
        ("x = 1\n", "holds no Router"),
        ("from receiver.router import Router\na, b = Router(), Router()\n", "holds 2 Router"),
    ],
)  # fmt: skip
def test_a_module_without_exactly_one_router_is_a_mistake(source: str, what: str, write_module: Path) -> None:
    write_module.write_text(source)
    found = problem("written_handlers")
    assert (found.where, found.what) == ("KAISA_HANDLERS=written_handlers", what)


def test_one_router_under_two_names_is_one(write_module: Path) -> None:
    write_module.write_text("from receiver.router import Router\non = Router()\nalso = on\non.any(lambda event: 'x')\n")
    handler = router.load("written_handlers").handler_for(None)
    assert handler is not None
    assert handler(CallEvent()) == "x"


def test_a_module_that_gives_one_event_two_handlers_tells_that_mistake(write_module: Path) -> None:
    write_module.write_text(
        "from receiver.router import Router\non = Router()\n@on.sms\ndef a(event): ...\n@on.sms\ndef b(event): ...\n"
    )
    assert problem("written_handlers").where == "handlers for sms"


async def later(_: CallEvent) -> str | None:
    return "later"


def of_none() -> str | None:
    return None


def of_two(event: CallEvent, extra: str) -> str | None:
    return event.id or extra


def of_one_and_a_default(event: CallEvent, extra: str = "x") -> str | None:
    return event.id or extra


def of_many(*events: CallEvent, **named: str) -> str | None:
    return named.get("id") or events[0].id


def of_a_name(*, event: CallEvent) -> str | None:
    return event.id


class Method:
    def handle(self, _: CallEvent) -> str | None:
        return None

    async def later(self, _: CallEvent) -> str | None:
        return None


def test_a_router_without_a_handler_is_told_what_to_write() -> None:
    assert list(Router().problems()) == [
        Problem("handlers", "there is none", "decorate a function, as receiver/handlers.py does")
    ]


@pytest.mark.parametrize(
    "handler", [later, Method().later, functools.partial(later)], ids=["function", "method", "partial"]
)
def test_an_async_handler_is_told_to_be_a_plain_one(handler: Any) -> None:
    on = Router()
    on.sms(handler)
    (found,) = on.problems()
    assert (found.what, found.remedy) == ("is async", "write a plain `def`: each handler has a thread of its own")


@pytest.mark.parametrize("handler", [of_none, of_two, of_a_name, Method.handle])
def test_a_handler_that_cannot_take_an_event_alone_is_named(handler: Any) -> None:
    on = Router()
    on.any(handler)
    assert list(on.problems()) == [
        Problem(
            f"handler {handler.__qualname__}",
            "cannot be called with an event alone",
            "give it one parameter, the CallEvent",
        )
    ]


@pytest.mark.parametrize(
    "handler",
    [
        one,
        Method().handle,
        functools.partial(of_two, extra="x"),
        of_one_and_a_default,
        of_many,
    ],
)
def test_whatever_can_be_called_with_an_event_is_a_handler(handler: Any) -> None:
    on = Router()
    on.post_call(handler)
    assert list(on.problems()) == []


def test_every_handler_that_cannot_be_used_is_told_once() -> None:
    on = Router()
    on.post_call(on.sms(cast("Any", later)))
    on.pre_call(one)
    on.any(cast("Any", of_none))
    assert [problem.where for problem in on.problems()] == ["handler later", "handler of_none"]


def test_a_module_whose_handlers_cannot_be_used_does_not_load(write_module: Path) -> None:
    write_module.write_text(
        "from receiver.router import Router\non = Router()\n@on.sms\nasync def a(event): ...\n@on.any\ndef b(): ...\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        router.load("written_handlers")
    assert [(found.where, found.what) for found in raised.value.problems] == [
        ("handler a", "is async"),
        ("handler b", "cannot be called with an event alone"),
    ]
