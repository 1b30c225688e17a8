"""One request, one attempt, shown whole: the test request of C10, and `send`."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sender_sim.core import rules
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.outcome import ANSWER_LIMIT, Answered, Outcome
from sender_sim.reports.printable import printable
from sender_sim.transports import HttpsTransport

__all__ = ["Exchange", "post_once"]

_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it."""

    request: Request
    outcome: Outcome

    @property
    def append(self) -> str | None:
        """What is saved with the call."""
        reading = rules.read_append(self.outcome)
        return reading.text if isinstance(reading, rules.Append) else None

    @property
    def violation(self) -> rules.Violation | None:
        """What breaks the contract in the answer."""
        reading = rules.read_append(self.outcome)
        return reading if isinstance(reading, rules.Violation) else None

    @property
    def kept(self) -> bool:
        """Whether the request was delivered and the answer is as it should be."""
        return self.outcome.success and self.violation is None

    def as_dict(self) -> dict[str, Any]:
        """The exchange as JSON-ready values."""
        request, outcome = self.request, self.outcome
        answer: dict[str, Any] = {"outcome": str(outcome), "success": outcome.success, "seconds": outcome.seconds}
        if isinstance(outcome, Answered):
            answer |= {"status": outcome.status, "headers": dict(outcome.headers), "body": _text(outcome.body)}
            answer["cut"] = outcome.cut
        return {
            "request": {"url": request.url, "content_type": request.content_type, "body": _text(request.body)},
            "answer": answer,
            "append": self.append,
            "violation": f"{self.violation.rule}: {self.violation.what}" if self.violation else None,
            "kept": self.kept,
        }

    def lines(self) -> list[str]:
        """The exchange as text for people."""
        request, outcome = self.request, self.outcome
        lines = [f"POST {request.url}", f"Content-Type: {request.content_type}", "", _text(request.body), ""]
        lines.append(f"-> {outcome} ({outcome.seconds:.3f} s)")
        if isinstance(outcome, Answered) and outcome.body:
            lines.append(_shortened(_text(outcome.body), cut=outcome.cut))
        if self.append is not None:
            lines.append(f"saved with the call: {self.append!r}")
        if self.violation:
            lines.append(f"BREAKS {self.violation.rule}: {self.violation.what}")
        if not outcome.success:
            lines.append("FAILED: only a 200 counts (R2); Kaisa would try again in 30 minutes")
        return [printable(line) for line in lines]


async def post_once(request: Request, tls: ssl.SSLContext, now: datetime) -> Exchange:
    """Send a request once."""
    async with HttpsTransport.open(tls) as transport:
        return Exchange(request, await transport.send(Attempt("once", 1, now, request)))


def _shortened(text: str, *, cut: bool) -> str:
    length = f"the answer is over {ANSWER_LIMIT} bytes" if cut else f"{len(text)} characters"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({length})"


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
