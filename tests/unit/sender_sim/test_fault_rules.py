"""Which attempts meet which fault: rules as flags and files have them, and what they decide."""

import tomllib
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.wire import EventType
from sender_sim.core.delivery import Attempt
from sender_sim.core.faults import (
    AnswerLost,
    Dripping,
    Fault,
    Latency,
    Refused,
    Reset,
    Rule,
    Status,
    Tampered,
    TlsFailure,
    Truncated,
    fault_of,
)
from sender_sim.faults import from_flags, from_table, plan
from sender_sim.faults.chance import chance
from sender_sim.reading import SettingsError
from tests.unit.sender_sim.endpoints import attempt_at
from tests.unit.sender_sim.scripted import START, URL

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REQUEST = attempt_at(URL).request


def attempt(number: int = 1, *, after: timedelta = timedelta(0), delivery: str = "a/post-call") -> Attempt:
    return Attempt(delivery, number, START + after, REQUEST)


def always(_: str) -> float:
    return 0.0


def problems(*texts: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        from_flags(texts)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("refused", Refused()),
        ("tls", TlsFailure()),
        ("tampered", Tampered()),
        ("answer-lost", AnswerLost()),
        ("reset", Reset()),
        ("truncated", Truncated()),
        ("dripping", Dripping()),
        ("latency:seconds=2.5", Latency(2.5)),
        ("latency:seconds=20", Latency(20)),
        ("status:code=502", Status(502)),
        ("status:code=503,before", Status(503, before=True)),
        ("status:code=200,before=false", Status(200)),
    ],
)
def test_every_fault_has_its_name(text: str, fault: Fault) -> None:
    assert from_flags([text]) == [Rule(fault=fault)]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ("from=1d,to=3d", Rule(fault=Refused(), begin=DAY, end=3 * DAY)),
        ("to=90m", Rule(fault=Refused(), end=timedelta(minutes=90))),
        ("from=0,to=1h", Rule(fault=Refused(), end=HOUR)),
        ("attempts=1", Rule(fault=Refused(), last=1)),
        ("attempts=2-5", Rule(fault=Refused(), first=2, last=5)),
        ("attempts=2-", Rule(fault=Refused(), first=2)),
        ("event=pre-call", Rule(fault=Refused(), event_type=EventType.PRE_CALL)),
        ("probability=0.2", Rule(fault=Refused(), probability=0.2)),
        (" attempts = 1 , event = sms ", Rule(fault=Refused(), last=1, event_type=EventType.SMS)),
    ],
)
def test_an_option_narrows_a_rule(options: str, rule: Rule) -> None:
    assert from_flags([f"refused:{options}"]) == [rule]


def test_a_file_says_the_same_as_a_flag() -> None:
    written = """
        [[faults]]
        fault = "status"
        code = 502
        before = true
        from = "1d"
        to = "1d12h"
        attempts = "1-3"
        event = "sms"
        probability = 0.5
    """
    found: list[str] = []
    [table] = tomllib.loads(written)["faults"]
    rule = from_table(table, "faults[1].", found)
    assert found == []
    assert [rule] == from_flags(["status:code=502,before,from=1d,to=1d12h,attempts=1-3,event=sms,probability=0.5"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("answr-lost", "fault: 'answr-lost' is no fault; did you mean answer-lost?"),
        (
            "",
            (
                "fault: '' is no fault; known: "
                "refused, tls, tampered, answer-lost, reset, truncated, dripping, latency, status"
            ),
        ),
        ("refused:attempt=1", "attempt: is not a setting; did you mean attempts?"),
        ("refused:seconds=1", "seconds: is not a setting; known: fault, from, to, attempts, event, probability"),
        ("refused:attempts=0", "attempts: 0 are no attempts; write for example 1, 1-3 or 2-"),
        ("refused:attempts=-3", "attempts: '-3' are no attempts; write for example 1, 1-3 or 2-"),
        ("refused:attempts=1 3", "attempts: '1 3' are no attempts; write for example 1, 1-3 or 2-"),
        ("refused:attempts=3-1", "attempts: '3-1' end before they begin"),
        ("refused:attempts", "attempts: True are no attempts; write for example 1, 1-3 or 2-"),
        ("refused:from=soon", "from: 'soon' is no length of time; write for example 30s, 90m, 12h or 1d12h"),
        ("refused:from=3d,to=1d", "to: '1d' must be later than from, '3d'"),
        ("refused:event=postcall", "event: 'postcall' is none of post-call, sms, pre-call"),
        ("refused:probability=0", "probability: 0 must be over 0 and at most 1"),
        ("refused:probability=1.5", "probability: '1.5' must be over 0 and at most 1"),
        ("refused:probability=nan", "probability: 'nan' must be over 0 and at most 1"),
        ("refused:attempts=1,attempts=2", "attempts: is given twice"),
        ("refused:fault=reset", "fault: is given twice"),
        ("latency", "seconds: is not set; it is how late the request comes, for example 2.5"),
        ("latency:seconds=21", "seconds: 21 must be over 0 and at most 20, the deadline (R3)"),
        ("latency:seconds=0", "seconds: 0 must be over 0 and at most 20, the deadline (R3)"),
        ("status", "code: is not set; it is what the proxy answers, for example 502"),
        ("status:code=100", "code: 100 is no status that ends an answer; 200 to 599 are"),
        ("status:code=5.5", "code: '5.5' is no status that ends an answer; 200 to 599 are"),
        ("status:code=502,before=maybe", "before: 'maybe' is neither true nor false"),
    ],
)
def test_a_mistake_is_told_with_the_flag_it_is_in(text: str, problem: str) -> None:
    assert f"--fault {text!r}: {problem}" in problems(text)


