"""Findings on a terminal: one line for each, and all there is to know of what is broken."""

import textwrap
from typing import Final

from rich.console import Console
from rich.text import Text

from receiver import wire
from sender_sim.checks.catalogue import GROUPS
from sender_sim.checks.model import Examination, ExitCode, Finding, Severity, Verdict
from sender_sim.core.integration import Integration
from sender_sim.reports.finding_words import ENDS, Reproduce, by_hand, details
from sender_sim.reports.printable import printable

__all__ = ["FindingsText"]

# A pipe has no width of its own, and a CI's log is wide.
_WIDTH: Final = 120
_NARROWEST: Final = 60
_TITLES: Final = {group.name: group.title for group in GROUPS}
_LONGEST_ID: Final = max(len(check.id) for group in GROUPS for check in group.checks)
_STYLES: Final = {
    Verdict.KEPT: "green",
    Verdict.BROKEN: "bold red",
    Verdict.ACCEPTED: "yellow",
    Verdict.NOT_RUN: "dim",
}


class FindingsText:
    """Prints what it is shown, as it comes. `console` says whether there are colours, and how wide a line may be.

    With `reproduce` the lines that do by hand what broke a check are printed too.
    """

    def __init__(self, console: Console, reproduce: Reproduce | None = None) -> None:
        self._console = console
        self._reproduce = reproduce
        self._width = max(_NARROWEST, console.width) if console.is_terminal else _WIDTH
        self._group = ""
        self._after_gap = False

    def begin(self, integration: Integration) -> None:
        """What is examined, and what it is taken to be set up for."""
        signed = "signed" if integration.signer else "not signed"
        macro = "Kaisa's default macro" if integration.macro.text == wire.DEFAULT_MACRO else "a customised macro"
        self._print(Text(f"{integration.url}: {integration.encoding}, {signed}, {macro}", "bold"))

    def show(self, finding: Finding) -> None:
        """A finding, under the heading of its group."""
        check = finding.check
        if check.group != self._group:
            self._group = check.group
            self._gap()
            self._print(Text(_TITLES.get(check.group, check.group), "bold"))
        verdict = (f"  {finding.verdict:<8} ", _STYLES[finding.verdict])
        self._row(Text.assemble(verdict, f"{check.id:<{_LONGEST_ID}}  "), _told(finding))
        if finding.verdict is Verdict.BROKEN:
            for name, words in details(finding):
                self._row(Text.assemble((f"    {name:<9} ", "dim")), words)
            for command in by_hand(finding, self._reproduce) if self._reproduce else ():
                self._print(Text(f"\n# {command.purpose}:", "dim"))
                self._print(Text(command.line))  # whole, so that it can be copied
            self._gap()

    def end(self, examination: Examination) -> None:
        """What is to be said beside the findings, and the figures."""
        self._gap()
        for note in examination.notes:
            self._row(Text(), note)
        broken = len(examination.having(Verdict.BROKEN, Severity.MUST))
        musts = f" ({broken} of them musts)" if examination.having(Verdict.BROKEN) else ""
        counts = [f"{len(examination.having(verdict))} {verdict}" for verdict in Verdict]
        counts[list(Verdict).index(Verdict.BROKEN)] += musts
        end = f"{ENDS[examination.exit_code]}."
        style = "bold green" if examination.exit_code is ExitCode.KEPT else "bold red"
        self._print(Text(f"{', '.join(counts)} in {examination.seconds:.1f} s. ").append(end, style))

    def _row(self, label: Text, words: str) -> None:
        """A label, and words that go on below themselves, not below the label."""
        margin = len(label)
        lines = [
            piece
            for line in printable(words).split("\n")
            for piece in textwrap.wrap(line, self._width - margin, break_on_hyphens=False) or [""]
        ]
        self._print(label.append(f"\n{' ' * margin}".join(lines)))

    def _gap(self) -> None:
        """An empty line, and only one."""
        if not self._after_gap:
            self._console.print()
        self._after_gap = True

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
        self._after_gap = False


def _told(finding: Finding) -> str:
    match finding.verdict:
        case Verdict.KEPT:
            return finding.check.expected
        case Verdict.ACCEPTED:
            return f"{finding.happened}; accepted: {finding.reason}"
        case _:
            return finding.happened
