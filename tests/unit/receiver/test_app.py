"""The application over Flask's test client: every status as the contract has it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver import handlers
from receiver.event import CallEvent, EventType
from receiver.router import Handler
from tests.calls import FORM, JSON, POST_CALL, SMS, form, json_text, signed_form
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import client, drop, rows


@pytest.fixture
def flask(environ: dict[str, str]) -> FlaskClient:
    """Accepts unsigned data."""
    return client(environ)


@pytest.fixture
def signed(signed_environ: dict[str, str]) -> FlaskClient:
    """Accepts what is signed with `key_pair`."""
    return client(signed_environ)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], None]:
    """Put a handler for post-calls in the template's place."""
    return lambda handler: monkeypatch.setitem(handlers.on._handlers, EventType.POST_CALL, handler)


def post(client: FlaskClient, body: bytes, content_type: str | None = FORM) -> TestResponse:
    return client.post("/webhook", data=body, content_type=content_type)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, whose form is checked."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = json.loads(response.data)
    assert document["type"] == f"urn:kaisa-webhook-kit:problem:{code}"
    assert (document["status"], document["code"]) == (status, code)
    assert all(document[name] for name in ("title", "detail", "remedy"))
    return document


def test_a_post_call_is_answered_with_its_append(flask: FlaskClient, database: Path) -> None:
    response = post(flask, form(POST_CALL))
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.data == b'{"append": "answered, 42 s"}'
    assert rows(database, "SELECT state, body FROM deliveries") == [("handled", form(POST_CALL))]


def test_an_event_without_an_answer_gets_an_empty_object(flask: FlaskClient) -> None:
    assert post(flask, json_text(SMS), JSON).data == b"{}"


def test_a_signed_delivery_is_accepted_and_its_key_recorded(
    signed: FlaskClient, key_pair: KeyPair, database: Path
) -> None:
    assert post(signed, signed_form(POST_CALL, key_pair)).status_code == 200
    ((signed_by,),) = rows(database, "SELECT signed_by FROM deliveries")
    assert len(signed_by) == 64


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"id=caf\xe9", FORM, 400, "not-utf-8"),
        (b"", FORM, 400, "empty-body"),
        (b'{"id": "1", "id": "2"}', JSON, 400, "duplicate-field"),
        (form(POST_CALL), "text/plain", 415, "unsupported-content-type"),
        (form(POST_CALL), None, 415, "unsupported-content-type"),
        (b"utm=1", FORM, 422, "macro-mismatch"),
    ],
)
def test_what_cannot_be_read_is_refused_and_kept_as_it_came(
    flask: FlaskClient, database: Path, body: bytes, content_type: str | None, status: int, code: str
) -> None:
    problem(post(flask, body, content_type), status, code)
    assert rows(database, "SELECT status, code, content_type, body, count, remote FROM refusals") == [
        (status, code, content_type, body, 1, "127.0.0.1")
    ]
    assert rows(database, "SELECT count(*) FROM deliveries") == [(0,)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (form(POST_CALL), 401, "signature-missing"),
        (form({"payload": "id=1", "sign": "AAAA"}), 403, "signature-wrong"),
        (form({"payload": "id=1", "sign": "?"}), 403, "signature-malformed"),
    ],
)
def test_what_is_not_signed_well_is_refused_and_kept(
    signed: FlaskClient, database: Path, body: bytes, status: int, code: str
) -> None:
    document = problem(post(signed, body), status, code)
    assert "KAISA_" in document["remedy"] or code == "signature-malformed"
    assert rows(database, "SELECT status, code, body FROM refusals") == [(status, code, body)]


def test_every_invalid_field_is_listed(flask: FlaskClient) -> None:
    response = post(flask, form({**POST_CALL, "duration": "long", "answered": "perhaps"}))
    document = problem(response, 422, "invalid-fields")
    assert document["errors"] == [
        {
            "field": "duration",
            "detail": "'long' is not a whole number of seconds, 0 or more",
            "remedy": "check what the macro puts into duration",
        },
        {
            "field": "answered",
            "detail": "'perhaps' is neither 1 nor 0",
            "remedy": "check what the macro puts into answered",
        },
    ]


def test_a_handler_that_raises_is_500_and_the_next_attempt_runs_it_again(
    flask: FlaskClient, handle: Callable[[Handler], None], database: Path
) -> None:
    def broken(_: CallEvent) -> str:
        raise ValueError("password: hunter2")

    handle(broken)
    response = post(flask, form(POST_CALL))
    problem(response, 500, "handler-failed")
    assert b"hunter2" not in response.data
    assert rows(database, "SELECT count(*) FROM refusals") == [(0,)]
    handle(lambda _: "mended")
    assert post(flask, form(POST_CALL)).get_json() == {"append": "mended"}


