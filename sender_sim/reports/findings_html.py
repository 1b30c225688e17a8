"""An examination as one HTML page: what came of every check, and all there is to know of what is broken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from receiver import wire
from sender_sim.checks.catalogue import GROUPS
from sender_sim.checks.model import Examination, ExitCode, Finding, Severity, Verdict
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered
from sender_sim.reports.finding_words import ENDS, Reproduce, by_hand, readable
from sender_sim.reports.html_page import render
from sender_sim.reports.page import request_facts

__all__ = ["as_page"]

_ORDER: Final = [group.name for group in GROUPS]
_TITLES: Final = {group.name: group.title for group in GROUPS}
_EXCHANGES: Final = 4
# Of a body its beginning is shown, and its end: that is where a check adds something.
_BEGINNING, _END = 3_000, 300


@dataclass(frozen=True, slots=True)
class _Look:
    """How what came of a check is shown: its style, its mark, and the mark in words."""

    style: str
    mark: str
    words: str


_MUST: Final = _Look("bad", "✕", "broken must")
_SHOULD: Final = _Look("late", "!", "broken should")
_ACCEPTED: Final = _Look("late", "≈", "broken, accepted")
_NOT_RUN: Final = _Look("open", "-", "not run")
_KEPT: Final = _Look("good", "✓", "kept")
_LOOKS: Final = (_MUST, _SHOULD, _ACCEPTED, _NOT_RUN, _KEPT)
_DEVIATIONS: Final = (_MUST, _SHOULD, _ACCEPTED)


def as_page(examination: Examination, reproduce: Reproduce) -> str:
    """The page. `reproduce` has the lines that repeat a request."""
    findings = sorted(examination.findings, key=lambda finding: _ORDER.index(finding.check.group))
    return render(
        "findings",
        verdict=ENDS[examination.exit_code],
        good=examination.exit_code is ExitCode.KEPT,
        facts=_facts(examination),
        version=version("kaisa-webhook-kit"),
        figures=[(look, sum(_look(finding) is look for finding in findings)) for look in _LOOKS],
        groups=[(_TITLES[name], list(found)) for name, found in groupby(findings, key=attrgetter("check.group"))],
        deviations=_deviations(findings),
        notes=examination.notes,
        look=_look,
        exchanges=lambda finding: [_shown(exchange) for exchange in finding.exchanges[:_EXCHANGES]],
        more=lambda finding: len(finding.exchanges[_EXCHANGES:]),
        by_hand=lambda finding: list(by_hand(finding, reproduce)),
    )


def _look(finding: Finding) -> _Look:
    match finding.verdict:
        case Verdict.BROKEN:
            return _MUST if finding.check.severity is Severity.MUST else _SHOULD
        case Verdict.ACCEPTED:
            return _ACCEPTED
        case Verdict.NOT_RUN:
            return _NOT_RUN
        case Verdict.KEPT:
            return _KEPT


def _deviations(findings: Sequence[Finding]) -> list[Finding]:
    """What is broken, the worst first."""
    deviating = [finding for finding in findings if _look(finding) in _DEVIATIONS]
    return sorted(deviating, key=lambda finding: _DEVIATIONS.index(_look(finding)))


def _facts(examination: Examination) -> list[tuple[str, str]]:
    macro = examination.integration.macro.text
    return [
        *request_facts(examination.integration),
        ("macro", "Kaisa's default" if macro == wire.DEFAULT_MACRO else macro),
        ("examined (UTC)", f"{examination.at:%Y-%m-%d %H:%M:%S}, in {examination.seconds:.1f} s"),
    ]


def _shown(exchange: Exchange) -> dict[str, Any]:
    request, outcome = exchange.request, exchange.outcome
    shown = {
        "line": f"{request.method} {request.url}",
        "sent": _message(request.headers.items(), request.body),
        "outcome": outcome,
        "answer": "",
    }
    return shown | ({"answer": _message(outcome.headers, outcome.body)} if isinstance(outcome, Answered) else {})


def _message(headers: Iterable[tuple[str, str]], body: bytes) -> str:
    text = readable(body)
    if len(text) > _BEGINNING + _END:
        text = f"{text[:_BEGINNING]}\n... ({len(body):,} bytes)\n{text[-_END:]}"
    return "\n".join([*(f"{name}: {value}" for name, value in headers), "", text]).rstrip()
