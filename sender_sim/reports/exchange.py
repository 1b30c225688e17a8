"""A request and what came of it, shown whole."""

from typing import Any, Final

from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import ANSWER_LIMIT, Answered
from sender_sim.reports.printable import printable

__all__ = ["as_dict", "lines"]

_SHOWN: Final = 2_000


def as_dict(exchange: Exchange) -> dict[str, Any]:
    """The exchange as JSON-ready values."""
    request, outcome = exchange.request, exchange.outcome
    answer: dict[str, Any] = {"outcome": str(outcome), "success": outcome.success, "seconds": outcome.seconds}
    if isinstance(outcome, Answered):
        answer |= {"status": outcome.status, "headers": dict(outcome.headers), "body": _text(outcome.body)}
        answer["cut"] = outcome.cut
    return {
        "request": {"url": request.url, "content_type": request.content_type, "body": _text(request.body)},
        "answer": answer,
        "append": exchange.append,
        "violation": f"{exchange.violation.rule}: {exchange.violation.what}" if exchange.violation else None,
        "kept": exchange.kept,
    }


def lines(exchange: Exchange, afterwards: str) -> list[str]:
    """The exchange as text for people; `afterwards` is what Kaisa does if it failed."""
    request, outcome = exchange.request, exchange.outcome
    told = [f"POST {request.url}", f"Content-Type: {request.content_type}", "", _text(request.body), ""]
    told.append(f"-> {outcome} ({outcome.seconds:.3f} s)")
    if isinstance(outcome, Answered) and outcome.body:
        told.append(_shortened(_text(outcome.body), cut=outcome.cut))
    if exchange.append is not None:
        told.append(f"saved with the call: {exchange.append!r}")
    if exchange.violation:
        told.append(f"BREAKS {exchange.violation.rule}: {exchange.violation.what}")
    if not outcome.success:
        told.append(f"FAILED: only a 200 counts (R2); {afterwards}")
    return [printable(line) for line in told]


def _shortened(text: str, *, cut: bool) -> str:
    length = f"the answer is over {ANSWER_LIMIT} bytes" if cut else f"{len(text)} characters"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({length})"


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
