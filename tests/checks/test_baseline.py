"""A baseline: what is accepted, for how long, and every mistake in the file."""

from datetime import date
from pathlib import Path

import pytest

from sender_sim.checks import baseline
from sender_sim.checks.baseline import Baseline
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Finding, Verdict
from sender_sim.reading import SettingsError

TODAY = date(2026, 3, 2)
BY_ID = {check.id: check for check in CHECKS}


def read(folder: Path, text: str) -> Baseline:
    file = folder / "baseline.toml"
    file.write_text(text, "utf-8")
    return baseline.read(file, CHECKS, TODAY)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read(folder, text)
    return [problem.removeprefix(f"{folder}/baseline.toml: ") for problem in error.value.problems]


def finding(name: str, verdict: Verdict) -> Finding:
    return Finding(check=BY_ID[name], verdict=verdict, happened="as it was told")


def entry(name: str, until: str = "") -> str:
    return f'[accepted.{name}]\nreason = "we know"\n' + (f"until = {until}\n" if until else "")


def test_a_listed_deviation_is_accepted_with_its_reason(tmp_path: Path) -> None:
    known = read(tmp_path, entry("method-get"))
    judged = known.apply(finding("method-get", Verdict.BROKEN))
    assert (judged.verdict, judged.reason, judged.happened) == (Verdict.ACCEPTED, "we know", "as it was told")
    assert list(known.notes([judged])) == []


def test_what_is_not_listed_stays_as_it_is(tmp_path: Path) -> None:
    known = read(tmp_path, entry("method-get"))
    broken = finding("body-large", Verdict.BROKEN)
    assert known.apply(broken) is broken
    assert read(tmp_path, "").apply(broken) is broken


@pytest.mark.parametrize("verdict", [Verdict.KEPT, Verdict.NOT_RUN])
def test_what_does_not_deviate_is_not_said_to_be_accepted(tmp_path: Path, verdict: Verdict) -> None:
    assert read(tmp_path, entry("method-get")).apply(finding("method-get", verdict)).verdict is verdict


def test_an_entry_that_no_longer_deviates_is_told(tmp_path: Path) -> None:
    known = read(tmp_path, entry("method-get") + entry("body-large"))
    findings = [finding("method-get", Verdict.KEPT), finding("body-large", Verdict.NOT_RUN)]
    assert list(known.notes(findings)) == ["baseline: method-get is kept now; take it out"]


@pytest.mark.parametrize(("until", "accepted"), [("2026-03-03", True), ("2026-03-02", True), ("2026-03-01", False)])
def test_an_entry_counts_until_the_end_of_its_last_day(tmp_path: Path, until: str, *, accepted: bool) -> None:
    known = read(tmp_path, entry("method-get", until))
    judged = known.apply(finding("method-get", Verdict.BROKEN))
    assert (judged.verdict is Verdict.ACCEPTED) == accepted
    told = f"baseline: method-get was accepted until {until}; mend it, or decide anew"
    assert list(known.notes([judged])) == ([] if accepted else [told])


def test_every_mistake_is_told_at_once_with_what_may_be_meant(tmp_path: Path) -> None:
    text = """
        acepted = 1
        [accepted.methd-get]
        reason = "x"
        [accepted.body-large]
        reason = " "
        until = "2026-12-31"
        [accepted.body-empty]
        until = 12
        why = "x"
    """
    assert problems(tmp_path, text.replace("        ", "")) == [
        "acepted: is not known; write [accepted.ID]",
        "accepted.methd-get: is no check; did you mean method-get?",
        "accepted.body-large.reason: is missing; say in a sentence why this is accepted",
        "accepted.body-large.until: '2026-12-31' is not a date; write 2026-12-31, without quotes",
        "accepted.body-empty.reason: is missing; say in a sentence why this is accepted",
        "accepted.body-empty.until: 12 is not a date; write 2026-12-31, without quotes",
        "accepted.body-empty.why: is not known; known: reason, until",
    ]


def test_entries_that_are_no_tables_are_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "accepted = 1") == ["accepted: is not a table; write [accepted.ID]"]
    assert problems(tmp_path, '[accepted]\nbody-large = "we know"') == [
        "accepted.body-large: is not a table; write `reason = ...` below its name in brackets"
    ]


def test_a_file_that_cannot_be_read_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        baseline.read(tmp_path / "none.toml", CHECKS, TODAY)
    with pytest.raises(SettingsError, match="is not TOML"):
        read(tmp_path, "[")


def test_a_day_is_a_day_not_a_moment(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, entry("method-get", "2026-12-31T10:00:00Z"))
    assert problem.endswith("is not a date; write 2026-12-31, without quotes")
