"""Settings -> a receiver that runs."""

from datetime import UTC, timedelta
from pathlib import Path

import pytest

from receiver import build, config
from receiver.errors import ConfigurationError
from receiver.store.records import Arrival
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON, Clock


def test_a_receiver_is_assembled_of_its_settings(environ: dict[str, str], clock: Clock) -> None:
    settings = config.load({**environ, "KAISA_MACRO": "call={id}"}, now=NOON)
    receiver = build.build(settings, clock=clock)
    assert receiver.receive(Arrival(FORM, b"call=7", NOON)).event.id == "7"
    assert (receiver.keys, receiver.profile, receiver.macro) == ((), settings.profile, settings.macro)


def test_the_time_an_answer_was_stored_is_the_clocks(environ: dict[str, str], clock: Clock) -> None:
    receiver = build.build(config.load(environ, now=NOON), clock=clock)
    clock.advance(timedelta(seconds=5))
    receiver.receive(Arrival(FORM, form(POST_CALL), NOON))
    assert receiver.inbox.recent("deliveries", 1)[0]["handled_at"] == NOON + timedelta(seconds=5)


def test_the_clock_is_aware_and_utc() -> None:
    assert build.utc_now().tzinfo is UTC


def test_a_store_that_cannot_be_opened_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/missing/inbox.sqlite3"
    with pytest.raises(ConfigurationError) as raised:
        build.open_inbox(url)
    (problem,) = raised.value.problems
    assert problem.where == "DATABASE_URL"
    assert problem.what == f"{url} cannot be used: unable to open database file"


def test_a_good_configuration_has_no_problems(environ: dict[str, str]) -> None:
    assert build.problems(environ, now=NOON) == ()


def test_problems_come_from_settings_handlers_and_store_alike(environ: dict[str, str], tmp_path: Path) -> None:
    wrong = {**environ, "PORT": "x", "KAISA_HANDLERS": "json", "DATABASE_URL": f"sqlite:///{tmp_path}"}
    found = build.problems(wrong, now=NOON)
    assert [problem.where for problem in found] == ["PORT", "KAISA_HANDLERS=json", "DATABASE_URL"]