def test_every_mistake_of_every_flag_is_told_at_once() -> None:
    found = problems("latncy:second=1,to=x", "refused", "status:attempts=x")
    assert [problem.removeprefix("--fault ").split(": ")[:2] for problem in found] == [
        ["'latncy:second=1,to=x'", "second"],
        ["'latncy:second=1,to=x'", "fault"],
        ["'latncy:second=1,to=x'", "to"],
        ["'status:attempts=x'", "attempts"],
        ["'status:attempts=x'", "code"],
    ]


@pytest.mark.parametrize("table", [{}, {"fault": 5}, {"fault": ["refused"]}, {"fault": "refused", "from": 7}])
def test_a_table_that_is_no_rule_is_told_with_its_place(table: dict[str, Any]) -> None:
    found: list[str] = []
    assert from_table(table, "faults[2].", found) is None
    [problem] = found
    assert problem.startswith("faults[2].f")


SPANS = st.integers(1, 400).map(lambda minutes: (f"{minutes}m", timedelta(minutes=minutes)))
ATTEMPTS = st.one_of(
    st.integers(1, 999).map(lambda number: (str(number), number, number)),
    st.integers(1, 999).map(lambda number: (f"{number}-", number, None)),
    st.tuples(st.integers(1, 400), st.integers(0, 400)).map(lambda two: (f"{two[0]}-{sum(two)}", two[0], sum(two))),
)


@given(
    begin=st.none() | SPANS,
    longer=st.none() | st.integers(1, 400),
    attempts=st.none() | ATTEMPTS,
    event_type=st.none() | st.sampled_from(EventType),
    probability=st.none() | st.floats(0, 1, exclude_min=True),
    shuffle=st.integers(),
)
def test_whatever_is_written_is_read_as_it_was_meant(
    begin: tuple[str, timedelta] | None,
    longer: int | None,
    attempts: tuple[str, int, int | None] | None,
    event_type: EventType | None,
    probability: float | None,
    shuffle: int,
) -> None:
    starts = begin[1] if begin else timedelta(0)
    ends = starts + timedelta(minutes=longer) if longer else None
    options = [
        *([f"from={begin[0]}"] if begin else []),
        *([f"to={round(ends.total_seconds())}s"] if ends else []),
        *([f"attempts={attempts[0]}"] if attempts else []),
        *([f"event={event_type.label}"] if event_type is not None else []),
        *([f"probability={probability!r}"] if probability else []),
    ]
    Random(shuffle).shuffle(options)
    assert from_flags([f"reset:{','.join(options)}"]) == [
        Rule(
            fault=Reset(),
            begin=starts,
            end=ends,
            first=attempts[1] if attempts else 1,
            last=attempts[2] if attempts else None,
            event_type=event_type,
            probability=probability or 1.0,
        )
    ]


