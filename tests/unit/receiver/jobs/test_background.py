"""Which event goes to which background handlers, and what is said of handlers that cannot be run."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from receiver import build, router
from receiver.errors import ConfigurationError, Problem
from receiver.event import CallEvent, EventType
from receiver.router import Router

ROOT = Path(__file__).parents[4]

WITHOUT = """
import os, sys
from receiver import build, cli, config
settings = config.load(os.environ, now=build.utc_now())
receiver = build.build(settings)
receiver.inbox.close()
assert receiver.background() is None
print([name for name in sys.modules if name.split(".")[0] == "dbos"])
"""


def book(_: CallEvent) -> str:
    return "ignored"


def announce(_: CallEvent) -> None: ...


def test_an_event_goes_to_every_background_handler_that_wants_its_type() -> None:
    on = Router()
    assert on.background.post_call(book) is book
    assert on.background.any(announce) is announce
    assert on.background.names_for(EventType.POST_CALL) == ("book", "announce")
    assert on.background.names_for(EventType.SMS) == ("announce",)
    assert on.background.names_for(EventType.PRE_CALL) == ("announce",)
    assert on.background.names_for(None) == ("announce",)
    assert on.background.find("book") is book
    assert on.background.find("nobody") is None


def test_a_handler_that_wants_an_event_twice_gets_it_once() -> None:
    on = Router()
    on.background.sms(on.background.pre_call(on.background.any(book)))
    assert on.background.names_for(EventType.SMS) == ("book",)
    assert on.background.names_for(EventType.PRE_CALL) == ("book",)
    assert [*on.problems()] == []


def test_ordinary_and_background_handlers_of_one_type_do_not_see_each_other() -> None:
    on = Router()
    on.post_call(book)
    on.background.post_call(announce)
    assert on.handler_for(EventType.POST_CALL) is book
    assert on.background.names_for(EventType.POST_CALL) == ("announce",)
    assert on.handler_for(EventType.SMS) is None
    assert not Router().background
    assert on.background


def test_handlers_that_cannot_be_run_or_told_apart_are_problems() -> None:
    async def later(_: CallEvent) -> None: ...

    def needy(_: CallEvent, more: str) -> None: ...

    def other() -> None: ...

    other.__qualname__ = "book"
    on = Router()
    for handler in (later, needy, book, other):
        on.background.post_call(handler)  # type: ignore[arg-type]  # as a customer may
    on.background.post_call(nameless := functools.partial(announce))
    here = "test_handlers_that_cannot_be_run_or_told_apart_are_problems.<locals>."
    assert [*on.problems()] == [
        Problem(
            f"background handler {here}later", "is async", "write a plain `def`: each handler has a thread of its own"
        ),
        Problem(
            f"background handler {here}needy",
            "cannot be called with an event alone",
            "give it one parameter, the CallEvent",
        ),
        Problem(
            "background handler book", "cannot be called with an event alone", "give it one parameter, the CallEvent"
        ),
        Problem(
            "background handler book", "has the name of another one", "give each a name of its own: jobs are kept by it"
        ),
        Problem(f"background handler {nameless!r}", "has no name to find its jobs by", "write it as a function"),
    ]


def test_a_module_with_background_handlers_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "only_background.py").write_text(
        "from receiver.router import Router\non = Router()\n@on.background.any\ndef book(event): ...\n"
    )
    assert router.load("only_background").background.names_for(None) == ("book",)


def test_without_background_handlers_their_engine_is_not_imported(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_background_handlers_without_their_engine_are_told_how_to_get_it(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda _: None)
    inbox = build.open_inbox(environ["DATABASE_URL"])
    with pytest.raises(ConfigurationError) as raised:
        build.open_jobs(inbox)
    assert raised.value.problems == (
        Problem(
            "background handlers",
            "need the engine DBOS, which is not installed",
            "pip install 'kaisa-webhook-kit[jobs]', or add dbos>=3.4,<3.5 to requirements.txt",
        ),
    )
