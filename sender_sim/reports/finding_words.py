"""A finding in words: what every report says of one that is broken."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from sender_sim.checks.model import ExitCode, Finding
from sender_sim.core.delivery import Request
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered
from sender_sim.reports.printable import printable
from sender_sim.reports.reproduce import Command

__all__ = ["ENDS", "Reproduce", "by_hand", "details", "readable", "text"]

Reproduce = Callable[[Request], Iterable[Command]]
"""The lines for a shell that repeat a request."""

ENDS: Final = {
    ExitCode.KEPT: "The contract is kept",
    ExitCode.BROKEN: "The contract is broken",
    ExitCode.MISUSED: "What was asked was not run, so nothing is known",
    ExitCode.UNREACHABLE: "The endpoint cannot be reached",
}
_EXCHANGES: Final = 2
# Of a body its beginning is shown, and its end: that is where a check adds something.
_BEGINNING, _END = 200, 100
_LABEL: Final = 10


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """All there is to know beside what happened, as labels and words, which may be several lines."""
    check = finding.check
    yield "rule", f"{check.rule}, {check.severity}"
    yield "expected", check.expected
    yield "likely", finding.cause
    yield "change", finding.change
    for exchange in finding.exchanges[:_EXCHANGES]:
        yield "sent", _sent(exchange)
        yield "answered", _answered(exchange)
    if more := len(finding.exchanges[_EXCHANGES:]):
        yield "", f"and {more} more"


def by_hand(finding: Finding, reproduce: Reproduce) -> Iterator[Command]:
    """The lines that repeat what is shown of a finding, each once."""
    seen = set()
    for exchange in finding.exchanges[:_EXCHANGES]:
        for command in reproduce(exchange.request):
            if command.line not in seen:
                seen.add(command.line)
                yield command


def text(finding: Finding, reproduce: Reproduce) -> str:
    """What happened, all there is to know of it, and the lines that repeat it: as one text, safe to show."""
    rows = [("happened", finding.happened), *details(finding)]
    lines = [f"{label:<{_LABEL}}" + words.replace("\n", "\n" + " " * _LABEL) for label, words in rows]
    lines += [f"\n# {each.purpose}:\n{each.line}" for each in by_hand(finding, reproduce)]
    return printable("\n".join(lines))


def readable(body: bytes) -> str:
    """A body as text: what is no UTF-8 stands as escapes."""
    return body.decode("utf-8", "backslashreplace")


def _sent(exchange: Exchange) -> str:
    request = exchange.request
    head = " ".join(filter(None, (request.method, request.url, request.content_type)))
    return f"{head}\n{_shortened(request.body)}" if request.body else head


def _answered(exchange: Exchange) -> str:
    outcome = exchange.outcome
    head = f"{outcome} ({outcome.seconds:.3f} s)"
    return f"{head}\n{_shortened(outcome.body)}" if isinstance(outcome, Answered) and outcome.body else head


def _shortened(body: bytes) -> str:
    if len(body) <= _BEGINNING + _END:
        return readable(body).strip()
    return f"{readable(body[:_BEGINNING]).strip()} ... {readable(body[-_END:]).strip()} ({len(body)} bytes)"
