"""`sender-sim scenarios`, and `run` with scenarios and faults, against an endpoint over HTTPS."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from click.testing import Result
from pytest_httpserver import HTTPServer

from sender_sim.certs import DevelopmentKeys
from sender_sim.scenarios import found, shipped
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.test_cli import misused

ENDPOINT = "https://localhost/"


@pytest.fixture
def answers(server: HTTPServer, development_keys: DevelopmentKeys) -> tuple[str, ...]:
    """Arguments that run against an endpoint that answers 200."""
    server.expect_request("/hook", "POST").respond_with_data('{"append": "noted"}')
    return "run", server.url_for("/hook"), "--ca", str(development_keys.ca)


def summary_of(result: Result) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return summary


def test_scenarios_are_listed_with_what_happens_and_what_to_look_for(invoke: Invoke) -> None:
    result = invoke("scenarios")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    for each in shipped():
        assert f"{each.name}: {each.title} {each.size}; expected: {each.expect} {each.shows}" in said
    assert max(map(len, result.stdout.splitlines())) <= 130


def test_a_scenario_is_printed_as_it_stands_in_its_file(invoke: Invoke) -> None:
    result = invoke("scenarios", "answers-lost")
    assert result.exit_code == 0
    assert result.stdout == found("answers-lost").text


def test_a_scenario_that_is_printed_can_be_changed_and_played(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(invoke("scenarios", "duplicate-storm").stdout.replace('to = "12h"', 'to = "3h"'), "utf-8")
    result = invoke(*answers, "--scenario", mine, "--calls", 2, "--seed", 3, "--after-outbound")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"scenario {mine}: ended as it should"
    assert 10 <= len(server.log) <= 14  # every half hour for what is left of three hours, and once more


def test_a_name_that_is_nearly_one_is_told(invoke: Invoke) -> None:
    for arguments in (("scenarios", "bust"), ("run", ENDPOINT, "--scenario", "bust")):
        assert misused(invoke(*arguments)) == (
            "'bust' is no scenario; did you mean burst? A file of your own is NAME.toml\n"
        )


def test_a_scenario_that_ends_as_it_should_is_exit_code_0_even_if_all_is_given_up(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...]
) -> None:
    result = invoke(
        *answers, "--scenario", "endpoint-down-eight-days", "--calls", 3, "--after-outbound", "--format", "json"
    )
    assert result.exit_code == 0
    summary = summary_of(result)
    assert (summary["given_up"], summary["attempts"], summary["kept"]) == (3, 3 * 337, False)
    assert (summary["scenario"], summary["unexpected"]) == ("endpoint-down-eight-days", [])
    assert len(server.log) == 0


def test_a_scenario_that_ends_otherwise_is_exit_code_1_and_says_how(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_data("", status=500)
    to = (server.url_for("/hook"), "--ca", development_keys.ca)
    result = invoke("run", *to, "--scenario", "steady-day", "--calls", 2, "--no-retry", "--no-pre-call")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2:] == [
        "scenario steady-day: did not end as it should",
        "  given up: 2 of 2, expected: none",
    ]


def test_a_violation_is_never_expected(invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys) -> None:
    server.expect_request("/hook").respond_with_data('{"append": 5}')
    to = (server.url_for("/hook"), "--ca", development_keys.ca)
    result = invoke("run", *to, "--scenario", "steady-day", "--calls", 1, "--no-pre-call", "--format", "json")
    assert result.exit_code == 1
    assert summary_of(result)["unexpected"] == ["answers that break the contract: 1, expected: none"]


def test_faults_are_given_as_flags_and_the_endpoint_is_not_to_blame(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...]
) -> None:
    texts = ("answer-lost:attempts=1", "status:code=503,before,attempts=2", "refused:attempts=3-5")
    faults = [argument for text in texts for argument in ("--fault", text)]
    result = invoke(*answers, "--calls", 1, "--after-outbound", *faults)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == "attempts: 6; delivered: 1 (1 at attempt 6); given up: 0"
    assert Counter(result.stdout.splitlines()[3:]) == Counter(
        [
            "  failed 3x: connect: connection refused (fault)",
            "  failed 1x: reset: answer lost (fault)",
            "  failed 1x: 503 Service Unavailable (fault)",
        ]
    )
    first, last = (request.get_data() for request, _ in server.log)
    assert first == last


def test_a_fault_that_no_attempt_could_meet_is_told_since_it_was_not_tested(
    invoke: Invoke, answers: tuple[str, ...]
) -> None:
    late, never, met = "refused:from=1d,to=3d", "status:code=502,attempts=2-", "reset:attempts=1"
    untested = "no attempt met the fault {}, so nothing of it was tested: "
    told = invoke(*answers, "--calls", 2, "--after-outbound", "--fault", late, "--fault", never).stdout.splitlines()[
        -2:
    ]
    assert told[0].startswith(
        untested.format("refused") + "it begins 1d after the start, and the last attempt was after "
    )
    assert told[0].endswith("; let it begin earlier, or let more --calls happen")
    assert told[1] == untested.format("status") + "none has the number, the event and the time that it asks for"
    assert "no attempt met" not in invoke(*answers, "--calls", 1, "--after-outbound", "--fault", met).stdout


def test_faults_join_those_of_a_scenario_and_come_first(invoke: Invoke, answers: tuple[str, ...]) -> None:
    result = invoke(
        *answers, "--scenario", "duplicate-storm", "--calls", 1, "--after-outbound", "--fault", "tls", "--no-retry"
    )
    assert result.exit_code == 1
    assert "  failed 1x: tls: TLS could not be agreed on (fault)" in result.stdout


def test_every_mistake_of_a_run_is_told_at_once(invoke: Invoke) -> None:
    said = misused(
        invoke("run", "http://x/", "--scenario", "bust", "--fault", "refusd", "--fault", "latency", "--sign", "/no.key")
    )
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "'bust' is no scenario; did you mean burst? A file of your own is NAME.toml",
        "--fault 'refusd'",
        "--fault 'latency'",
        "url",
        "signature.key",
    ]


def test_a_second_key_is_for_a_scenario_that_takes_one(invoke: Invoke) -> None:
    said = misused(invoke("run", ENDPOINT, "--next-sign", "x.key"))
    assert said == "--next-sign: is for a scenario that changes the key: --scenario key-rotation\n"


def test_a_rotation_signs_with_one_key_and_then_with_the_other(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...], key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    result = invoke(
        *answers, "--scenario", "key-rotation", "--sign", key_pair.private, "--next-sign", other_key_pair.private
    )
    assert result.exit_code == 0, result.output
    signed = Counter[str]()
    for request, _ in server.log:
        envelope = dict(parse_qsl(request.get_data(as_text=True)))
        payload = envelope["payload"].encode()
        by = {key_pair.sign_base64(payload): "first", other_key_pair.sign_base64(payload): "second"}
        signed[by[envelope["sign"]]] += 1
    assert set(signed) == {"first", "second"}


def test_the_scenario_stands_over_the_settings_file_and_a_flag_over_both(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, tmp_path: Path
) -> None:
    server.expect_request("/hook").respond_with_data("")
    (tmp_path / "kaisa.toml").write_text(
        f"url = '{server.url_for('/hook')}'\npre_call = false\nmacro = 'mine={{id}}&event={{event_type}}'"
    )
    (tmp_path / "mine.toml").write_text(
        "title = 'T'\nshows = 'S'\n[calls]\ncount = 1\nsms = 0\n[settings]\npre_call = true\nafter_outbound = true\n"
        "macro = 'theirs={id}'"
    )
    base = (
        "run",
        "--ca",
        development_keys.ca,
        "--settings",
        tmp_path / "kaisa.toml",
        "--scenario",
        tmp_path / "mine.toml",
    )
    assert invoke(*base).exit_code == 0
    assert len(server.log) == 2  # pre-call and post-call
    assert all(request.get_data().startswith(b"mine=") for request, _ in server.log)
    assert invoke(*base, "--no-pre-call").exit_code == 0
    assert len(server.log) == 3
    assert invoke(*base, "--no-pre-call", "--macro", "flag={id}").exit_code == 0
    assert server.log[-1][0].get_data().startswith(b"flag=")


def test_a_scenario_that_stays_inactive_sends_nothing_and_is_exit_code_2(
    invoke: Invoke, answers: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("title = 'T'\nshows = 'S'\nstage = 'set up'")
    result = invoke(*answers, "--scenario", tmp_path / "mine.toml")
    assert result.exit_code == 2
    assert "nothing was sent, so nothing was tested" in result.stderr
