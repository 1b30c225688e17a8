"""Kaisa's sending side in the tests of other projects: what it sends, what goes wrong on the way, what it tells."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask import Flask, Response, request
from pytest_httpserver import HTTPServer

from receiver import wire
from sender_sim.certs import DevelopmentKeys
from sender_sim.reading import SettingsError
from sender_sim.testing import Faults, Fields, OpenSender, Sender, open_sender
from tests.openssl import KeyPair

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


class Endpoint:
    """A WSGI application without any framework: it keeps what it got, and answers `answers` in turn."""

    def __init__(self, *answers: tuple[str, bytes]) -> None:
        self.answers = list(answers) or [("200 OK", b"")]
        self.got: list[bytes] = []
        self.threads: list[int] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.got.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.threads.append(threading.get_ident())
        status, body = self.answers[min(len(self.got), len(self.answers)) - 1]
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    @property
    def fields(self) -> dict[str, str]:
        """What the last form held."""
        return dict(parse_qsl(self.got[-1].decode(), keep_blank_values=True, strict_parsing=True))


DOWN = ("503 Service Unavailable", b"busy")
UP = ("200 OK", b'{"append": "noted"}')


def to(endpoint: Any, **options: Any) -> Sender:
    return open_sender(endpoint, start=START, **options)


def test_a_post_call_is_one_attempt_with_a_sample_of_a_call() -> None:
    endpoint = Endpoint(UP)
    result = to(endpoint).post_call(from_nr="+46701740605", answered=True)
    assert result.delivered
    assert (result.status, result.append, result.violations) == (200, "noted", ())
    assert [(attempt.number, attempt.at, attempt.status, attempt.body) for attempt in result.attempts] == [
        (1, START, 200, b'{"append": "noted"}')
    ]
    assert endpoint.fields["from_nr"] == "+46701740605"
    assert (endpoint.fields["answered"], endpoint.fields["event_type"]) == ("1", "0")
    assert (endpoint.fields["id"], endpoint.fields["start"]) == (result.id, "2026-03-02 08:58:57")
    assert endpoint.got == [result.request.body]


def test_a_pre_call_and_the_post_call_can_be_of_one_call() -> None:
    endpoint = Endpoint()
    kaisa = to(endpoint)
    before = kaisa.pre_call()
    assert (endpoint.fields["event_type"], endpoint.fields["answered"], endpoint.fields["duration"]) == ("2", "0", "0")
    kaisa.post_call(id=before.id)
    assert (endpoint.fields["event_type"], endpoint.fields["id"]) == ("0", before.id)


def test_an_sms_has_its_text_in_details() -> None:
    endpoint = Endpoint()
    to(endpoint).sms(details="Ring mig & säg till 😀")
    assert (endpoint.fields["event_type"], endpoint.fields["details"]) == ("1", "Ring mig & säg till 😀")


def test_each_call_is_another_one() -> None:
    kaisa = to(Endpoint())
    assert len({kaisa.post_call().id for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"answered": False}, {"answered": "0"}),
        ({"answered": "yes"}, {"answered": "yes"}),
        ({"duration": 90}, {"duration": "90"}),
        ({"duration": timedelta(minutes=2, seconds=1.9)}, {"duration": "121"}),
        ({"custnr": None, "channel": ""}, {"custnr": "", "channel": ""}),
        ({"start": datetime(2026, 1, 2, 3, 4, 5)}, {"start": "2026-01-02 03:04:05"}),  # noqa: DTZ001 - as people write it
        (
            {"start": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))},
            {"start": "2026-01-02 02:04:05"},
        ),
        ({"fsid": "x", "id": "y"}, {"fsid": "x", "id": "y"}),
    ],
)
def test_fields_are_sent_as_kaisa_writes_them(given: dict[str, Any], sent: dict[str, str]) -> None:
    endpoint = Endpoint()
    to(endpoint).post_call(**given)
    assert {name: endpoint.fields[name] for name in sent} == sent


@pytest.mark.parametrize(
    ("given", "start", "duration"),
    [
        ({}, "2026-03-02 08:58:57", "63"),
        ({"duration": timedelta(minutes=30)}, "2026-03-02 08:30:00", "1800"),
        ({"answered": False}, "2026-03-02 09:00:00", "0"),
        ({"answered": False, "duration": 5}, "2026-03-02 08:59:55", "5"),
        ({"start": "2026-03-02 08:00:00"}, "2026-03-02 08:00:00", "63"),
        ({"duration": "long"}, "2026-03-02 09:00:00", "long"),
        ({"duration": 10**12}, "2026-03-02 09:00:00", "1000000000000"),
    ],
)
def test_a_call_ends_when_its_post_call_is_sent_and_a_missed_one_took_no_time(
    given: dict[str, Any], start: str, duration: str
) -> None:
    endpoint = Endpoint()
    to(endpoint).post_call(**given)
    assert (endpoint.fields["start"], endpoint.fields["duration"]) == (start, duration)


def test_every_field_of_the_contract_can_be_given_and_no_other() -> None:
    fields = {field.name for field in wire.FIELDS}
    assert set(Fields.__annotations__) - set(Faults.__annotations__) == fields - {"event_type"}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"form_nr": "1"}, TypeError, "'form_nr' is no field of a call; did you mean from_nr?"),
        ({"event_type": 1}, TypeError, "'event_type' follows from the method"),
        ({"custnr": 1.5}, TypeError, r"custnr=1\.5 has no text of its own"),
        ({"recording_id": "r"}, ValueError, r"the macro does not send \{recording_id\}"),
    ],
)
def test_what_cannot_be_sent_is_told(given: dict[str, Any], error: type[Exception], words: str) -> None:
    endpoint = Endpoint()
    with pytest.raises(error, match=words):
        to(endpoint).post_call(**given)
    assert endpoint.got == []


def test_after_a_lost_answer_the_same_bytes_come_again_half_an_hour_later() -> None:
    endpoint = Endpoint(("200 OK", b'{"append": "first"}'), ("200 OK", b'{"append": "second"}'))
    kaisa = to(endpoint)
    result = kaisa.post_call(lose_answer=1)
    assert [str(attempt.outcome) for attempt in result.attempts] == ["reset: answer lost (fault)", "200 OK"]
    assert result.attempts[1].at - result.attempts[0].at == HALF_HOUR
    assert endpoint.got[0] == endpoint.got[1]
    assert result.append == "second"
    assert kaisa.now == START + HALF_HOUR


def test_connections_are_refused_before_answers_are_lost() -> None:
    endpoint = Endpoint()
    result = to(endpoint).post_call(refuse=2, lose_answer=3)
    assert [str(attempt.outcome).partition(" (fault)")[0] for attempt in result.attempts] == [
        "connect: connection refused", "connect: connection refused",
        "reset: answer lost", "reset: answer lost", "reset: answer lost",
        "200 OK",
    ]  # fmt: skip
    assert len(endpoint.got) == 4
    assert result.attempts[-1].at == START + 5 * HALF_HOUR


def test_other_faults_are_given_in_words() -> None:
    endpoint = Endpoint()
    result = to(endpoint).sms(faults=["status:code=502,attempts=1-2,before=true"])
    assert [attempt.status for attempt in result.attempts] == [502, 502, 200]
    assert len(endpoint.got) == 1


def test_every_mistake_in_faults_is_told() -> None:
    with pytest.raises(SettingsError, match=r"answer-lots.* is no fault; did you mean answer-lost") as raised:
        to(Endpoint()).sms(faults=["answer-lots", "status"])
    assert len(raised.value.problems) == 2


def test_an_endpoint_that_always_fails_is_left_after_five_attempts() -> None:
    endpoint = Endpoint(DOWN)
    result = to(endpoint).post_call()
    assert not result.delivered
    assert (len(result.attempts), len(endpoint.got), result.status) == (5, 5, 503)


def test_attempts_that_something_was_to_go_wrong_with_are_not_counted() -> None:
    endpoint = Endpoint(DOWN)
    result = to(endpoint, attempts=2).post_call(refuse=3)
    assert (len(result.attempts), len(endpoint.got)) == (5, 2)


def test_it_is_followed_to_the_end_of_the_seven_days_if_that_is_asked_for() -> None:
    result = to(Endpoint(DOWN), attempts=1000).post_call()
    assert len(result.attempts) == 337
    assert result.attempts[-1].at == START + timedelta(days=7)


def test_without_retries_there_is_one_attempt() -> None:
    result = to(Endpoint(DOWN), retry=False).post_call()
    assert (len(result.attempts), result.delivered) == (1, False)


def test_an_endpoint_that_recovers_gets_its_delivery() -> None:
    result = to(Endpoint(DOWN, DOWN, UP)).post_call()
    assert [attempt.status for attempt in result.attempts] == [503, 503, 200]
    assert (result.delivered, result.append) == (True, "noted")


def test_what_breaks_the_contract_is_told_and_not_saved() -> None:
    result = to(Endpoint(("200 OK", b'{"append": "' + b"x" * 41 + b'"}'))).post_call()
    assert result.delivered
    assert result.append is None
    assert [violation.partition(":")[0] for violation in result.violations] == ["R7"]


def test_a_duplicate_is_the_same_delivery_byte_for_byte() -> None:
    endpoint = Endpoint()
    kaisa = to(endpoint)
    first = kaisa.post_call(details="once")
    again = kaisa.again(first, lose_answer=1)
    assert len(endpoint.got) == 3
    assert len(set(endpoint.got)) == 1
    assert (again.id, len(again.attempts)) == (first.id, 2)


def test_settings_are_those_of_an_integration() -> None:
    endpoint = Endpoint()
    kaisa = to(endpoint, json=True, macro="caller={from_nr}&rec={recording_id}&id={id}", wait_for_recording=True)
    kaisa.post_call(id="x", from_nr="+46701740605")
    assert endpoint.got == [b'{"caller":"+46701740605","rec":"rec-x","id":"x"}']
    kaisa.pre_call(id="x", from_nr="+46701740605")
    assert endpoint.got[1] == b'{"caller":"+46701740605","rec":"","id":"x"}'


def test_a_signed_delivery_verifies_with_openssl(key_pair: KeyPair) -> None:
    endpoint = Endpoint()
    kaisa = OpenSender(lambda: key_pair.private)(endpoint, signed=True, digest="sha512", encoding="hex")
    kaisa.post_call()
    payload, sign = endpoint.fields["payload"].encode(), bytes.fromhex(endpoint.fields["sign"])
    assert sign == key_pair.sign(payload, digest="sha512")


def test_no_key_is_asked_for_unless_it_is_to_be_signed() -> None:
    def key() -> Path:
        raise AssertionError("nobody signs")

    endpoint = Endpoint()
    OpenSender(key)(endpoint).post_call()
    assert "sign" not in endpoint.fields


def test_an_application_is_called_at_its_path_in_the_threads_of_its_test() -> None:
    app = Flask("app")
    database = sqlite3.connect(":memory:")  # may be used in the thread that made it, and in no other
    database.execute("CREATE TABLE calls (id TEXT)")

    @app.post("/kaisa/<tenant>")
    def take(tenant: str) -> Response:
        database.execute("INSERT INTO calls VALUES (?)", (tenant + request.form["id"],))
        return Response("")

    with app.app_context():
        assert to(app, path="/kaisa/a").post_call(id="1").delivered
    assert database.execute("SELECT id FROM calls").fetchall() == [("a1",)]
    database.close()


def test_an_exception_in_the_application_is_a_500_that_says_which() -> None:
    def app(environ: dict[str, Any], _: Any) -> Iterable[bytes]:
        raise KeyError(environ["PATH_INFO"])

    result = to(app, attempts=1).post_call(id="x")
    assert result.status == 500
    assert repr(result) == (
        "<post-call of x: attempt 1 -> 500 Internal Server Error; "
        """NOT DELIVERED, answered b"KeyError('/webhook')">"""
    )


def test_a_result_tells_all_where_an_assertion_fails() -> None:
    result = to(Endpoint(DOWN, DOWN, UP)).post_call(id="x")
    assert repr(result) == (
        "<post-call of x: attempts 1-2 -> 503 Service Unavailable; attempt 3 -> 200 OK; saved: 'noted'>"
    )
    violating = to(Endpoint(("200 OK", b'{"append": 1}'))).sms(id="y")
    assert repr(violating).startswith("<sms of y: attempt 1 -> 200 OK; BREAKS R7: ")


def test_a_path_that_would_become_part_of_the_host_is_told() -> None:
    with pytest.raises(SettingsError, match=r"^path: 'hooks/kaisa' must begin with '/'$"):
        to(Endpoint(), path="hooks/kaisa")


def test_a_start_without_a_time_zone_is_utc_as_fields_are(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint()
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "America/New_York")
            time.tzset()
            sender = open_sender(endpoint, start=START.replace(tzinfo=None))
            result = sender.post_call()
    finally:
        time.tzset()
    assert endpoint.fields["start"] == "2026-03-02 08:58:57"  # the sample has 63 seconds
    assert (sender.now, result.attempts[0].at) == (START, START)


def test_an_application_that_takes_longer_than_the_deadline_has_failed() -> None:
    result = to(Endpoint(), timeout=1e-9, attempts=1).post_call()
    assert not result.delivered
    assert str(result.attempts[0].outcome).startswith("timeout: ")


def test_it_works_where_an_event_loop_is_running() -> None:
    endpoint = Endpoint()

    async def test() -> bool:
        return to(endpoint).post_call(lose_answer=1).delivered

    assert asyncio.run(test())
    assert len(endpoint.got) == 2


def test_the_event_loop_that_a_test_has_set_stays_set() -> None:
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        endpoint = Endpoint()
        to(endpoint).post_call()
        assert asyncio.get_event_loop() is mine
        assert endpoint.threads == [threading.get_ident()]
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_an_endpoint_can_be_a_url(server: HTTPServer, development_keys: DevelopmentKeys) -> None:
    server.expect_request("/hook").respond_with_json({"append": "over https"})
    result = to(server.url_for("/hook"), ca=development_keys.ca).post_call(id="x", lose_answer=1)
    assert (result.delivered, result.append, len(server.log)) == (True, "over https", 2)
    assert server.log[0][0].form["id"] == "x"


def test_what_cannot_be_used_is_told_all_at_once_and_in_terms_of_the_call(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        to("http://localhost/hook", ca=tmp_path / "none.pem", macro="id={di}", digest="md5")
    text = str(raised.value)
    for words in ("url: ", ", or give allow_http=True)", "ca: ", "none.pem cannot be used", "{di}", "md5"):
        assert words in text
    assert "--" not in text


def test_http_is_permitted_to_this_machine_if_that_is_asked_for() -> None:
    with HTTPServer(host="127.0.0.1", port=0) as plain:
        plain.expect_request("/hook").respond_with_data("")
        assert to(plain.url_for("/hook"), allow_http=True).post_call().delivered