def complaints_of(text: str) -> tuple[str, ...]:
    """Nothing but SettingsError may be raised."""
    try:
        from_flags([text])
    except SettingsError as error:
        return error.problems
    return ()


@given(st.text() | st.text("refused:status,code=12-dhms."))
def test_whatever_is_given_is_a_rule_or_told_in_words(text: str) -> None:
    assert all(problem.startswith(f"--fault {text!r}: ") for problem in complaints_of(text))


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        (Rule(fault=Refused()), ["first", "third", "a day later", "sms"]),
        (Rule(fault=Refused(), begin=DAY), ["a day later"]),
        (Rule(fault=Refused(), end=DAY), ["first", "third", "sms"]),
        (Rule(fault=Refused(), begin=DAY, end=DAY + HOUR), ["a day later"]),
        (Rule(fault=Refused(), last=1), ["first", "a day later", "sms"]),
        (Rule(fault=Refused(), first=2), ["third"]),
        (Rule(fault=Refused(), first=3, last=3), ["third"]),
        (Rule(fault=Refused(), event_type=EventType.SMS), ["sms"]),
    ],
    ids=ascii,
)
def test_a_rule_covers_the_attempts_it_says(rule: Rule, met: list[str]) -> None:
    attempts = {
        "first": attempt(),
        "third": attempt(3),
        "a day later": attempt(after=DAY),
        "sms": attempt(delivery="a/post-call/sms"),
    }
    assert [name for name, each in attempts.items() if fault_of([rule], each, START, always)] == met


def test_the_first_rule_that_covers_an_attempt_decides() -> None:
    rules = [Rule(fault=Refused(), first=2), Rule(fault=Reset()), Rule(fault=TlsFailure())]
    assert [fault_of(rules, attempt(number), START, always) for number in (1, 2)] == [Reset(), Refused()]


def test_a_rule_whose_chance_does_not_strike_leaves_the_attempt_to_the_next() -> None:
    rules = [Rule(fault=Refused(), probability=0.4), Rule(fault=Reset(), probability=0.6)]
    numbers = {"0/a/post-call/1": 0.5, "1/a/post-call/1": 0.5, "0/b/sms/1": 0.39, "0/c/sms/1": 0.4, "1/c/sms/1": 0.6}
    drawn: Callable[[str], float] = numbers.__getitem__
    met = [fault_of(rules, attempt(delivery=name), START, drawn) for name in ("a/post-call", "b/sms", "c/sms")]
    assert met == [Reset(), Refused(), None]


DELIVERIES = st.lists(
    st.tuples(st.text(st.characters(codec=None, categories=None)), st.integers(1, 337)), unique=True, max_size=20
)


@given(DELIVERIES, st.integers(), st.integers())
def test_chance_does_not_depend_on_the_order_in_which_attempts_run(
    names: list[tuple[str, int]], seed: int, shuffle: int
) -> None:
    rules = [Rule(fault=Refused(), probability=0.5), Rule(fault=Reset(), probability=0.5)]
    attempts = [attempt(number, delivery=f"{name}/sms") for name, number in names]
    shuffled = Random(shuffle).sample(attempts, len(attempts))
    first, again = plan(rules, START, seed), plan(rules, START, seed)
    met = {(each.delivery, each.number): first(each) for each in attempts}
    assert {(each.delivery, each.number): again(each) for each in shuffled} == met


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
def test_a_probability_strikes_as_often_as_it_says(probability: float) -> None:
    """4000 draws: the bounds are over five standard deviations away, and the draws are the same every time."""
    met = plan([Rule(fault=Refused(), probability=probability)], START, seed=1)
    struck = sum(met(attempt(number)) is not None for number in range(1, 4001))
    assert abs(struck / 4000 - probability) < 0.04


def test_another_seed_another_rule_and_another_attempt_are_drawn_for_themselves() -> None:
    numbers = {chance(seed)(f"{rule}/a/sms/{number}") for seed in (1, 2) for rule in (0, 1) for number in (1, 2)}
    assert len(numbers) == 8
    assert all(0 <= number < 1 for number in numbers)
