"""What a comparison finds, and what it reads a body into."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["MACRO", "REPORT", "Difference", "Piece", "Reading", "Unreadable"]

REPORT: Final = "no setting covers this: the simulator is wrong here, please report it"
MACRO: Final = "--macro: give the macro of Kaisa's Setup; if this is it, the simulator is wrong here, please report it"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the simulator would not send what Kaisa sent. `where` are the wire names it was seen in."""

    what: str
    kaisa: str
    simulator: str
    change: str = REPORT
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a body: what it is, in which wire name, as Kaisa wrote it and as the simulator would write it."""

    what: str
    where: str
    kaisa: bytes
    simulator: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """A body: its names with their text, the exact bytes of each value, and its pieces, which together are all of it.

    Of a name given twice, `exact` has the last value.
    """

    members: list[tuple[str, str]] = field(default_factory=list)
    exact: dict[str, bytes] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)


class Unreadable(ValueError):
    """A body that is not what it looks like; the message says where."""
