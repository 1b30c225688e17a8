"""The contract's checks as tests of pytest, one each, beside the user's own."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sender_sim.blocking import finish
from sender_sim.checks import baseline
from sender_sim.checks.baseline import Baseline
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import Examiner
from sender_sim.checks.model import Check, Finding, Severity, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.options import Target, target
from sender_sim.reading import collected
from sender_sim.reports.finding_words import text
from sender_sim.reports.printable import printable
from sender_sim.reports.reproduce import commands
from sender_sim.transports import HttpsTransport

__all__ = ["Contract"]

_NODE: Final = "kaisa"
_SECTION: Final = "what was found"


class Contract:
    """Has the checks collected and run. `flags` are those of `sender-sim check` that are `--kaisa-` and the flag here.

    Raises pytest.UsageError with every mistake in what is given.
    """

    def __init__(
        self, flags: tuple[str, ...], *, file: str | None, ca: str | None, accepted: str | None, **given: Any
    ) -> None:
        longest_first = "|".join(sorted(flags, key=len, reverse=True))
        self._flags = re.compile(rf"(?<![\w-])--({longest_first})\b")
        self._sent_to, self._baseline = self._read(file, ca, accepted, given)
        integration, tls = self._sent_to.integration, self._sent_to.tls
        chance = random.Random()  # noqa: S311 - made-up calls are no secret
        self._examiner = Examiner(Probe(integration, HttpsTransport(tls), tls=tls, random=chance, now=_now))
        self.reproduce = partial(commands, ca=self._sent_to.ca, signing=self._sent_to.signing)

    def find(self, check: Check) -> Finding:
        """What comes of a check."""
        finding = finish(self._examiner.find(check))
        judged = self._baseline.apply(finding)
        here = self._as_here
        return replace(judged, happened=here(judged.happened), cause=here(judged.cause), change=here(judged.change))

    def pytest_report_header(self) -> str:
        """What is examined."""
        integration = self._sent_to.integration
        signed = "signed" if integration.signer else "not signed"
        return printable(f"{_NODE}: {integration.url}, {integration.encoding}, {signed}")

    @pytest.hookimpl(tryfirst=True)  # before -k, -m and --lf choose among all
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the checks, after the user's own tests."""
        items.extend(session.genitems(_Checks.from_parent(session, name=_NODE, nodeid=_NODE, contract=self)))

    # Its type is quoted: pytest 8.0 and older have no such name.
    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Show what is broken without failing: a `should`, and what the baseline accepts."""
        reports = [each for each in terminalreporter.stats.get("xfailed", ()) if each.nodeid.startswith(f"{_NODE}::")]
        if reports:
            terminalreporter.section("Kaisa: broken, and no failure (--runxfail makes it one)")
        for report in reports:
            terminalreporter.write_line(f"{report.nodeid}: {report.wasxfail}", bold=True)
            for name, words in report.sections:
                if _SECTION in name:
                    terminalreporter.write_line(f"{words}\n")

    def _read(
        self, file: str | None, ca: str | None, accepted: str | None, given: dict[str, Any]
    ) -> tuple[Target, Baseline]:
        problems: list[str] = []
        today = _now().date()
        paths: dict[str, Any] = {"file": Path(file) if file else None, "ca": Path(ca) if ca else None}
        sent_to = collected(problems, lambda: target(**paths, **given))
        known = collected(
            problems, lambda: baseline.read(Path(accepted), CHECKS, today) if accepted else Baseline(today=today)
        )
        if sent_to is None or known is None:
            raise pytest.UsageError(self._as_here("\n".join(problems)))
        return sent_to, known

    def _as_here(self, words: str) -> str:
        """Words that name flags of the command, with the flags of the plugin."""
        return self._flags.sub(r"--kaisa-\1", words)


class _Checks(pytest.Collector):
    """All checks."""

    def __init__(self, *, contract: Contract, **details: Any) -> None:
        super().__init__(**details)
        self._contract = contract

    def collect(self) -> Iterator["_CheckItem"]:
        """A test for each."""
        for check in CHECKS:
            yield _CheckItem.from_parent(self, name=check.id, check=check, contract=self._contract)


class _CheckItem(pytest.Item):
    """One check: passes, fails, is skipped with the reason why it was not run, or fails as expected."""

    def __init__(self, *, check: Check, contract: Contract, **details: Any) -> None:
        super().__init__(**details)
        self._check = check
        self._contract = contract
        self._told: _Told | None = None
        self.add_marker(_NODE)
        self.extra_keyword_matches.update((check.group, str(check.severity)))
        self.user_properties += [("kaisa-rule", check.rule), ("kaisa-severity", str(check.severity))]

    def runtest(self) -> None:
        """Find what comes of it."""
        finding = self._contract.find(self._check)
        if finding.verdict is Verdict.NOT_RUN:
            pytest.skip(finding.happened)
        if finding.verdict is Verdict.KEPT:
            return
        self._told = _Told(finding, text(finding, self._contract.reproduce))
        if finding.verdict is Verdict.BROKEN and self._check.severity is Severity.MUST:
            pytest.fail(finding.happened)
        self.add_report_section("call", _SECTION, str(self._told))
        why = f"accepted: {finding.reason}" if finding.reason else f"a should, no must: {finding.happened}"
        raise pytest.xfail.Exception(why)  # where --runxfail is given, pytest.xfail() does nothing

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was found; and where the check itself fails, where."""
        return self._told or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, None, str]:
        """Its place, which is no line of a file, and its name."""
        return _NODE, None, self.nodeid


class _Told:
    """A failure as pytest prints it; `reprcrash` is what its short summary and JUnit's XML have of it."""

    def __init__(self, finding: Finding, words: str) -> None:
        self.reprcrash = SimpleNamespace(message=printable(finding.happened))
        self._words = words

    def __str__(self) -> str:
        return self._words

    def toterminal(self, tw: Any) -> None:
        """Write it."""
        tw.line(self._words)


def _now() -> datetime:
    return datetime.now(UTC)
