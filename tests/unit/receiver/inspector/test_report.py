"""The steps of the verification, of what was accepted and of what was refused."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from receiver import config
from receiver.errors import HandlerFailed
from receiver.event import CallEvent
from receiver.inspector import report
from receiver.inspector.report import Mark, Step
from receiver.inspector.search import CODES
from receiver.store.queries import one
from tests.calls import FORM, JSON, POST_CALL, form, signed_form, signed_json
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline

PASSED, FAILED, NONE, LATER = Mark.PASSED, Mark.FAILED, Mark.NOT_APPLICABLE, Mark.TO_COME
NAMES = [
    "Content type and encoding",
    "Envelope",
    "Signature and key",
    "Fields",
    "Duplicate or revision",
    "Store",
    "Handler",
    "Answer",
]
SIGNED = (PASSED, PASSED, PASSED, PASSED, PASSED, PASSED)


def greet(event: CallEvent) -> str:
    return f"hello {event.id}"


def fail(event: CallEvent) -> str:
    raise ValueError(f"no {event.id}")


@pytest.fixture
def settings(signed_environ: dict[str, str]) -> config.Settings:
    return config.load(signed_environ, now=NOON)


@pytest.fixture
def signing(pipeline: Pipeline, settings: config.Settings) -> Pipeline:
    pipeline.keys = settings.trusted_keys
    return pipeline


def steps(pipeline: Pipeline, settings: config.Settings, delivery: int = 1, **changed: Any) -> dict[str, Step]:
    """The report of a stored delivery, by step; in the order of the steps."""
    with pipeline.inbox.reading() as connection:
        row = {**one(connection, "deliveries", delivery), **changed}
    found = report.of_delivery(row, [row], settings, pipeline.router)
    assert [step.name for step in found] == NAMES
    return {step.name: step for step in found}


def marks(found: dict[str, Step]) -> tuple[Mark, ...]:
    return tuple(step.mark for step in found.values())


def take(pipeline: Pipeline, body: bytes, content_type: str = FORM) -> None:
    with suppress(HandlerFailed):
        pipeline.receive(body, content_type)


def test_a_signed_delivery_that_was_handled_passed_every_step(
    signing: Pipeline, settings: config.Settings, key_pair: KeyPair
) -> None:
    signing.router.post_call(greet)
    take(signing, signed_form(POST_CALL, key_pair))
    found = steps(signing, settings)
    assert marks(found) == (*SIGNED, PASSED, PASSED)
    fingerprint = settings.trusted_keys[0].fingerprint[:16]
    assert found["Signature and key"].reason.endswith(f"{key_pair.public} ({fingerprint})")
    assert found["Fields"].reason == "17 of the 17 names of KAISA_MACRO"
    assert found["Duplicate or revision"].reason == "the only content of its event"
    assert found["Handler"].reason == "greet returned at 2026-03-01 12:00:00Z"
    assert found["Answer"].reason == "200 with 'hello call-1': 12 of 40 characters, saved with the call"


def test_a_key_that_is_not_trusted_any_more_is_still_the_one_that_signed(
    signing: Pipeline, settings: config.Settings, key_pair: KeyPair
) -> None:
    take(signing, signed_json(POST_CALL, key_pair), JSON)
    found = steps(signing, replace(settings, trusted_keys=()))
    assert found["Signature and key"].mark == PASSED
    assert "which is not trusted any more" in found["Signature and key"].reason


def test_what_was_not_signed_has_no_envelope_and_no_signature(pipeline: Pipeline, settings: config.Settings) -> None:
    take(pipeline, form(POST_CALL))
    found = steps(pipeline, settings)
    assert marks(found) == (PASSED, NONE, NONE, PASSED, PASSED, PASSED, NONE, PASSED)
    assert found["Handler"].reason == "no handler takes such an event"
    assert found["Answer"].reason == "200 with {}: nothing to save with the call"


def test_a_handler_that_raised_failed_with_the_last_line_of_its_traceback(
    pipeline: Pipeline, settings: config.Settings
) -> None:
    pipeline.router.post_call(fail)
    take(pipeline, form(POST_CALL))
    take(pipeline, form(POST_CALL))
    found = steps(pipeline, settings)
    assert (found["Handler"].mark, found["Handler"].reason) == (FAILED, "ValueError: no call-1")
    assert found["Handler"].remedy == "mend fail; the next attempt runs it again, and so does Replay"
    assert found["Answer"].reason == "500 handler-failed: Kaisa sends it again after 30 minutes"
    assert found["Duplicate or revision"].reason == (
        "the only content of its event; sent 2 times with the same content, stored once"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"state": "handling", "lease_until": NOON},
            "greet runs, or was cut off: its claim ends at 2026-03-01 12:00:00Z",
        ),
        ({"state": "received"}, "it has not begun: no thread was free; the next attempt begins it"),
    ],
)
def test_a_handler_that_is_not_done_is_to_come_and_so_is_its_answer(
    pipeline: Pipeline, settings: config.Settings, changed: dict[str, Any], reason: str
) -> None:
    pipeline.router.post_call(greet)
    take(pipeline, form(POST_CALL))
    found = steps(pipeline, settings, **changed)
    assert (found["Handler"].mark, found["Handler"].reason) == (LATER, reason)
    assert found["Answer"].mark == LATER


def test_names_that_are_missing_or_unexpected_are_named(pipeline: Pipeline, settings: config.Settings) -> None:
    values = {**POST_CALL, **{f"extra{at}": "x" for at in range(20)}}
    del values["channel"]
    take(pipeline, form(values))
    reason = steps(pipeline, settings)["Fields"].reason
    assert reason.startswith("16 of the 17 names of KAISA_MACRO; missing: channel; more than it has: extra0, ")
    assert reason.endswith("extra7, …")


def test_other_content_for_the_same_event_is_a_revision(pipeline: Pipeline, settings: config.Settings) -> None:
    for channel in ("one", "two"):
        take(pipeline, form({**POST_CALL, "channel": channel}))
    second = steps(pipeline, settings, 2)["Duplicate or revision"].reason
    assert second == "revision 2: other content than before for the same event"
    with pipeline.inbox.reading() as connection:
        both = [one(connection, "deliveries", number) for number in (1, 2)]
    first = report.of_delivery(both[0], both, settings, pipeline.router)[4]
    assert first.reason == "the first of 2 revisions of its event"


def test_of_what_was_purged_the_steps_that_are_recorded_stay(pipeline: Pipeline, settings: config.Settings) -> None:
    take(pipeline, form(POST_CALL))
    gone: dict[str, Any] = dict.fromkeys(("body", "fields", "wire_values", "error"))
    found = steps(pipeline, settings, **gone)
    assert marks(found) == (PASSED, NONE, NONE, NONE, PASSED, PASSED, NONE, PASSED)
    assert found["Envelope"].reason == "its content was purged or erased"
    assert marks(steps(pipeline, settings, **gone, state="failed"))[6:] == (FAILED, FAILED)


@pytest.mark.parametrize(
    ("code", "stopped"),
    [
        ("unsupported-content-type", 0),
        ("truncated-body", 0),
        ("malformed-json", 0),
        ("signature-missing", 1),
        ("signature-malformed", 2),
        ("signature-wrong", 2),
        ("invalid-fields", 3),
        ("macro-mismatch", 3),
    ],
)
def test_a_refusal_shows_where_it_stopped(code: str, stopped: int) -> None:
    row = {"code": code, "status": 400, "detail": "so it is", "remedy": "do this", "content_type": FORM, "body": b"x=1"}
    found = report.of_refusal(row)
    assert [step.name for step in found] == NAMES
    assert [step.mark for step in found] == [PASSED] * stopped + [FAILED] + [NONE] * (6 - stopped) + [FAILED]
    assert (found[stopped].reason, found[stopped].remedy) == ("so it is", "do this")
    assert found[-1].reason == f"400 {code}, and nothing was lost: Kaisa sends it again after 30 minutes"


def test_every_code_of_a_kept_refusal_is_told_at_a_step() -> None:
    assert set(CODES) <= set(report._STEP_OF_CODE)
