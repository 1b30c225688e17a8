"""What came of one attempt."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import ClassVar, Final

from receiver import wire

__all__ = ["ANSWER_LIMIT", "Answered", "Failed", "Failure", "Outcome", "kind", "timed_out"]

# An answer is a few bytes of JSON; what is longer is read to its end, and no more than this is kept of it.
ANSWER_LIMIT: Final = 1024 * 1024
# What tells two failures of one kind apart: ports, numbers of bytes, lines of OpenSSL's source.
_FIGURES: Final = re.compile(r" \([^()]*\d[^()]*\)")


class Failure(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    CONNECT = "connect"
    TLS = "tls"
    RESET = "reset"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer; if it was `cut`, `body` is its first ANSWER_LIMIT bytes.

    `seconds` is real time, `note` something to say beside the status; neither says anything of equality.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = field(default=0.0, compare=False)
    cut: bool = False
    note: str = field(default="", compare=False)

    @property
    def success(self) -> bool:
        """R2: 200 and nothing else."""
        return self.status == wire.SUCCESS

    @property
    def busy(self) -> bool:
        """Whether the endpoint may only need more time."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE

    def __str__(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}{self.note}"
        except ValueError:
            return f"{self.status}{self.note}"


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, or none that can be read. `detail` is the words of the system and says nothing of equality."""

    failure: Failure
    detail: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)
    success: ClassVar = False  # R2

    @property
    def busy(self) -> bool:
        """Whether the endpoint may only need more time."""
        return self.failure is Failure.TIMEOUT

    def __str__(self) -> str:
        return f"{self.failure}: {self.detail}" if self.detail else str(self.failure)


Outcome = Answered | Failed


def timed_out(deadline: timedelta, seconds: float, cause: str = "") -> Failed:
    """R3: the answer was not whole at the deadline."""
    return Failed(Failure.TIMEOUT, f"no whole answer after {deadline.total_seconds():g} s{cause}", seconds)


def kind(outcome: str) -> str:
    """An outcome's text without the figures of this one."""
    return _FIGURES.sub("", outcome)
