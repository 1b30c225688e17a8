"""JUnit's XML of an examination: valid, and red where the command's exit code says so."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
import xmlschema

from sender_sim.checks.model import Examination, ExitCode, Severity, Verdict
from sender_sim.reports.findings_junit import as_xml
from tests.checks.told import EVERYTHING, HOSTILE, REPRODUCE, examination, finding

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "schemas" / "junit.xsd")


def written(told: Examination) -> Element:
    document = as_xml(told, REPRODUCE)
    SCHEMA.validate(document.decode("utf-8"))
    return fromstring(document)  # noqa: S314 - our own


def case(document: Element, name: str) -> Element:
    [found] = [each for each in document.iter("testcase") if each.get("name") == name]
    return found


def test_groups_are_suites_in_the_order_of_the_catalogue_and_checks_are_their_cases() -> None:
    document = written(EVERYTHING)
    assert [suite.get("package") for suite in document] == [
        "kaisa.connection", "kaisa.answer", "kaisa.append", "kaisa.signed", "kaisa.refusals",
    ]  # fmt: skip
    assert [suite.get("id") for suite in document] == ["0", "1", "2", "3", "4"]
    assert [each.get("name") for each in document[4].iter("testcase")] == ["method-get", "body-empty"]
    assert {each.get("classname") for each in document[4].iter("testcase")} == {"kaisa.refusals"}
    assert document[0].get("timestamp") == "2026-03-02T09:00:00"
    assert document[4].get("time") == "0.250"


def test_the_counts_of_a_suite_are_those_of_its_cases() -> None:
    for suite in written(EVERYTHING):
        for attribute, element in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(len(list(suite.iter(element))))


def test_a_broken_must_fails_with_all_there_is_to_know() -> None:
    failure = case(written(EVERYTHING), "answer-200").find("failure")
    assert failure is not None
    assert failure.get("message") == "happened at answer-200"
    assert failure.get("type") == "R2 S"
    told = failure.text or ""
    for words in (
        "happened  happened at answer-200",
        "rule      R2 S, must",
        "expected  a delivery, sent as the integration is set up, is answered exactly 200",
        "likely    cause of answer-200",
        "change    change for answer-200",
        "answered  200 OK (0.500 s)",
        "\n# send the same request again:\nprintf -- ",
    ):
        assert words in told


def test_a_broken_should_is_skipped_and_told_as_fully() -> None:
    [skipped] = case(written(EVERYTHING), "method-get")
    assert skipped.tag == "skipped"
    assert skipped.get("message") == "a should, no must: happened at method-get"
    assert "change    change for method-get" in (skipped.text or "")


def test_an_accepted_deviation_is_skipped_with_its_reason() -> None:
    [skipped] = case(written(EVERYTHING), "body-empty")
    assert skipped.tag == "skipped"
    assert (skipped.get("message") or "").startswith("accepted: known: <script>")
    assert "change    change for body-empty" in (skipped.text or "")


def test_what_is_not_run_is_skipped_with_the_reason_and_what_is_kept_says_nothing() -> None:
    document = written(EVERYTHING)
    [skipped] = case(document, "signed-accepted")
    assert (skipped.tag, skipped.get("message")) == ("skipped", "no signing key is given (--sign)")
    assert list(case(document, "reachable")) == []


def test_hostile_text_stays_text() -> None:
    failure = case(written(EVERYTHING), "append-length").find("failure")
    assert failure is not None
    assert failure.get("message") == (
        r"<script>alert('x')</script> ]]> & \" \x1b[31m \x00 \x85 \ud800 \u202e\u202f".replace(r"\"", '"')
    )
    assert HOSTILE.split()[0] in (failure.text or "")


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("verdict", Verdict)
def test_there_are_failures_exactly_where_the_command_exits_with_1(verdict: Verdict, severity: Severity) -> None:
    told = examination([finding("answer-200", verdict, severity=severity), finding("reachable", Verdict.KEPT)])
    failures = sum(int(suite.get("failures") or 0) for suite in written(told))
    assert (failures > 0) == (told.exit_code is ExitCode.BROKEN)
