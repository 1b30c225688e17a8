"""Log lines: JSON, one a request, numbers masked."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from receiver import handlers, logs
from receiver.event import CallEvent, EventType
from tests.calls import FORM, POST_CALL, form
from tests.unit.receiver.conftest import client

LogLines = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+46701234567", "+46*******67"),
        ("0046701234567", "004********67"),
        ("0701234567", "070*****67"),
        ("from +46701234567 to +46812345678.", "from +46*******67 to +46*******78."),
        ("+123456", "*****56"),
        ("+12345", "+12345"),
        ("123456", "123456"),
        ("1234567", "*****67"),
        ("22334455", "******55"),
        ("070-174 06 05", "070********05"),
        ("(070) 174 06.05", "(070*********05"),
        ("+46 (0)70-174 06 05", "+46**************05"),
        ("08/123\u00a045\u201167", "08/*******67"),
        ("08\\xa0123\\u201145\\x0967", "08\\******************67"),
        ("abc0701234567x", "abc070*****67x"),
        ("0046701234567890", "004***********90"),
        ("12:00:00, line 123, 45 of 67", "12:00:00, line 123, 45 of 67"),
        ("3f0701234567ab9c of 46701234567", "3f0701234567ab9c of 467******67"),
        ("550e8400-1234-41d4-0716-446655440000", "550e8400-1234-41d4-0716-446655440000"),
        ("55008400-1234-4104-0716-446655440000", "550*******************************00"),
        ("", ""),
    ],
)
def test_phone_numbers_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


def test_lines_of_a_librarys_own_log_are_json_and_masked_but_for_what_it_says_of_itself(log_lines: LogLines) -> None:
    logs.configure()
    library = logging.Logger("library")
    library.addHandler(logs.ToStructlog("library"))
    library.info("Listening at: %s (%d)", "http://127.0.0.1:8000", 12345)
    library.warning("Invalid header '%s'\nand more", "+46701234567")
    try:
        int("+46701234567x")
    except ValueError:
        library.exception("failed")
    listening, invalid, failed = ({k: v for k, v in line.items() if k != "timestamp"} for line in log_lines())
    assert listening == {"event": "library", "level": "info", "notice": "Listening at: http://127.0.0.1:8000 (12345)"}
    assert invalid == {"event": "library", "level": "warning", "detail": "Invalid header '+46*******67'"}
    assert (failed["level"], failed["detail"]) == ("error", "failed")
    assert failed["error"].endswith("'+46*******67x'\")")
    assert failed["traceback"][0] == "Traceback (most recent call last):"
    assert failed["traceback"][-1].endswith("'+46*******67x'")


def test_a_line_is_json_with_a_level_and_a_utc_time(log_lines: LogLines) -> None:
    logs.configure()
    structlog.get_logger().warning("refused", detail="'+46701234567' is wrong", signed_by="1234567890123456", ms=1.5)
    (line,) = log_lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "refused",
        "level": "warning",
        "detail": "'+46*******67' is wrong",
        "signed_by": "1234567890123456",
        "ms": 1.5,
    }


def test_a_line_holds_any_text_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().info("accepted", call="\ud800\n\0å")
    text = capsys.readouterr().err
    assert text.isascii()
    assert text.count("\n") == 1
    assert json.loads(text)["call"] == "\ud800\n\0å"


def test_an_accepted_delivery_is_one_line_without_its_callers_number(
    environ: dict[str, str], log_lines: LogLines
) -> None:
    client(environ).post("/webhook", data=form({**POST_CALL, "extra": "1"}), content_type=FORM)
    (line,) = log_lines()
    assert line.pop("timestamp")
    assert line.pop("request")
    assert line.pop("ms") >= 0
    assert line == {
        "event": "accepted",
        "level": "info",
        "delivery": 1,
        "call": "call-1",
        "type": "post-call",
        "from_nr": "+46*******67",
        "duplicate": False,
        "revision": 1,
        "signed_by": None,
        "missing_names": [],
        "unexpected_names": ["extra"],
    }


def test_a_failed_handler_is_a_line_of_its_own_without_the_numbers_in_its_error(
    environ: dict[str, str], log_lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(event: CallEvent) -> str:
        raise LookupError(f"no customer {event.from_nr}")

    monkeypatch.setitem(handlers.on._handlers, EventType.POST_CALL, broken)
    client(environ).post("/webhook", data=form(POST_CALL), content_type=FORM)
    failed, refused = log_lines()
    assert failed.pop("timestamp")
    assert failed.pop("request") == refused["request"]
    assert failed == {
        "event": "handler failed",
        "level": "warning",
        "delivery": 1,
        "error": "LookupError: no customer +46*******67",
    }
    assert (refused["event"], refused["code"], refused["detail"]) == (
        "refused",
        "handler-failed",
        "the handler raised LookupError",
    )


def test_a_refused_request_is_one_line_that_says_what_to_change(environ: dict[str, str], log_lines: LogLines) -> None:
    client(environ).post("/webhook", data=form({**POST_CALL, "duration": "+46701234567"}), content_type=FORM)
    (line,) = log_lines()
    assert (line["event"], line["level"], line["status"], line["code"]) == ("refused", "warning", 422, "invalid-fields")
    assert line["detail"] == "duration: '+46*******67' is not a whole number of seconds, 0 or more"
    assert line["remedy"].startswith("compare KAISA_MACRO with the macro in Kaisa's Setup")


def test_a_long_text_of_digits_and_dashes_is_masked_in_no_time() -> None:
    # Quadratic, this would take hours.
    assert logs.mask("1-" * 200_000).count("*") > 100_000


def test_a_date_is_no_number() -> None:
    text = "valid from 2026-11-23 17:00:00 to 2027-11-23T17:00, called +46701234567"
    assert logs.mask(text) == "valid from 2026-11-23 17:00:00 to 2027-11-23T17:00, called +46*******67"
