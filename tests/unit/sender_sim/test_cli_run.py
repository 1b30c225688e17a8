"""`sender-sim run`: made-up calls against an endpoint, on any clock; and `python -m sender_sim`."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from click.testing import Result
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.certs import DevelopmentKeys
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.test_cli import misused

REAL_TIME = ("seconds",)


@pytest.fixture
def answers(server: HTTPServer, development_keys: DevelopmentKeys) -> tuple[str, ...]:
    """Arguments that run against an endpoint that answers 200."""
    server.expect_request("/hook", "POST").respond_with_data('{"append": "noted"}')
    return "run", server.url_for("/hook"), "--ca", str(development_keys.ca)


def events(result: Result) -> list[dict[str, Any]]:
    """The lines of `--format json`, without what is real time."""
    read = [json.loads(line) for line in result.stdout.splitlines()]
    return [{name: value for name, value in event.items() if name not in REAL_TIME} for event in read]


def test_a_run_in_which_all_is_delivered_is_exit_code_0(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...]
) -> None:
    result = invoke(*answers, "--calls", 5, "--seed", 3, "--after-outbound")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "calls: 5 (--seed 3 makes them again)",
        "attempts: 5; delivered: 5 (5 at attempt 1); given up: 0",
        "appends saved: 5; violations: 0",
    ]
    assert len(server.log) == 5


def test_a_run_prints_every_event_as_a_line_of_json_and_the_summary_last(
    invoke: Invoke, answers: tuple[str, ...]
) -> None:
    result = invoke(*answers, "--calls", 5, "--pre-call", "--format", "json")
    *stream, summary = events(result)
    assert summary["event"] == "Summary"
    assert summary["delivered"] == len([event for event in stream if event["event"] == "Delivered"])
    assert summary["kept"] is True
    assert stream[0]["event"] == "CallBegan"
    assert stream[0]["at"] == "2026-01-05T09:00:00+00:00"
    assert "CallEnded" in {event["event"] for event in stream}


def test_the_same_seed_prints_the_same_run_and_another_seed_another(invoke: Invoke, answers: tuple[str, ...]) -> None:
    first, again, other = (
        events(invoke(*answers, "--calls", 5, "--seed", seed, "--format", "json")) for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_without_a_seed_each_run_has_calls_of_its_own_and_prints_the_seed_that_makes_them_again(
    invoke: Invoke, answers: tuple[str, ...]
) -> None:
    first, other = (events(invoke(*answers, "--calls", 5, "--after-outbound", "--format", "json")) for _ in range(2))
    assert first[0]["call"] != other[0]["call"]
    again = invoke(*answers, "--calls", 5, "--after-outbound", "--format", "json", "--seed", first[-1]["seed"])
    assert events(again) == first


def test_a_run_that_sends_nothing_tests_nothing_and_is_exit_code_2(
    invoke: Invoke, server: HTTPServer, answers: tuple[str, ...]
) -> None:
    result = invoke(*answers, "--calls", 1, "--seed", 1)  # one outbound call
    assert misused(result) == "nothing was sent, so nothing was tested: more --calls, or --after-outbound\n"
    assert len(server.log) == 0


def test_a_run_that_is_interrupted_sums_up_what_there_was_and_is_exit_code_130(answers: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "sender_sim", *answers, "--seed", "1", "--clock", "real", "--timeline"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert " call" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate()
    assert process.returncode == 130
    assert "calls: 1 (--seed 1 makes them again)" in said
    assert complaints == ""


def test_what_fails_twice_is_delivered_at_the_third_attempt(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    statuses = iter((503, 500, 200))

    def answer(_: Request) -> Response:
        return Response(status=next(statuses))

    server.expect_request("/hook").respond_with_handler(answer)
    result = invoke(
        "run", server.url_for("/hook"), "--ca", development_keys.ca, "--after-outbound", "--calls", 1, "--timeline"
    )
    assert result.exit_code == 0
    assert "1 at attempt 3" in result.stdout
    assert [line.partition(" -> ")[2] for line in result.stdout.splitlines() if " -> " in line] == [
        "503 Service Unavailable",
        "500 Internal Server Error",
        "200 OK",
    ]


def test_a_run_with_retries_off_that_fails_is_exit_code_1(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_data("", status=204)
    result = invoke(
        "run", server.url_for("/hook"), "--ca", development_keys.ca, "--after-outbound", "--calls", 1, "--no-retry"
    )
    assert result.exit_code == 1
    assert "attempts: 1; delivered: 0 (none); given up: 1" in result.stdout
    assert "  failed 1x: 204 No Content" in result.stdout


def test_a_run_against_nobody_gives_up_after_seven_virtual_days(
    invoke: Invoke, development_keys: DevelopmentKeys, closed_port: int
) -> None:
    result = invoke(
        "run", f"https://127.0.0.1:{closed_port}/", "--ca", development_keys.ca, "--after-outbound", "--calls", 1
    )
    assert result.exit_code == 1
    assert "attempts: 337; delivered: 0 (none); given up: 1" in result.stdout
    assert "  failed 337x: connect: connection refused" in result.stdout


def test_a_run_in_which_an_answer_breaks_the_contract_is_exit_code_1(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_data('{"append": ')
    result = invoke(
        "run", server.url_for("/hook"), "--ca", development_keys.ca, "--after-outbound", "--calls", 1, "--timeline"
    )
    assert result.exit_code == 1
    assert "BREAKS R7: the answer is not readable JSON" in result.stdout
    assert "delivered: 1 (1 at attempt 1); given up: 0" in result.stdout


def test_a_run_on_a_fast_clock_delivers_the_same(invoke: Invoke, server: HTTPServer, answers: tuple[str, ...]) -> None:
    result = invoke(*answers, "--calls", 3, "--clock", "x1000000", "--after-outbound")
    assert result.exit_code == 0
    assert "attempts: 3; delivered: 3 (3 at attempt 1); given up: 0" in result.stdout
    assert len(server.log) == 3


def test_http_is_permitted_to_this_machine_if_asked_for(invoke: Invoke, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("")
    assert invoke("run", httpserver.url_for("/hook"), "--after-outbound", "--calls", 1, "--allow-http").exit_code == 0
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("clock", ["fast", "x", "x0", "x-1", "xnan", "xinf", "1800", "x1e9", ""])
def test_a_clock_that_is_none_is_misuse(invoke: Invoke, clock: str) -> None:
    said = " ".join(misused(invoke("run", "https://localhost/", "--clock", clock)).split())
    assert f"{clock!r} is no clock; write virtual, real, or for example x1800" in said


@pytest.mark.parametrize("arguments", [("--calls", "0"), ("--concurrency", "0"), ("--seed", "x")])
def test_a_number_that_cannot_be_is_misuse(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert f"Invalid value for '{arguments[0]}'" in misused(invoke("run", "https://localhost/", *arguments))


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_python_m_runs_the_command() -> None:
    done = python("-m", "sender_sim", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: sender-sim ")


@pytest.mark.parametrize("package", ["aiohttp", "rich", "trustme"])
def test_without_the_simulators_packages_it_says_what_to_install_and_is_exit_code_2(package: str) -> None:
    done = python("-c", f"import sys; sys.modules[{package!r}] = None; import sender_sim.__main__ as m; m.main()")
    assert done.returncode == 2
    assert done.stderr == f"sender-sim needs {package}: pip install 'kaisa-webhook-kit[sim]'\n"


def test_a_missing_package_of_another_kind_is_no_reason_to_install_the_simulator() -> None:
    done = python(
        "-c",
        "import sys; sys.modules['flask'] = sys.modules['click'] = None; import sender_sim.__main__ as m; m.main()",
    )
    assert done.returncode == 1
    assert "ModuleNotFoundError: import of click halted" in done.stderr
