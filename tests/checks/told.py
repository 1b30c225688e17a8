"""Examinations with every verdict, and text from outside that wants to be more than text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Check, Examination, Finding, Severity, Verdict
from sender_sim.core.delivery import Request
from sender_sim.core.exchange import Exchange
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure
from sender_sim.reports.reproduce import commands

URL = "https://endpoint.example/hook?a=1&b=<i>"
AT = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
HOSTILE = (
    "<script>alert('x')</script> ]]> & \" \x1b[31m \0 \x85 \ud800 \N{RIGHT-TO-LEFT OVERRIDE}\N{NARROW NO-BREAK SPACE}"
)
REPRODUCE = partial(commands, ca=None, signing=None)
_BY_ID = {check.id: check for check in CHECKS}


def request(body: bytes = b"id=1", **changes: Any) -> Request:
    return replace(Request(URL, "application/x-www-form-urlencoded", body, timedelta(seconds=20)), **changes)


def exchange(body: bytes = b"id=1", answer: bytes = b"{}", *, seconds: float = 0.5) -> Exchange:
    headers = (("Content-Type", "application/json"), ("X-Mark", HOSTILE))
    return Exchange(request(body), Answered(200, answer, headers, seconds), AT)


def unanswered() -> Exchange:
    return Exchange(request(), Failed(Failure.RESET, "connection reset by peer", 0.25), AT)


def check(check_id: str, severity: Severity | None = None) -> Check:
    """A check of the catalogue."""
    return replace(_BY_ID[check_id], severity=severity or _BY_ID[check_id].severity)


def finding(check_id: str, verdict: Verdict, *, severity: Severity | None = None, **facts: Any) -> Finding:
    made = tuple(facts.pop("made", ())) or (exchange(),)
    told: dict[str, Any] = {"happened": f"happened at {check_id}", "exchanges": made, "made": made, "seconds": 0.125}
    if verdict in (Verdict.BROKEN, Verdict.ACCEPTED):
        told |= {"cause": f"cause of {check_id}", "change": f"change for {check_id}"}
    return Finding(check=check(check_id, severity), verdict=verdict, **(told | facts))


def examination(findings: Sequence[Finding], *, url: str = URL, notes: Sequence[str] = ()) -> Examination:
    return Examination(integration=Integration(url=url), at=AT, findings=tuple(findings), notes=tuple(notes), seconds=2)


# One of each kind, not in the order of their groups, and whatever is from outside is hostile.
EVERYTHING = examination(
    [
        finding("append-length", Verdict.BROKEN, severity=Severity.MUST, happened=HOSTILE, made=[unanswered()]),
        finding(
            "answer-200", Verdict.BROKEN, severity=Severity.MUST, made=[exchange(HOSTILE.encode("utf-8", "replace"))]
        ),
        finding("reachable", Verdict.KEPT, made=[exchange()]),
        finding("method-get", Verdict.BROKEN, severity=Severity.SHOULD, made=[exchange(answer=bytes(range(256)))]),
        finding("body-empty", Verdict.ACCEPTED, reason=f"known: {HOSTILE}", made=[exchange() for _ in range(6)]),
        finding("signed-accepted", Verdict.NOT_RUN, happened="no signing key is given (--sign)", exchanges=(), made=()),
    ],
    notes=[f"baseline: {HOSTILE}"],
)
