"""`sender-sim check`: exit codes, the two reports, and what is remembered."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Response

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Finding
from sender_sim.cli import main
from sender_sim.commands import check as command
from tests.checks.defects.answers import Answers204
from tests.checks.defects.refusals import AnswersGet
from tests.checks.endpoint import Endpoint, Values
from tests.checks.servers import nowhere, over_http, over_https
from tests.openssl import KeyPair

Check = Callable[..., Result]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


@pytest.fixture
def good() -> Iterator[Check]:
    """`sender-sim check` with these arguments, of an endpoint without a defect."""
    with over_http(Endpoint()) as served:
        yield lambda *arguments: check(served.url, "--allow-http", *arguments)


@pytest.fixture
def answers_get() -> Iterator[Check]:
    with over_http(AnswersGet()) as served:
        yield lambda *arguments: check(served.url, "--allow-http", *arguments)


@pytest.fixture
def answers_204() -> Iterator[Check]:
    with over_http(Answers204()) as served:
        yield lambda *arguments: check(served.url, "--allow-http", *arguments)


def test_a_signed_endpoint_over_https_is_examined_whole(tmp_path: Path, key_pair: KeyPair) -> None:
    with over_https(Endpoint(key_pair.public.read_bytes())) as served:
        (tmp_path / "ca.pem").write_text(served.ca, "ascii")
        result = check(served.url, "--ca", "ca.pem", "--sign", str(key_pair.private))
    assert result.exit_code == 0, result.output
    assert f"{len(CHECKS) - 2} kept, 0 broken, 0 accepted, 2 not run in " in result.output
    assert result.output.endswith("The contract is kept.\n")


def test_a_broken_must_is_exit_code_1_and_all_there_is_to_know_of_it(answers_204: Check) -> None:
    result = answers_204()
    assert result.exit_code == 1
    assert (
        "  broken   answer-200                 answered 204 No Content; Kaisa takes it for a failure" in result.stdout
    )
    for line in (
        "    rule      R2 S, must",
        "    expected  a delivery, sent as the integration is set up, is answered exactly 200",
        "    likely    an empty answer becomes 204 in many frameworks",
        "    change    answer 200 once the delivery is safe, with an empty body or {}",
        "    answered  204 No Content (",
    ):
        assert f"\n{line}" in result.stdout
    assert "\n    sent      POST http://127.0.0.1:" in result.stdout
    assert result.stdout.endswith("The contract is broken.\n")


def test_a_broken_should_is_told_and_is_no_failure(answers_get: Check) -> None:
    result = answers_get("--only", "refusals")
    assert result.exit_code == 0
    assert "  broken   method-get                 accepted: 200 OK" in result.stdout
    assert "5 kept, 1 broken (0 of them musts), 0 accepted, 0 not run in " in result.stdout


def test_an_endpoint_that_cannot_be_reached_is_exit_code_3() -> None:
    with nowhere(None) as served:
        result = check(served.url)
    assert result.exit_code == 3
    assert "  broken   reachable                  no connection: connection refused" in result.stdout
    assert result.stdout.endswith("The endpoint cannot be reached.\n")


def test_every_mistake_of_the_command_line_and_its_files_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "baseline.toml").write_text("[accepted.event-smss]\n", "utf-8")
    result = check("http://www.example.com/", "--only", "txt", "--baseline", "baseline.toml", "--sign", "none.key")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        "--only",
        "baseline.toml",
        "baseline.toml",
        "url",
        "signature.key",
    ]


def test_if_no_check_could_be_run_nothing_is_known(good: Check) -> None:
    result = good("--only", "signed")
    assert result.exit_code == 2
    assert "What was asked was not run, so nothing is known." in result.stdout
    assert "nothing that was asked was run" in result.stderr


def test_a_baseline_accepts_what_it_lists_and_tells_what_is_out_of_date(answers_204: Check, tmp_path: Path) -> None:
    (tmp_path / "baseline.toml").write_text(
        '[accepted.answer-200]\nreason = "until the framework is replaced"\n'
        '[accepted.event-sms]\nreason = "we get none"\n',
        "utf-8",
    )
    result = answers_204("--baseline", "baseline.toml")
    assert result.exit_code == 0
    assert "  accepted answer-200" in result.stdout
    assert "accepted: until the framework is replaced" in " ".join(result.stdout.split())
    assert "baseline: event-sms is kept now; take it out" in result.stdout


def test_what_was_accepted_until_yesterday_is_broken_today(
    answers_204: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "baseline.toml"
    file.write_text('[accepted.answer-200]\nreason = "we know"\nuntil = 2026-03-01\n', "utf-8")
    days = {1: 0, 2: 1}
    for day, exit_code in days.items():
        monkeypatch.setattr(command, "_now", lambda day=day: datetime(2026, 3, day, 23, 59, tzinfo=UTC))
        assert answers_204("--baseline", "baseline.toml", "--only", "answer").exit_code == exit_code


def test_the_last_broken_ones_can_be_run_again_alone() -> None:
    class Mended(Endpoint):
        mended = False

        def answer(self, values: Values) -> Response:
            wrong = values["event_type"] == "1" and not self.mended
            return Response(status=500) if wrong else super().answer(values)

    endpoint = Mended()
    with over_http(endpoint) as served:
        first = check(served.url, "--allow-http")
        again = check(served.url, "--allow-http", "--last-failed")
        endpoint.mended = True
        mended = check(served.url, "--allow-http", "--last-failed")
        nothing = check(served.url, "--allow-http", "--last-failed", "--only", "events")
    assert [result.exit_code for result in (first, again, mended, nothing)] == [1, 1, 0, 0]
    assert "0 kept, 1 broken (1 of them musts)" in again.stdout
    assert "1 kept, 0 broken" in mended.stdout
    assert "nothing is known to have been broken, so all checks are run" in nothing.stderr
    assert "3 kept, 0 broken" in nothing.stdout


def test_where_nothing_can_be_remembered_the_result_counts_all_the_same(good: Check, tmp_path: Path) -> None:
    (tmp_path / ".sender-sim").write_text("a file", "utf-8")
    result = good("--only", "answer-200")
    assert result.exit_code == 0
    assert ".sender-sim cannot be written, so --last-failed will not know" in result.stderr


def test_the_json_document_is_all_there_is(answers_204: Check) -> None:
    result = answers_204("--format", "json", "--timeout", "5", "--skip", "robust")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert list(document) == [
        "version",
        "tool",
        "url",
        "settings",
        "at",
        "seconds",
        "exit_code",
        "counts",
        "broken_musts",
        "notes",
        "findings",
    ]
    assert (document["version"], document["exit_code"], document["broken_musts"]) == (1, 1, 1)
    assert document["settings"]["timeout"] == 5.0
    assert (document["settings"]["encoding"], document["settings"]["signed"]) == ("form", False)
    findings: dict[str, Any] = {finding["id"]: finding for finding in document["findings"]}
    assert list(findings) == [each.id for each in CHECKS if each.group != "robust"]
    assert sum(document["counts"].values()) == len(findings)
    broken = findings["answer-200"]
    assert (broken["verdict"], broken["severity"], broken["rule"]) == ("broken", "must", "R2 S")
    [exchange] = broken["exchanges"]
    assert exchange["answer"]["status"] == 204
    assert exchange["request"]["method"] == "POST"
    assert exchange["request"]["body_bytes"] == len(exchange["request"]["body"])
    large = findings["body-large"]["exchanges"][0]["request"]
    assert (large["body_bytes"] > 10_000_000, len(large["body"])) == (True, 4_000)


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_broke_a_check_can_be_done_by_hand(answers_204: Check, form: str) -> None:
    result = answers_204("--only", "answer-200", "--reproduce", "--format", form)
    if form == "json":
        [finding] = json.loads(result.stdout)["findings"]
        [line] = [each["line"] for each in finding["reproduce"]]
    else:
        [line] = [line for line in result.stdout.splitlines() if line.startswith("curl ")]
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.startswith("HTTP/1.1 204 ")


def test_the_checks_can_be_listed_without_an_endpoint() -> None:
    result = check("--list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [each.id for each in CHECKS]
    assert [line.split()[0] for line in check("--list", "--only", "answer").stdout.splitlines()] == [
        "answer-200",
        "answer-in-time",
        "answer-many-at-once",
    ]


def test_what_was_found_until_ctrl_c_is_shown(good: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*arguments: Any) -> AsyncIterator[Finding]:
        async for finding in examine(*arguments):
            yield finding
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "examine", interrupted)
    result = good("--only", "events")
    assert result.exit_code == 130
    assert "event-missed-call" in result.stdout
    assert "1 kept, 0 broken" in result.stdout


def test_what_an_endpoint_answers_cannot_take_over_the_terminal() -> None:
    class Escapes(Endpoint):
        def respond(self, append: Any) -> Response:  # noqa: ARG002 - it answers the same to all
            return Response("\x1b]0;pwned\x07", 500)

    with over_http(Escapes()) as served:
        result = check(served.url, "--allow-http", "--only", "answer-200")
    assert "\x1b" not in result.stdout
    assert "\\x1b]0;pwned\\x07" in result.stdout


def test_no_line_of_a_pipe_is_longer_than_a_ci_log_is_wide(answers_204: Check) -> None:
    assert max(map(len, answers_204().stdout.splitlines())) <= 120


def test_colours_are_for_terminals_that_want_them(answers_204: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in answers_204("--only", "answer-200").stdout
    monkeypatch.setitem(os.environ, "FORCE_COLOR", "1")
    assert "\x1b[1;31m  broken   \x1b[0m" in answers_204("--only", "answer-200").stdout
