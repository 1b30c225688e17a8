"""An examination as one JSON document (docs/checks.md). VERSION grows when what reads it would have to change."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from sender_sim.checks.model import Examination, Finding, Severity, Verdict
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered
from sender_sim.reports.finding_words import Reproduce, by_hand, readable

__all__ = ["VERSION", "as_dict"]

VERSION: Final = 1

_SHOWN: Final = 4_000


def as_dict(examination: Examination, reproduce: Reproduce) -> dict[str, Any]:
    """The examination as JSON-ready values; what is broken with the lines that do it by hand."""
    integration = examination.integration
    return {
        "version": VERSION,
        "tool": f"sender-sim {version('kaisa-webhook-kit')}",
        "url": integration.url,
        "settings": {
            "encoding": integration.encoding,
            "macro": integration.macro.text,
            "signed": integration.signer is not None,
            "timeout": integration.timeout.total_seconds(),
        },
        "at": examination.at.isoformat(),
        "seconds": round(examination.seconds, 3),
        "exit_code": int(examination.exit_code),
        "counts": {str(verdict): len(examination.having(verdict)) for verdict in Verdict},
        "broken_musts": len(examination.having(Verdict.BROKEN, Severity.MUST)),
        "notes": list(examination.notes),
        "findings": [_finding(finding, reproduce) for finding in examination.findings],
    }


def _finding(finding: Finding, reproduce: Reproduce) -> dict[str, Any]:
    check = finding.check
    deviates = finding.verdict in (Verdict.BROKEN, Verdict.ACCEPTED)
    return {
        "id": check.id,
        "group": check.group,
        "rule": check.rule,
        "severity": str(check.severity),
        "verdict": str(finding.verdict),
        "expected": check.expected,
        "happened": finding.happened,
        "cause": finding.cause,
        "change": finding.change,
        "reason": finding.reason,
        "seconds": round(finding.seconds, 3),
        "exchanges": [_exchange(exchange) for exchange in finding.exchanges],
        "reproduce": [asdict(command) for command in by_hand(finding, reproduce)] if deviates else [],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    request, outcome = exchange.request, exchange.outcome
    answer: dict[str, Any] = {"outcome": str(outcome), "seconds": round(outcome.seconds, 4), "status": None}
    if isinstance(outcome, Answered):
        answer |= {"status": outcome.status, "headers": [list(pair) for pair in outcome.headers]}
        answer |= _body(outcome.body)
    sent = {"method": request.method, "url": request.url, "content_type": request.content_type}
    return {"request": sent | _body(request.body), "answer": answer}


def _body(body: bytes) -> dict[str, Any]:
    return {"body": readable(body[:_SHOWN]), "body_bytes": len(body)}
