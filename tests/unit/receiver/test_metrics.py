"""The figures for Prometheus, and the id that a request carries through the log."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver import build
from receiver.metrics import Metrics
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.unit.receiver.conftest import client, drop
from tests.unit.receiver.samples import delivery

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def flask(environ: dict[str, str]) -> FlaskClient:
    return client(environ | {"KAISA_METRICS_TOKEN": "secret"})


def figures(flask: FlaskClient) -> dict[str, float]:
    page = flask.get("/metrics", headers=TOKEN)
    assert page.status_code == 200
    lines = [line.rpartition(" ") for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_requests_are_counted_by_their_answer(flask: FlaskClient) -> None:
    for _ in range(3):
        flask.post("/webhook", data=form(POST_CALL), content_type=FORM)
    flask.post("/webhook", data=b"x=%", content_type=FORM)
    counted = figures(flask)
    assert counted['kaisa_requests_total{code="accepted",status="200"}'] == 3
    assert counted['kaisa_requests_total{code="malformed-form",status="400"}'] == 1
    assert counted['kaisa_accepted_total{duplicate="no",event_type="post-call"}'] == 1
    assert counted['kaisa_accepted_total{duplicate="yes",event_type="post-call"}'] == 2
    assert counted["kaisa_request_seconds_count"] == 4


def test_what_waits_in_the_store_is_counted_with_its_age(environ: dict[str, str]) -> None:
    inbox = build.open_inbox(environ["DATABASE_URL"])
    inbox.accept(delivery("1", key="event:1"))
    stored = inbox.accept(delivery("2", key="event:2", at=NOON + timedelta(seconds=5)))
    assert stored.claim is not None
    inbox.fail(stored.id, stored.claim, "Traceback")
    page = Metrics(inbox).page(NOON + timedelta(seconds=60)).decode()
    assert 'kaisa_unhandled{state="handling"} 1.0' in page
    assert 'kaisa_unhandled{state="failed"} 1.0' in page
    assert 'kaisa_unhandled{state="received"} 0.0' in page
    assert 'kaisa_unhandled_age_seconds{state="handling"} 60.0' in page
    assert 'kaisa_unhandled_age_seconds{state="failed"} 55.0' in page


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer s\xe9cret"}])
def test_without_the_token_there_is_no_page(flask: FlaskClient, header: dict[str, str]) -> None:
    assert flask.get("/metrics", headers=header).status_code == 404


def test_without_a_token_in_the_settings_there_is_no_page_at_all(environ: dict[str, str]) -> None:
    assert client(environ).get("/metrics", headers=TOKEN).status_code == 404


def test_the_counters_are_there_when_the_store_is_not(flask: FlaskClient, database: Path) -> None:
    flask.post("/webhook", data=b"x=%", content_type=FORM)
    assert figures(flask)["kaisa_store_up"] == 1
    drop(database, "deliveries")
    counted = figures(flask)
    assert counted["kaisa_store_up"] == 0
    assert counted['kaisa_requests_total{code="malformed-form",status="400"}'] == 1
    assert [name for name in counted if name.startswith("kaisa_unhandled")] == []


def test_every_answer_names_its_request_and_the_log_does_too(flask: FlaskClient, log_lines: Any) -> None:
    answer = flask.post("/webhook", data=form(POST_CALL), content_type=FORM)
    name = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", name)
    (line,) = log_lines()
    assert line["request"] == name
    assert flask.get("/healthz").headers["X-Request-ID"] != name


def test_a_proxys_name_for_the_request_is_kept_if_it_is_one(flask: FlaskClient) -> None:
    assert flask.get("/healthz", headers={"X-Request-ID": "edge-42.a_b"}).headers["X-Request-ID"] == "edge-42.a_b"
    for odd in ("", "a b", "x" * 65, "<script>", "46701234567"):
        assert re.fullmatch(
            "[0-9a-f]{16}", flask.get("/healthz", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
        )
