"""An examination as JUnit's XML, which every CI shows: a group is a suite, a check a test case.

It fails where `sender-sim check` does: on what must be kept and is broken. What is not run, accepted or a mere `should`
is skipped, with the reason. Valid by the schemas of Jenkins (junit-10.xsd) and of Ant (JUnit.xsd).
"""

from collections.abc import Iterable
from datetime import UTC
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sender_sim.checks.catalogue import GROUPS
from sender_sim.checks.model import Examination, Finding, Severity, Verdict
from sender_sim.reports.finding_words import Reproduce, text
from sender_sim.reports.printable import printable

__all__ = ["as_xml"]

_ORDER: Final = [group.name for group in GROUPS]
_TITLES: Final = {group.name: group.title for group in GROUPS}


def as_xml(examination: Examination, reproduce: Reproduce) -> bytes:
    """The document. `reproduce` has the lines that repeat a request."""
    findings = sorted(examination.findings, key=lambda finding: _ORDER.index(finding.check.group))
    suites = Element("testsuites")  # without attributes, as Ant's schema has it
    for number, (group, found) in enumerate(groupby(findings, key=attrgetter("check.group"))):
        suites.append(_suite(number, group, list(found), examination, reproduce))
    indent(suites)
    document: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return document


def _suite(number: int, group: str, findings: list[Finding], examination: Examination, reproduce: Reproduce) -> Element:
    skipped = sum(finding.verdict is not Verdict.KEPT and not _fails(finding) for finding in findings)
    attributes = {
        "id": str(number),
        "name": _TITLES[group],
        "package": f"kaisa.{group}",
        "hostname": urlsplit(examination.integration.url).hostname or "",
        "timestamp": examination.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "time": _seconds(sum(finding.seconds for finding in findings)),
        "skipped": str(skipped),
    }
    suite = Element("testsuite", attributes | _counts(findings))
    properties = SubElement(suite, "properties")
    for name, value in _facts(examination):
        SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(_case(finding, reproduce) for finding in findings)
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    return suite


def _case(finding: Finding, reproduce: Reproduce) -> Element:
    check = finding.check
    case = Element("testcase", classname=f"kaisa.{check.group}", name=check.id, time=_seconds(finding.seconds))
    if finding.verdict is Verdict.NOT_RUN:
        SubElement(case, "skipped", message=printable(finding.happened))
    elif finding.verdict is not Verdict.KEPT:
        happened = printable(finding.happened)
        if _fails(finding):
            told = SubElement(case, "failure", type=check.rule, message=happened)
        else:
            why = f"accepted: {finding.reason}" if finding.verdict is Verdict.ACCEPTED else "a should, no must"
            told = SubElement(case, "skipped", message=printable(f"{why}: {finding.happened}"))
        told.text = text(finding, reproduce)
    return case


def _fails(finding: Finding) -> bool:
    return finding.verdict is Verdict.BROKEN and finding.check.severity is Severity.MUST


def _counts(findings: Iterable[Finding]) -> dict[str, str]:
    found = list(findings)
    return {"tests": str(len(found)), "failures": str(sum(map(_fails, found))), "errors": "0"}


def _facts(examination: Examination) -> list[tuple[str, str]]:
    integration = examination.integration
    return [
        ("tool", f"sender-sim {version('kaisa-webhook-kit')}"),
        ("url", integration.url),
        ("encoding", integration.encoding),
        ("signed", "yes" if integration.signer else "no"),
        ("macro", integration.macro.text),
    ]


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
