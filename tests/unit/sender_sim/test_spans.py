"""Lengths of time as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sender_sim.core import spans


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30),
        ("90m", 5_400),
        ("12h", 43_200),
        ("1d12h", 129_600),
        ("1d2h3m4s", 93_784),
        ("365d", 31_536_000),
    ],
)
def test_a_length_of_time_is_read(written: str, seconds: int) -> None:
    assert spans.parse(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    ["", " ", "1", "d", "1 d", "1.5h", "-1h", "1h1d", "1D", "1h 2m", "\u0661h", "1h\n", "soon"],
)
def test_what_is_no_length_of_time_is_told_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match=r"^is no length of time; write for example 30s, 90m, 12h or 1d12h$"):
        spans.parse(written)


@pytest.mark.parametrize("written", ["366d", "365d1s", "9999999d"])
def test_more_than_a_year_is_too_long(written: str) -> None:
    with pytest.raises(ValueError, match=r"^is too long; a year \(365d\) is the most$"):
        spans.parse(written)


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0s"), (90, "1m30s"), (172_800, "2d"), (129_600, "1d12h"), (0.6, "1s")]
)
def test_a_length_of_time_is_written_in_the_largest_units(seconds: float, written: str) -> None:
    assert spans.text(timedelta(seconds=seconds)) == written


@given(st.integers(0, 365 * 86_400))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert spans.parse(spans.text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
