"""The HTTP Archive of an examination: valid, whole, and read back by a reader that is not its writer."""

import json
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema_rs

from receiver.diagnosis import capture
from sender_sim.checks.model import Examination, Verdict
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered
from sender_sim.reports.findings_har import as_dict
from tests.checks.endpoint import Endpoint
from tests.checks.examining import findings_of
from tests.checks.told import AT, EVERYTHING, examination, exchange, finding, request, unanswered

SCHEMA = jsonschema_rs.validator_for(json.loads((Path(__file__).parents[1] / "schemas" / "har.json").read_text()))
MIB = 1024 * 1024


def written(told: Examination) -> dict[str, Any]:
    document = json.loads(json.dumps(as_dict(told)))
    assert [str(error) for error in SCHEMA.iter_errors(document)] == []
    log: dict[str, Any] = document["log"]
    assert {each["pageref"] for each in log["entries"]} == {page["id"] for page in log["pages"]}
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # raises for a lone surrogate, which many readers refuse
    return log


def entry(each: Exchange) -> dict[str, Any]:
    [found] = written(examination([finding("answer-200", Verdict.BROKEN, made=[each])]))["entries"]
    assert isinstance(found, dict)
    return found


def test_a_check_is_a_page_and_what_it_made_are_its_entries() -> None:
    log = written(EVERYTHING)
    assert Counter(each["pageref"] for each in log["entries"]) == {
        "append-length": 1, "answer-200": 1, "reachable": 1, "method-get": 1, "body-empty": 6, "signed-accepted": 1,
    }  # fmt: skip
    assert log["pages"][1]["title"] == "answer-200: broken: happened at answer-200"
    assert log["pages"][1]["startedDateTime"] == AT.isoformat()


def test_every_request_that_the_endpoint_got_is_in_it_with_its_answer() -> None:
    seen: list[tuple[str, bytes]] = []
    app = Endpoint()

    def watched(environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        seen.append((environ["REQUEST_METHOD"], body[:MIB]))
        environ["wsgi.input"] = BytesIO(body)
        return app(environ, start_response)

    log = written(examination(findings_of(watched)))
    assert len(seen) > 50
    archived = [
        (each["request"]["method"], capture._har_body(each["request"].get("postData", {}))[0])
        for each in log["entries"]
    ]
    assert Counter(archived) == Counter(seen)
    assert {each["response"]["status"] for each in log["entries"]} >= {200, 400, 405, 415}


def test_a_request_is_told_as_it_was_sent() -> None:
    found = entry(exchange(b"id=1&text=%C3%A5"))["request"]
    assert found["url"] == "https://endpoint.example/hook?a=1&b=<i>"
    assert found["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "<i>"}]
    assert found["postData"] == {"mimeType": "application/x-www-form-urlencoded", "text": "id=1&text=%C3%A5"}
    assert found["bodySize"] == 16
    assert {each["name"]: each["value"] for each in found["headers"]} == {
        "Host": "endpoint.example",
        "Accept": "*/*",
        "User-Agent": "kaisa-webhook-kit-sender-sim",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": "16",
    }


def test_an_answer_is_told_as_it_came_with_how_long_it_took() -> None:
    found = entry(exchange(answer='{"append": "å"}'.encode()))
    assert found["response"]["status"] == 200
    assert found["response"]["statusText"] == "OK"
    assert found["response"]["content"] == {"size": 16, "mimeType": "application/json", "text": '{"append": "å"}'}
    assert found["time"] == found["timings"]["wait"] == 500


def test_a_request_without_a_body_has_none() -> None:
    found = entry(Exchange(request(b"", method="GET", content_type=""), Answered(405), AT))["request"]
    assert found["method"] == "GET"
    assert "postData" not in found
    assert {each["name"] for each in found["headers"]} == {"Host", "Accept", "User-Agent"}


def test_bytes_that_are_no_text_are_kept_in_base64_and_read_back_by_the_receivers_doctor() -> None:
    every_byte = bytes(range(256))
    told = examination([finding("answer-200", Verdict.BROKEN, made=[exchange(every_byte, every_byte)])])
    document = as_dict(told)
    [found] = written(told)["entries"]
    assert found["request"]["postData"]["encoding"] == "base64"
    assert found["response"]["content"]["encoding"] == "base64"
    read = capture.parse(json.dumps(document).encode())
    assert (read.body, read.content_type, read.path) == (every_byte, "application/x-www-form-urlencoded", "/hook")


def test_where_there_was_no_answer_the_error_is_told() -> None:
    found = entry(unanswered())["response"]
    assert (found["status"], found["_error"]) == (0, "reset: connection reset by peer")


def test_of_a_body_that_is_too_large_on_purpose_the_beginning_is_kept() -> None:
    found = entry(exchange(b"x" * (MIB + 1)))["request"]
    assert found["postData"]["text"] == "x" * MIB
    assert found["postData"]["comment"] == "the first 1048576 of 1048577 bytes"
    assert found["bodySize"] == MIB + 1


def test_what_checks_share_is_told_once() -> None:
    shared = exchange()
    found = [finding(name, Verdict.KEPT, made=[shared]) for name in ("reachable", "answer-200")]
    assert [each["pageref"] for each in written(examination(found))["entries"]] == ["reachable"]


def test_two_exchanges_that_are_equal_are_told_both() -> None:
    found = finding("duplicate-accepted", Verdict.KEPT, made=[exchange(), exchange()])
    assert len(written(examination([found]))["entries"]) == 2
