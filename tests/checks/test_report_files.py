"""`sender-sim check --junit, --html, --har`: the files of one run say the same as its exit code."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest
from click.testing import CliRunner, Result

from sender_sim.cli import main
from tests.checks.defects.answers import Answers204
from tests.checks.endpoint import Endpoint
from tests.checks.servers import nowhere, over_http

ALL = ("--junit", "found.xml", "--html", "found.html", "--har", "found.har")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


def failures() -> list[str]:
    return [
        case.get("name", "")
        for case in parse("found.xml").iter("testcase")  # noqa: S314 - our own
        if case.find("failure") is not None
    ]


@pytest.fixture
def good() -> Iterator[str]:
    with over_http(Endpoint()) as served:
        yield served.url


def test_of_an_endpoint_that_keeps_to_the_contract_all_three_say_so(good: str) -> None:
    result = check(good, "--allow-http", *ALL)
    assert result.exit_code == 0, result.output
    assert failures() == []
    assert '<h1 class="verdict">The contract is kept</h1>' in Path("found.html").read_text("utf-8")
    log = json.loads(Path("found.har").read_text("utf-8"))["log"]
    assert {each["request"]["url"] for each in log["entries"]} == {good}


def test_of_one_that_breaks_it_too_and_the_lines_trust_the_given_ca(tmp_path: Path) -> None:
    with over_http(Answers204()) as served:
        result = check(served.url, "--allow-http", *ALL)
    assert result.exit_code == 1
    assert "answer-200" in failures()
    assert '<h1 class="verdict">The contract is broken</h1>' in Path("found.html").read_text("utf-8")
    with nowhere(None) as served:
        (tmp_path / "ca.pem").write_text(served.ca, "ascii")
        result = check(served.url, "--ca", "ca.pem", *ALL)
    assert result.exit_code == 3
    assert failures() == ["reachable"]
    assert '<h1 class="verdict">The endpoint cannot be reached</h1>' in Path("found.html").read_text("utf-8")
    assert json.loads(Path("found.har").read_text("utf-8"))["log"]["entries"] == []


def test_they_are_written_beside_the_json_document(good: str) -> None:
    result = check(good, "--allow-http", "--only", "answer", "--format", "json", *ALL)
    found = [finding["id"] for finding in json.loads(result.stdout)["findings"]]
    assert [case.get("name") for case in parse("found.xml").iter("testcase")] == found  # noqa: S314 - our own


@pytest.mark.parametrize("flag", ["--junit", "--html", "--har"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_sent(good: str, flag: str) -> None:
    result = check(good, "--allow-http", flag, "none/found")
    assert result.exit_code == 2
    assert f"Invalid value for '{flag}': there is no folder 'none'" in result.stderr
    assert not Path(".sender-sim").exists()
