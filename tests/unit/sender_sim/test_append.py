"""R7: what an endpoint's answer saves with the call, and what breaks the contract."""

import json

import pytest

from sender_sim.core import events
from sender_sim.core.outcome import Answered, Failed, Failure
from sender_sim.core.rules import Append, Violation, read_append
from tests.unit.sender_sim.scripted import START, Scripted, a_call, always, of, play

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"


def answered(append: object) -> Answered:
    return Answered(200, json.dumps({"append": append}).encode())


@pytest.mark.parametrize(
    "text",
    ["x", "", "a" * 40, "ö" * 40, "😀" * 40, FAMILY * 8, 'quotes " and \\ \n', "\0", "\ud83d"],
    ids=ascii,
)
def test_up_to_forty_code_points_are_saved_as_they_came(text: str) -> None:
    assert len(text) <= 40
    assert read_append(answered(text)) == Append(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("a" * 41, 41), ("😀" * 41, 41), (FAMILY * 9, 45), ("e\N{COMBINING ACUTE ACCENT}" * 21, 42), ("a" * 5000, 5000)],
    ids=["letters", "emoji", "families", "combining", "very long"],
)
def test_over_forty_code_points_break_r7_and_nothing_is_saved(text: str, count: int) -> None:
    expected = Violation("R7", f"the append has {count} characters; 40 are saved at most")
    assert read_append(answered(text)) == expected


@pytest.mark.parametrize(
    ("append", "shown"),
    [(None, "null"), (5, "5"), (1.5, "1.5"), (True, "true"), (["a"], '["a"]'), ({"a": "b"}, '{"a": "b"}')],
)
def test_an_append_that_is_not_text_breaks_r7(append: object, shown: str) -> None:
    assert read_append(answered(append)) == Violation("R7", f"the append is not text: {shown}")


def test_an_append_given_twice_breaks_r7_even_if_both_are_equal() -> None:
    expected = Violation("R7", "the answer names 'append' twice")
    assert read_append(Answered(200, b'{"append": "a", "append": "a"}')) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"append": "cut sho',
        b'{"append": "x"} and more',
        b"{'append': 'x'}",
        b' \r\n\t{"append": x}',
        b'{"append": "\xe9"}',
        b'["append"',
        b"[" * 100_000,
        b'\xef\xbb\xbf{"append": "after a byte order mark"}',
    ],
    ids=lambda body: ascii(body[:24]),
)
def test_an_answer_that_means_to_be_json_and_is_not_breaks_r7(body: bytes) -> None:
    violation = read_append(Answered(200, body))
    assert isinstance(violation, Violation)
    assert violation.rule == "R7"
    assert violation.what.startswith("the answer is not readable JSON: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html>",
        b"\xff\xfe",
        b"append=x",
        b"{}",
        b'{"other": 1}',
        b'"append"',
        b'["append"]',
        b"null",
        b"1",
    ],
)
def test_an_answer_without_an_append_asks_for_nothing(body: bytes) -> None:
    assert read_append(Answered(200, body)) is None


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 500, 503])
@pytest.mark.parametrize("body", [b'{"append": "x"}', b'{"append": null}', b"{"])
def test_an_answer_counts_only_with_status_200(status: int, body: bytes) -> None:
    assert read_append(Answered(status, body)) is None


def test_no_answer_asks_for_nothing() -> None:
    assert read_append(Failed(Failure.TIMEOUT)) is None


def test_an_append_is_saved_with_its_call_in_the_stream() -> None:
    happened = play(a_call(), Scripted(always(answered("noted"))))
    assert of(happened, events.AppendSaved) == [events.AppendSaved(START, "a/post-call", "a", "noted")]
    assert of(happened, events.ContractViolated) == []


def test_a_violation_is_reported_nothing_is_saved_and_the_delivery_is_over_all_the_same() -> None:
    endpoint = Scripted(always(answered("a" * 41)))
    happened = play(a_call(), endpoint)
    assert happened[-2:] == [
        events.ContractViolated(START, "a/post-call", 1, "R7", "the append has 41 characters; 40 are saved at most"),
        events.Delivered(START, "a/post-call", 1),
    ]
    assert of(happened, events.AppendSaved) == []
    assert len(endpoint.sent) == 1


def test_only_the_answer_with_200_of_several_attempts_is_saved() -> None:
    endpoint = Scripted(
        lambda attempt: Answered(500 if attempt.number < 3 else 200, b'{"append": "%d"}' % attempt.number)
    )
    assert [saved.append for saved in of(play(a_call(), endpoint), events.AppendSaved)] == ["3"]
