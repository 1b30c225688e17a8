"""`sender-sim run --report FILE.html`."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.certs import DevelopmentKeys
from tests.html_tree import Element, read
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.html"


@pytest.fixture
def run(server: HTTPServer, development_keys: DevelopmentKeys, file: Path) -> tuple[str, ...]:
    """Arguments that run against an endpoint and write a report."""
    target = ["run", server.url_for("/hook"), "--ca", development_keys.ca, "--sign", development_keys.signing_key]
    return tuple(map(str, [*target, "--calls", 6, "--seed", 3, "--report", file]))


def facts(tree: Element) -> dict[str, str]:
    return {each.one("dt").words: each.one("dd").words for each in tree.one("dl", class_="facts").all("div")}


def test_a_run_is_written_down_with_what_it_was_set_to(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook", "POST").respond_with_data('{"append": "noted"}')
    result = invoke(*run, "--pre-call", "--format", "json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout.splitlines()[-1])
    tree = read(file.read_text("utf-8"))
    assert tree.one("h1").words == "The contract was kept"
    assert tree.one("p", class_="url mono").words == server.url_for("/hook")
    told = facts(tree)
    assert (told["seed"], told["clock"], told["pre-call"]) == ("3", "virtual", "on")
    assert len(tree.one("table", class_="deliveries").all("q")) == summary["appends_saved"] > 0
    lines = [each.text for each in tree.all("pre")]
    assert len(lines) == 3 * summary["delivered"]
    assert lines[0].startswith("curl ")
    assert f"--cacert {development_keys.ca}" in lines[0]
    assert f"-sign {development_keys.signing_key}" in lines[1]


def test_a_run_that_broke_the_contract_is_written_down_too(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path
) -> None:
    server.expect_request("/hook", "POST").respond_with_data('{"append": 12}')
    assert invoke(*run).exit_code == 1
    assert "What to change" in read(file.read_text("utf-8")).one("ul", class_="wrongs").words


def test_a_scenario_is_written_down_with_its_name_its_faults_and_how_it_ended(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path
) -> None:
    server.expect_request("/hook", "POST").respond_with_data("{}")
    result = invoke(*run, "--scenario", "answers-lost", "--fault", "refused:attempts=1")
    assert result.exit_code == 0
    tree = read(file.read_text("utf-8"))
    assert tree.one("h1").words == "The scenario ended as it should"
    told = facts(tree)
    assert told["scenario"] == "answers-lost"
    assert told["faults"].startswith("refused, attempt 1; answer lost")


def test_with_a_key_that_changes_no_line_signs_anew(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path, key_pair: KeyPair
) -> None:
    server.expect_request("/hook", "POST").respond_with_data("{}")
    invoke(*run, "--scenario", "key-rotation", "--next-sign", key_pair.private)
    lines = [each.text for each in read(file.read_text("utf-8")).all("pre")]
    assert {line.split()[0] for line in lines} == {"curl"}


def test_a_file_that_cannot_be_written_is_told_before_anything_is_sent(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path
) -> None:
    result = invoke(*run[:-1], file.parent / "missing" / "run.html")
    assert result.exit_code == 2
    assert "--report" in result.stderr
    assert "there is no folder" in result.stderr
    assert server.log == []


def test_a_report_that_cannot_be_written_after_all_is_told_in_words(
    invoke: Invoke, server: HTTPServer, run: tuple[str, ...], file: Path
) -> None:
    def answer(_: Request) -> Response:
        file.mkdir(exist_ok=True)
        return Response()

    server.expect_request("/hook", "POST").respond_with_handler(answer)
    result = invoke(*run)
    assert result.exit_code == 2
    assert f"{file} cannot be written: Is a directory" in result.stderr
    assert "attempts: " in result.stdout


@pytest.mark.parametrize("misuse", [("--macro", "{"), ("--calls", "none")])
def test_a_command_that_is_misused_leaves_an_earlier_report_as_it_was(
    invoke: Invoke, run: tuple[str, ...], file: Path, misuse: tuple[str, ...]
) -> None:
    file.write_text("earlier", "utf-8")
    assert invoke(*run, *misuse).exit_code == 2
    assert file.read_text("utf-8") == "earlier"


def test_a_run_that_is_stopped_writes_down_what_had_happened(run: tuple[str, ...], file: Path) -> None:
    command = [sys.executable, "-m", "sender_sim", *run, "--clock", "real", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert b"CallBegan" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    tree = read(file.read_text("utf-8"))
    assert tree.one("header").words.startswith("A run of sender-sim, stopped before its end")
    assert facts(tree)["clock"] == "real"
