"""Lengths of time that vary from call to call, as they are written."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sender_sim.core import spans, spread
from sender_sim.core.spread import About, Between, Exactly, OneOf, Spread

MINUTE = timedelta(minutes=1)
LENGTHS = st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3m", Exactly(3 * MINUTE)),
        ("0s", Exactly(0 * MINUTE)),
        ("about 3m", About(3 * MINUTE)),
        ("1m to 10m", Between(MINUTE, 10 * MINUTE)),
        (["30m", "31m to 50m"], OneOf((Exactly(30 * MINUTE), Between(31 * MINUTE, 50 * MINUTE)))),
    ],
)
def test_what_is_written_is_read(written: str | list[str], meant: Spread) -> None:
    assert spread.parse(written) == meant


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("about", "is no length of time"),
        ("about 0s", "is no average"),
        ("1m to", "is no length of time"),
        ("1m to 2m to 3m", "is no length of time"),
        ("10m to 1m", "ends before it begins"),
        ("", "is no length of time"),
        ([], "is empty"),
        (["1m", "x"], "is no length of time"),
    ],
)
def test_what_cannot_be_is_told(written: str | list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        spread.parse(written)


@given(LENGTHS, LENGTHS, st.integers())
def test_what_is_drawn_lies_where_it_was_said_to(one: timedelta, other: timedelta, seed: int) -> None:
    least, most = sorted((one, other))
    written = f"{spans.text(least)} to {spans.text(most)}"
    assert least <= spread.parse(written).draw(Random(seed)) <= most
    assert spread.parse(spans.text(one)).draw(Random(seed)) == one
    assert spread.parse([spans.text(one), spans.text(other)]).draw(Random(seed)) in (one, other)


def test_about_is_the_average_of_many() -> None:
    random, about = Random(3), spread.parse("about 3m")
    drawn = [about.draw(random).total_seconds() for _ in range(4000)]
    assert 165 < sum(drawn) / 4000 < 195
    assert min(drawn) < 20
    assert max(drawn) > 900
