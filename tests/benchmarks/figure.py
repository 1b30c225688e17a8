"""What a benchmark measures: one figure, what it is to be, and how it came out."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Figure", "Measured", "ratios"]

_QUICK: Final = 3
_FULL: Final = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure's value, and what else there is to say of it."""

    value: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table. `at_most` and `at_least` are goals; without either it is a figure to know.

    `measure` is told whether to be quick; `shown` is how its value is written.
    """

    name: str
    measure: Callable[[bool], Measured]
    shown: str = "{:.2f}x"
    at_most: float | None = None
    at_least: float | None = None

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.at_most is not None:
            return f"at most {self.shown.format(self.at_most)}"
        return f"at least {self.shown.format(self.at_least)}" if self.at_least is not None else ""

    def verdict(self, measured: Measured) -> str:
        """Whether the goal is reached: yes, no, or nothing where there is none."""
        if self.at_most is not None:
            return "yes" if measured.value <= self.at_most else "**no**"
        if self.at_least is not None:
            return "yes" if measured.value >= self.at_least else "**no**"
        return ""


def ratios(ours: Callable[[], float], theirs: Callable[[], float], *, quick: bool) -> tuple[float, Sequence[float]]:
    """The median of ours / theirs, measured by turns, and the medians of both: what slows a machine down slows both."""
    pairs = [(ours(), theirs()) for _ in range(_QUICK if quick else _FULL)]
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return statistics.median(one / other for one, other in pairs), medians
