"""They behave as docs/contract.md asks of a receiver, so that checks of receivers can be tried on them."""

import json
import subprocess

import pytest

from sender_sim.core import encode
from tests.independent.receivers import Receiver
from tests.independent.sending import altered, answered, request, signer

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def problem(receiver: Receiver, body: bytes, content_type: str = FORM) -> int:
    """The status of an answer that says in JSON what is wrong."""
    answer = answered(receiver, altered(request(receiver, {}), body=body, content_type=content_type))
    assert dict(answer.headers)["Content-Type"] == "application/problem+json"
    document = json.loads(answer.body)
    assert document["status"] == answer.status
    assert document["title"]
    return answer.status


def test_the_same_delivery_again_gets_the_same_answer(receiver: Receiver) -> None:
    sent = request(receiver, {"id": "again"})
    first, second = answered(receiver, sent), answered(receiver, sent)
    assert (first.status, first.body) == (second.status, second.body)
    append = json.loads(first.body)["append"]
    assert append.startswith(f"{receiver.name} ")
    assert len(append) <= 40
    other = answered(receiver, request(receiver, {"id": "other"}))
    assert json.loads(other.body)["append"] != append


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"payload=%zz&sign=x", FORM),
        (b"payload=%E9&sign=x", FORM),
        (b"payload=1&payload=2&sign=x", FORM),
        (b"", FORM),
        (b"{", JSON),
        (b'["payload", "sign"]', JSON),
        (b"{}", JSON),
        (b"\xff", JSON),
        (b"", JSON),
        (b'"text"', JSON),
        (b"null", JSON),
    ],
)
def test_what_cannot_be_read_is_400(receiver: Receiver, body: bytes, content_type: str) -> None:
    assert problem(receiver, body, content_type) == 400


@pytest.mark.parametrize(("payload", "encoding"), [("a=%zz", "form"), ("", "form"), ("{", "json"), ("[]", "json")])
def test_what_is_signed_and_cannot_be_read_is_400(receiver: Receiver, payload: str, encoding: str) -> None:
    body = encode.data([("payload", payload), ("sign", signer(receiver).sign(payload.encode()))], encoding)
    assert problem(receiver, body, {"form": FORM, "json": JSON}[encoding]) == 400


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"payload=a%3D1", FORM),
        (b"sign=x", FORM),
        (b"payload=a%3D1&sign=", FORM),
        (b'{"payload": "{}"}', JSON),
        (b'{"payload": "{}", "sign": null}', JSON),
        (b'{"payload": {"a": "1"}, "sign": ""}', JSON),
    ],
)
def test_what_has_no_signature_is_401(receiver: Receiver, body: bytes, content_type: str) -> None:
    assert problem(receiver, body, content_type) == 401


@pytest.mark.parametrize("sign", ["!", "AAAA", "é", "00", 3, ["x"]])
def test_a_signature_that_is_none_is_403(receiver: Receiver, sign: object) -> None:
    assert problem(receiver, json.dumps({"payload": "{}", "sign": sign}).encode(), JSON) == 403


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/jsonp", "x"])
def test_other_content_types_are_415(receiver: Receiver, content_type: str) -> None:
    assert problem(receiver, b"a=1", content_type) == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x"])
def test_a_content_type_may_have_parameters_and_any_case(receiver: Receiver, content_type: str) -> None:
    sent = request(receiver, {}, encoding="json")
    assert answered(receiver, altered(sent, content_type=content_type)).status == 200


def test_what_is_too_large_is_413(receiver: Receiver) -> None:
    assert problem(receiver, b"a=" + b"x" * 262_144) == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405_and_told_which_is_allowed(receiver: Receiver, method: str) -> None:
    command = ["curl", "--silent", "--include", "--cacert", str(receiver.ca), "--request", method, receiver.url]
    answer = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout.decode()
    head, _, body = answer.partition("\r\n\r\n")
    status, *headers = head.lower().split("\r\n")
    assert status.split(" ")[1] == "405"
    assert "allow: post" in headers
    assert json.loads(body)["status"] == 405