def test_a_store_that_fails_is_503_and_keeps_its_reason_to_itself(flask: FlaskClient, database: Path) -> None:
    drop(database, "deliveries")
    response = post(flask, form(POST_CALL))
    problem(response, 503, "store-unavailable")
    assert b"no such table" not in response.data


def test_a_refusal_that_cannot_be_kept_is_refused_all_the_same(
    environ: dict[str, str], database: Path, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    flask = client(environ)
    drop(database, "refusals")
    problem(post(flask, b"utm=1"), 422, "macro-mismatch")
    told = [line for line in log_lines() if line["event"].startswith("refus")]
    assert [(line["event"], line.get("cause")) for line in told] == [
        ("refusal not kept", "no such table: refusals"),
        ("refused", None),
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_the_webhook_takes_post_and_nothing_else(flask: FlaskClient, method: str) -> None:
    response = flask.open("/webhook", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    if method == "HEAD":
        assert response.data == b""
    else:
        document = problem(response, 405, "method-not-allowed")
        assert document["detail"] == f"{method} is not answered at /webhook"


def test_the_health_pages_say_which_methods_they_take(flask: FlaskClient) -> None:
    response = flask.post("/healthz")
    assert problem(response, 405, "method-not-allowed")["remedy"] == "use GET, HEAD, OPTIONS"
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_another_path_is_404(flask: FlaskClient) -> None:
    assert problem(flask.post("/other"), 404, "not-found")["detail"] == "nothing is at /other"


class Unreadable(io.BytesIO):
    def read(self, _: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


def test_a_body_that_says_it_is_too_large_is_refused_unread(environ: dict[str, str], database: Path) -> None:
    flask = client({**environ, "KAISA_MAX_BODY": "1024"})
    response = flask.post(
        "/webhook", input_stream=Unreadable(), content_type=FORM, environ_overrides={"CONTENT_LENGTH": "1025"}
    )
    assert problem(response, 413, "body-too-large")["detail"] == "the body is over 1,024 bytes"
    assert rows(database, "SELECT count(*) FROM refusals") == [(0,)]


def test_a_body_of_exactly_the_limit_is_taken(environ: dict[str, str]) -> None:
    flask = client({**environ, "KAISA_MAX_BODY": "1024"})
    body = form({**POST_CALL, "details": "x" * (1024 - len(form(POST_CALL)))})
    assert len(body) == 1024
    assert post(flask, body).status_code == 200
    problem(post(flask, body + b"x"), 413, "body-too-large")


def test_a_body_that_ends_early_is_refused(flask: FlaskClient) -> None:
    body = io.BytesIO(b"id=call-1")
    response = flask.post("/webhook", input_stream=body, content_type=FORM, environ_overrides={"CONTENT_LENGTH": "100"})
    assert problem(response, 400, "truncated-body")["detail"] == "the body ended before its Content-Length"


def test_the_health_page_says_that_the_process_lives(flask: FlaskClient, database: Path) -> None:
    drop(database, "refusals")
    response = flask.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "alive"})


def test_the_ready_page_says_whether_a_delivery_could_be_stored(flask: FlaskClient, database: Path) -> None:
    response = flask.get("/readyz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ready"})
    drop(database, "probe")
    problem(flask.get("/readyz"), 503, "store-unavailable")


@pytest.mark.parametrize("path", ["/webhook", "/healthz", "/readyz", "/nothing"])
def test_no_answer_is_kept_guessed_at_framed_or_run_by_a_browser(flask: FlaskClient, path: str) -> None:
    headers = flask.get(path).headers
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_webhook_answers_at_the_path_that_is_set(environ: dict[str, str]) -> None:
    flask = client({**environ, "KAISA_WEBHOOK_PATH": "/kaisa/calls"})
    assert flask.post("/kaisa/calls", data=form(POST_CALL), content_type=FORM).status_code == 200
    assert flask.post("/webhook").status_code == 404


@pytest.mark.parametrize(("proxies", "remote"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.7")])
def test_a_forwarded_address_is_believed_from_as_many_proxies_as_are_trusted(
    environ: dict[str, str], database: Path, proxies: str, remote: str
) -> None:
    flask = client({**environ, "KAISA_TRUSTED_PROXIES": proxies})
    flask.post("/webhook", data=b"x", content_type=FORM, headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert rows(database, "SELECT remote FROM refusals") == [(remote,)]


def test_an_error_of_our_own_is_500_without_its_text(flask: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr("receiver.receive.body.decode", broken)
    response = post(flask, form(POST_CALL))
    problem(response, 500, "internal-error")
    assert b"hunter2" not in response.data


def test_a_duplicate_over_http_is_answered_the_same(flask: FlaskClient, handle: Callable[[Handler], None]) -> None:
    first = post(flask, form(POST_CALL)).data
    handle(lambda _: "another")
    assert post(flask, form(POST_CALL)).data == first
