"""What an answer other than 200 means to Kaisa, and the judgements that most checks end in."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from receiver import wire
from sender_sim.checks.model import Broken
from sender_sim.checks.probe import Probe
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered, Failed, Outcome

__all__ = [
    "NO_APPEND",
    "append_of",
    "body_of",
    "expect_4xx",
    "expect_refused",
    "expect_taken",
    "explain",
    "refused_ones",
]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an answer is a failure, and what to change. None: nothing is known beyond what the check says."""

    happened: str
    cause: str | None = None
    change: str | None = None


# What append_of gives where there is none; null is one.
NO_APPEND: Final = object()
_RETRIED: Final = "Kaisa takes it for a failure and sends the delivery again every 30 minutes for 7 days"
_SUCCESSES: Final = range(200, 300)
_CLIENT_ERRORS: Final = range(400, 500)
_AS_200: Final = "answer 200 once the delivery is safe"
_STATUSES: Final = {
    201: ("the framework answers 201 for whatever a POST creates", _AS_200),
    202: ("the delivery is queued, and 202 says so", f"{_AS_200}: stored in the queue is safe enough"),
    204: ("an empty answer becomes 204 in many frameworks", f"{_AS_200}, with an empty body or {{}}"),
    401: (
        "a login, an API key or a signature is asked for",
        "let Kaisa's POST in without a login: its signature says who it is (--sign signs, if it is to be signed)",
    ),
    403: (
        "the signature does not verify, or a firewall or a CSRF check refuses the POST",
        "trust the key that belongs to --sign, with the same profile; exempt the path from CSRF checks",
    ),
    404: ("the path is another one, or its route takes no POST", "compare the URL with the route that takes webhooks"),
    405: ("the route takes no POST", "let the route take POST"),
    413: ("the size limit is too low", "allow bodies of at least 64 KiB"),
    415: ("this content type is not read", "read both application/x-www-form-urlencoded and application/json"),
    429: ("a rate limit counts Kaisa's requests", "exempt the path from the rate limit: calls come when they come"),
}


def explain(outcome: Outcome) -> Explanation:
    """An outcome that is no success, in the words of its consequences (R2)."""
    if isinstance(outcome, Failed):
        return Explanation(f"no answer ({outcome}); {_RETRIED}")
    happened = f"answered {outcome}; {_RETRIED}"
    if outcome.status in _STATUSES:
        return Explanation(happened, *_STATUSES[outcome.status])
    if outcome.status in range(300, 400):
        where = next((value for name, value in outcome.headers if name.lower() == "location"), None)
        target = f" to {where}" if where else ""
        return Explanation(
            f"answered {outcome}{target}; redirects are not followed, and {_RETRIED}",
            "the URL lacks (or has) a final slash, or another host or scheme is the canonical one",
            f"give Kaisa the URL redirected to{target}, or answer at this one",
        )
    return Explanation(happened)


def refused_ones(probe: Probe, exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that were not accepted."""
    return [exchange for exchange in exchanges if not probe.takes(exchange)]


def expect_taken(probe: Probe, *exchanges: Exchange) -> None:
    """Raises Broken with the first exchange that was not accepted."""
    for exchange in refused_ones(probe, exchanges):
        why = explain(exchange.outcome)
        if _is_a_success_of_http(exchange.outcome):  # it was accepted, but not in a way that Kaisa understands
            raise Broken(why.happened, exchange, cause=why.cause, change=why.change)
        raise Broken(why.happened, exchange)


def expect_refused(exchange: Exchange) -> None:
    """Raises Broken unless the request was refused: whatever HTTP calls a success tells of data that was believed."""
    if isinstance(exchange.outcome, Answered) and exchange.outcome.status in _SUCCESSES:
        raise Broken(f"accepted: {exchange.outcome}", exchange)


def expect_4xx(probe: Probe, exchange: Exchange, *, what: str = "") -> None:
    """Raises Broken if the request, which is `what`, was accepted, or refused in another way than with a 4xx."""
    subject = f"{what}: " if what else ""
    if probe.takes(exchange):
        raise Broken(f"{subject}accepted: {exchange.outcome}", exchange)
    if not isinstance(exchange.outcome, Answered) or exchange.outcome.status not in _CLIENT_ERRORS:
        raise Broken(f"{subject}{exchange.outcome}", exchange)


def append_of(exchange: Exchange) -> Any:
    """The append of an answer, whatever its status and whether it can be saved (R7). NO_APPEND: it has none."""
    try:
        answer = json.loads(body_of(exchange))
    except (ValueError, RecursionError):
        return NO_APPEND
    return answer.get(wire.APPEND_KEY, NO_APPEND) if isinstance(answer, dict) else NO_APPEND


def body_of(exchange: Exchange) -> bytes:
    """The body of the answer, empty where there is none."""
    return exchange.outcome.body if isinstance(exchange.outcome, Answered) else b""


def _is_a_success_of_http(outcome: Outcome) -> bool:
    return isinstance(outcome, Answered) and outcome.status < 400
