"""No log line shows a number, and none that cannot be written fails a request."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from receiver import logs
from receiver.cli import main
from tests.calls import FORM, POST_CALL, form
from tests.unit.receiver.conftest import client, rows

LogLines = Callable[[], list[dict[str, Any]]]
ODD_NUMBERS = ("070-174 06 05", "22334455", "112", "070\u00a0174\u00a006\u00a005", "n/a 4455")


class Full(io.StringIO):
    """Standard error on a disk without room."""

    def write(self, _: str, /) -> int:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Full(), closed()], ids=["full", "closed"])
def test_a_stored_call_is_answered_200_even_if_no_line_can_be_written(
    environ: dict[str, str], database: Path, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    response = client(environ).post("/webhook", data=form(POST_CALL), content_type=FORM)
    assert (response.status_code, response.data) == (200, b'{"append": "answered, 42 s"}')
    assert rows(database, "SELECT state FROM deliveries") == [("handled",)]


@pytest.mark.parametrize("stream", [Full(), closed()], ids=["full", "closed"])
def test_a_refusal_stays_what_it_is_even_if_no_line_can_be_written(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert client(environ).post("/webhook", data=b"utm=1", content_type=FORM).status_code == 422


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_a_number_field_is_masked_whatever_it_looks_like(
    environ: dict[str, str], log_lines: LogLines, number: str
) -> None:
    client(environ).post("/webhook", data=form({**POST_CALL, "from_nr": number}), content_type=FORM)
    (line,) = log_lines()
    assert "*" in line["from_nr"]
    assert len(line["from_nr"]) == len(number)
    assert number not in json.dumps(line, ensure_ascii=False)


def test_lists_and_objects_are_masked_too(log_lines: LogLines) -> None:
    logs.configure()
    names = ("070-174 06 05", ["+46701740605"], {"from_nr": 112, "0701740605": None})
    structlog.get_logger().info("accepted", unexpected_names=names, to_nr=["112"], end_nr=None)
    (line,) = log_lines()
    assert line["unexpected_names"] == ["070********05", ["+46*******05"], {"from_nr": "***", "070*****05": None}]
    assert (line["to_nr"], line["end_nr"]) == (["***"], None)


@pytest.mark.parametrize("number", ["070-174 06 05", "22334455", "+46701740605", "070\u00a0174\u00a006\u00a005"])
def test_no_number_is_shown_wherever_it_was_sent(environ: dict[str, str], log_lines: LogLines, number: str) -> None:
    flask = client(environ)
    for field in ("from_nr", "id", "duration", "start", "surprise"):
        flask.post("/webhook", data=form({**POST_CALL, field: number}), content_type=FORM)
    flask.post("/webhook", data=form({**POST_CALL, number: "1"}), content_type=FORM)
    flask.post(f"/{number}", data=b"", content_type=FORM)
    shown = [value for line in log_lines() for value in (json.dumps(line, ensure_ascii=False), json.dumps(line))]
    assert [line for line in shown if number in line or ascii(number)[1:-1] in line] == []


@pytest.mark.parametrize("number", ["070-174 06 05", "22334455", "112"])
def test_a_listing_in_text_shows_no_number(environ: dict[str, str], number: str) -> None:
    call_id = number if len(number) > 6 else "call-1"
    client(environ).post("/webhook", data=form({**POST_CALL, "from_nr": number, "id": call_id}), content_type=FORM)
    result = CliRunner().invoke(main, ["deliveries", "list"], env={"DATABASE_URL": environ["DATABASE_URL"]})
    assert result.exit_code == 0
    assert "from " in result.stdout
    assert number not in result.stdout
