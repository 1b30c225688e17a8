"""Every answer but 200 is a complete problem document; what a broken body left is kept."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.http.errors import ChunkMissingTerminator, NoMoreData  # type: ignore[import-untyped]  # it has no types
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable

from tests.calls import FORM, POST_CALL, form
from tests.unit.receiver.conftest import client, rows
from tests.unit.receiver.test_app import problem

LogLines = Callable[[], list[dict[str, Any]]]
# As gunicorn hands a chunked body over.
CHUNKED = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}


@pytest.fixture
def flask(environ: dict[str, str]) -> FlaskClient:
    return client({**environ, "KAISA_MAX_BODY": "1024"})


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("receiver.receive.body.decode", broken)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadRequest("hunter2"), 400, "bad-request"),
        (ServiceUnavailable("hunter2"), 500, "internal-error"),
        (KeyError("hunter2"), 500, "internal-error"),
        (RecursionError("hunter2"), 500, "internal-error"),
    ],
)
def test_an_error_from_anywhere_is_a_complete_document_without_its_text(
    flask: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: HTTPException, status: int, code: str
) -> None:
    fail_with(monkeypatch, error)
    response = flask.post("/webhook", data=form(POST_CALL), content_type=FORM)
    problem(response, status, code)
    assert b"hunter2" not in response.data
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_bug_is_one_line_with_its_traceback_and_without_numbers(
    flask: FlaskClient, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    fail_with(monkeypatch, KeyError("+46 70-174 06 05"))
    flask.post("/webhook", data=form(POST_CALL), content_type=FORM)
    (line,) = log_lines()
    assert (line["event"], line["level"]) == ("internal error", "error")
    assert line["traceback"][-1] == "KeyError: '+46***********05'"
    assert 1 < len(line["traceback"]) <= 20


def test_what_signatures_were_tried_with_is_logged_and_not_answered(
    signed_environ: dict[str, str], log_lines: LogLines
) -> None:
    response = client(signed_environ).post(
        "/webhook", data=form({"payload": "id=1", "sign": "AAAA"}), content_type=FORM
    )
    (line,) = log_lines()
    path = signed_environ["KAISA_TRUSTED_KEYS"]
    assert line["evidence"].startswith("tried: ")
    assert Path(path).name in line["evidence"]
    assert Path(path).name not in response.text


class Source(io.BytesIO):
    """A body that fails after what it holds."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoMoreData(), "truncated-body"),
        (ConnectionResetError(), "truncated-body"),
        (ChunkMissingTerminator(b"xx"), "malformed-chunks"),
    ],
)
def test_a_body_that_breaks_is_refused_and_what_came_of_it_kept(
    flask: FlaskClient, database: Path, error: Exception, code: str
) -> None:
    source = Source(b"id=call-1&", error)
    response = flask.post("/webhook", input_stream=source, content_type=FORM, environ_overrides=CHUNKED)
    problem(response, 400, code)
    assert rows(database, "SELECT code, body FROM refusals") == [(code, b"id=call-1&")]


def test_a_body_shorter_than_its_length_is_refused_even_if_the_server_ends_it(
    flask: FlaskClient, database: Path
) -> None:
    body = form(POST_CALL)
    overrides = {"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body) + 1)}
    response = flask.post("/webhook", input_stream=io.BytesIO(body), content_type=FORM, environ_overrides=overrides)
    problem(response, 400, "truncated-body")
    assert rows(database, "SELECT code, body FROM refusals") == [("truncated-body", body)]
    assert rows(database, "SELECT count(*) FROM deliveries") == [(0,)]


def test_a_body_without_a_length_is_not_cut_at_the_limit(flask: FlaskClient) -> None:
    exact = form(POST_CALL).ljust(1024, b"&")
    for body, status in ((exact, 200), (exact + b"&", 413)):
        stream = io.BytesIO(body)
        response = flask.post("/webhook", input_stream=stream, content_type=FORM, environ_overrides=CHUNKED)
        assert response.status_code == status
        assert response.headers.get("Connection") == ("close" if status == 413 else None)


def test_a_long_path_is_not_repeated(flask: FlaskClient) -> None:
    response = flask.post("/" + "x" * 2000)
    assert problem(response, 404, "not-found")["detail"] == f"nothing is at /{'x' * 36}..."


def test_a_webhook_sent_to_a_wrong_path_is_in_the_log_and_a_page_asked_for_is_not(
    flask: FlaskClient, log_lines: LogLines
) -> None:
    problem(flask.get("/favicon.ico"), 404, "not-found")
    problem(flask.post("/kaisa"), 404, "not-found")
    (line,) = log_lines()
    assert (line["event"], line["code"], line["detail"]) == ("refused", "not-found", "nothing is at /kaisa")
    assert line["remedy"] == "send webhooks to the path in KAISA_WEBHOOK_PATH"


def test_of_many_unknown_names_some_are_logged_and_cut(flask: FlaskClient, log_lines: LogLines) -> None:
    names = {f"{number:x}{'y' * 300}": "" for number in range(2)} | {f"n{number}": "" for number in range(50)}
    flask.post("/webhook", data=form({"id": "call-1", **names}), content_type=FORM)
    (line,) = log_lines()
    assert len(line["unexpected_names"]) == 20
    assert max(map(len, line["unexpected_names"])) == 40
    assert len(json.dumps(line)) < 1500
