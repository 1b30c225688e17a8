"""The budget of wrong passwords, on a clock that the test sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.inspector.throttle import Budget, Throttle

GENEROUS = Budget(burst=10_000, seconds=0.001)


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def throttle(seconds: Seconds, *, together: Budget = GENEROUS) -> Throttle:
    return Throttle(each=Budget(burst=3, seconds=10), together=together, clock=seconds)


def test_a_burst_is_free_then_one_try_comes_back_at_a_time(seconds: Seconds) -> None:
    tries = throttle(seconds)
    assert [tries.take("192.0.2.1") for _ in range(4)] == [0, 0, 0, 10]
    seconds.now = 9
    assert tries.take("192.0.2.1") == 1
    seconds.now = 10
    assert [tries.take("192.0.2.1") for _ in range(2)] == [0, 10]


def test_one_address_does_not_use_up_anothers(seconds: Seconds) -> None:
    tries = throttle(seconds)
    assert [tries.take("192.0.2.1") for _ in range(4)][-1] > 0
    assert tries.take("192.0.2.2") == 0


def test_all_of_an_ipv6_network_is_one_address(seconds: Seconds) -> None:
    tries = throttle(seconds)
    assert [tries.take(f"2001:db8::{number}") > 0 for number in range(4)] == [False, False, False, True]
    assert tries.take("2001:db8:0:1::1") == 0


@pytest.mark.parametrize("address", [None, "", "not an address", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address_is_one_too(seconds: Seconds, address: str | None) -> None:
    tries = throttle(seconds)
    assert [tries.take(address) > 0 for _ in range(4)] == [False, False, False, True]


def test_who_was_right_begins_anew(seconds: Seconds) -> None:
    tries = throttle(seconds)
    for _ in range(3):
        tries.take("192.0.2.1")
    tries.forgive("192.0.2.1")
    assert tries.take("192.0.2.1") == 0


def test_all_together_have_a_budget_that_no_address_evades(seconds: Seconds) -> None:
    tries = throttle(seconds, together=Budget(burst=5, seconds=1))
    assert [tries.take(f"192.0.2.{number}") for number in range(7)] == [0, 0, 0, 0, 0, 1, 1]


@given(st.lists(st.floats(0, 20), max_size=60))
def test_in_no_span_are_there_more_tries_than_its_budget(gaps: list[float]) -> None:
    seconds, made = Seconds(), []
    tries = throttle(seconds)
    for gap in gaps:
        seconds.now += gap
        if not tries.take("192.0.2.1"):
            made.append(seconds.now)
    for first, begin in enumerate(made):
        for last, end in enumerate(made[first:], start=first):
            assert last - first + 1 <= 3 + (end - begin) / 10 + 1e-6
