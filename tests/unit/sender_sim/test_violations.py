"""What breaks the contract has one name for all of its kind, whatever the figures of one answer, and a remedy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.core.rules import Violation, read_append
from sender_sim.core.violations import broken, kind_of

# Every answer to a 200 that breaks R7, and its name.
R7 = {
    b'{"append": "%s"}' % (b"a" * 41): "R7: the append is over 40 characters",
    b'{"append": "%s"}' % (b"a" * 999): "R7: the append is over 40 characters",
    b'{"append": 12}': "R7: the append is not text",
    b'{"append": ["a"]}': "R7: the append is not text",
    b'{"append": ["': "R7: the answer is not readable JSON",
    b'{"append": "\xe9"}': "R7: the answer is not readable JSON",
    b'{"append": "a", "append": "b"}': "R7: the answer names 'append' twice",
    b"{" + b" " * 2_000_000: "R7: the answer is far too long",
}


def answer(body: bytes) -> Answered:
    return Answered(200, body[:1_048_576], cut=len(body) > 1_048_576)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Answered(200), None),
        (Answered(200, b'{"append": "x"}'), None),
        (Answered(200, b"OK"), None),
        (Answered(201, b'{"append": "x"}'), "R2: 201 Created"),
        (Answered(302), "R2: 302 Found"),
        (Answered(503, b'{"append": 12}'), "R2: 503 Service Unavailable"),
        (Answered(599), "R2: 599"),
        (Failed(Failure.CONNECT, "connection refused"), "R2: connect: connection refused"),
        (Failed(Failure.TLS, "handshake failure (_ssl.c:1006)"), "R2: tls: handshake failure"),
        (Failed(Failure.RESET), "R2: reset"),
        (Failed(Failure.TIMEOUT, "no whole answer after 20 s"), "R3: no whole answer after 20 s"),
    ],
    ids=str,
)
def test_an_outcome_breaks_a_rule_under_a_name_or_breaks_none(outcome: Outcome, name: str | None) -> None:
    assert broken(outcome) == name


@pytest.mark.parametrize("body", R7, ids=lambda body: ascii(body[:24]))
def test_an_append_that_breaks_r7_has_a_name_and_a_remedy(body: bytes) -> None:
    assert broken(answer(body)) == R7[body]
    violation = read_append(answer(body))
    assert isinstance(violation, Violation)
    assert kind_of(violation.what).remedy != kind_of("what nobody knows").remedy


_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
_BODIES = st.one_of(
    st.binary(),
    st.builds(lambda value: json.dumps({"append": value}).encode(), _VALUES),
    st.builds(lambda end: b'{"append": ' + end, st.binary()),
)


@given(_BODIES)
def test_no_answer_breaks_r7_under_a_name_of_its_own(body: bytes) -> None:
    assert broken(Answered(200, body)) in {None, *R7.values()}


def test_a_violation_that_nobody_knows_keeps_its_words() -> None:
    assert kind_of("what nobody knows").name == "what nobody knows"
