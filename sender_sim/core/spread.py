"""How a length of time varies from call to call: `3m`, `about 3m`, `1m to 10m`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sender_sim.core import spans

if TYPE_CHECKING:
    from random import Random

__all__ = ["About", "Between", "Exactly", "OneOf", "Spread", "parse"]


@dataclass(frozen=True, slots=True)
class Exactly:
    """Always the same."""

    length: timedelta

    def draw(self, _: "Random") -> timedelta:
        """The length."""
        return self.length


@dataclass(frozen=True, slots=True)
class About:
    """Mostly short, sometimes much longer, `mean` on average: as calls are (an exponential distribution)."""

    mean: timedelta

    def draw(self, random: "Random") -> timedelta:
        """Whole seconds."""
        return timedelta(seconds=round(random.expovariate(1 / self.mean.total_seconds())))


@dataclass(frozen=True, slots=True)
class Between:
    """Anything from `least` to `most`, both included, all as likely."""

    least: timedelta
    most: timedelta

    def draw(self, random: "Random") -> timedelta:
        """Whole seconds."""
        return timedelta(seconds=random.randint(round(self.least.total_seconds()), round(self.most.total_seconds())))


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several, all as likely."""

    spreads: tuple["Spread", ...]

    def draw(self, random: "Random") -> timedelta:
        """What the one that is drawn draws."""
        return random.choice(self.spreads).draw(random)


Spread = Exactly | About | Between | OneOf


def parse(written: str | Sequence[str]) -> Spread:
    """Read one, or several to choose from. Raises ValueError, which says what to write instead."""
    if not isinstance(written, str):
        if not written:
            raise ValueError("is empty; give at least one")
        return OneOf(tuple(parse(each) for each in written))
    if written.startswith("about "):
        mean = spans.parse(written.removeprefix("about "))
        if not mean:
            raise ValueError("is no average; write for example about 3m")
        return About(mean)
    least, to, most = written.partition(" to ")
    if not to:
        return Exactly(spans.parse(written))
    between = Between(spans.parse(least), spans.parse(most))
    if between.most < between.least:
        raise ValueError("ends before it begins")
    return between
