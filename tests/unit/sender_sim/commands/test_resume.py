"""`run --journal`: a run that was stopped, even by kill -9, goes on where it was."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.certs import DevelopmentKeys
from sender_sim.journal import Journal
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.test_cli import misused

Answer = Callable[[str, int], Response]

CALLS = 12


class Receiving:
    """An endpoint that knows which attempt of a delivery it is looking at, and which got their 200."""

    def __init__(self, server: HTTPServer, answer: Answer) -> None:
        self.seen: Counter[str] = Counter()
        self.accepted: list[str] = []
        self.answer = answer
        self._lock = threading.Lock()
        server.expect_request("/hook", "POST").respond_with_handler(self._respond)

    def _respond(self, request: Request) -> Response:
        form = parse_qs(request.get_data(as_text=True))
        with self._lock:
            delivery = f"{form['id'][0]}/{form['event_type'][0]}"
            self.seen[delivery] += 1
            response = self.answer(delivery, self.seen[delivery])
            if response.status_code == 200:
                self.accepted.append(delivery)
            return response


def third_time(_: str, attempt: int) -> Response:
    return Response(status=200 if attempt >= 3 else 503)


@pytest.fixture
def arguments(server: HTTPServer, development_keys: DevelopmentKeys, tmp_path: Path) -> list[str]:
    return [
        *("run", server.url_for("/hook"), "--ca", str(development_keys.ca), "--pre-call"),
        # One attempt at a time, so that the endpoint knows which answers were heard.
        *("--concurrency", "1", "--calls", str(CALLS), "--seed", "5", "--journal", str(tmp_path / "journal")),
    ]


def resume(arguments: Sequence[str]) -> list[str]:
    return ["run", *arguments[-2:], "--resume", "--format", "json"]


def last_line(output: str) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(output.splitlines()[-1])
    return summary


@pytest.mark.parametrize("killed_at", [1, 7, 30])
def test_a_run_that_was_killed_goes_on_and_every_delivery_gets_its_200_once(
    invoke: Invoke, server: HTTPServer, arguments: list[str], killed_at: int
) -> None:
    undisturbed = Receiving(server, third_time)
    invoke(*arguments[:-2])
    server.clear()

    started, killed = threading.Event(), threading.Event()
    process: subprocess.Popen[bytes]

    def third_time_unless_killed(delivery: str, attempt: int) -> Response:
        started.wait()
        if not killed.is_set() and receiving.seen.total() == killed_at:
            process.kill()
            receiving.seen[delivery] -= 1  # nobody is there to hear the answer
            killed.set()
            return Response(status=503)
        return third_time(delivery, attempt)

    receiving = Receiving(server, third_time_unless_killed)
    process = subprocess.Popen([sys.executable, "-m", "sender_sim", *arguments])
    started.set()
    assert process.wait() == -signal.SIGKILL
    killed.wait()
    result = invoke(*resume(arguments))

    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(receiving.accepted) == sorted(undisturbed.accepted)
    assert receiving.seen == undisturbed.seen
    summary = last_line(result.stdout)
    assert (summary["calls"], summary["delivered"]) == (CALLS, len(undisturbed.accepted))


def test_a_run_that_is_over_has_nothing_left_and_tells_its_summary_again(
    invoke: Invoke, server: HTTPServer, arguments: list[str]
) -> None:
    Receiving(server, third_time)
    first = invoke(*arguments, "--format", "json")
    before = len(server.log)
    again = invoke(*resume(arguments))
    assert len(server.log) == before
    assert again.exit_code == first.exit_code == 0
    assert last_line(again.stdout) == last_line(first.stdout)
    assert len(again.stdout.splitlines()) == 1


def test_the_journal_holds_what_was_printed(invoke: Invoke, server: HTTPServer, arguments: list[str]) -> None:
    Receiving(server, third_time)
    printed = [json.loads(line) for line in invoke(*arguments, "--format", "json").stdout.splitlines()[:-1]]
    with Journal.found(Path(arguments[-1])) as journal:
        assert [(type(event).__name__, event.at.isoformat()) for event in journal.events()] == [
            (event["event"], event["at"]) for event in printed
        ]


def test_a_run_goes_on_as_it_was_begun(invoke: Invoke, server: HTTPServer, arguments: list[str]) -> None:
    Receiving(server, third_time)
    invoke(*arguments)
    said = misused(invoke(*resume(arguments), "--seed", 6, "--calls", 3, "--json"))
    assert said.endswith("goes on as it was begun; leave out --json, --calls, --seed\n")


def test_resume_without_a_journal_is_told_what_to_name(invoke: Invoke) -> None:
    said = misused(invoke("run", "--resume"))
    assert said.endswith("--resume goes on with the run in a journal: name it with --journal FILE\n")


def test_a_second_run_does_not_write_over_a_journal(invoke: Invoke, server: HTTPServer, arguments: list[str]) -> None:
    Receiving(server, third_time)
    invoke(*arguments)
    assert "exists already; --resume goes on with the run in it, or name another file" in misused(invoke(*arguments))


def test_calls_that_are_made_up_otherwise_than_then_are_an_error(
    invoke: Invoke, server: HTTPServer, arguments: list[str]
) -> None:
    Receiving(server, third_time)
    invoke(*arguments)
    with Journal.found(Path(arguments[-1])) as journal:
        plan = journal.plan
        plan["options"]["seed"] = 6
        with journal._connection as connection:
            connection.execute("UPDATE plan SET text = ?", [json.dumps(plan)])
    assert "the journal's calls are not those of --seed 6" in misused(invoke(*resume(arguments)))


def test_the_page_of_a_run_that_went_on_tells_of_the_whole_run(
    invoke: Invoke, server: HTTPServer, arguments: list[str], tmp_path: Path
) -> None:
    Receiving(server, third_time)
    report = tmp_path / "run.html"
    invoke(*arguments, "--report", report)
    whole = report.read_text("utf-8")
    invoke(*resume(arguments), "--report", report)
    assert report.read_text("utf-8") == whole


def test_what_a_console_keeps_is_no_run(invoke: Invoke, tmp_path: Path) -> None:
    with Journal.begun(tmp_path / "state", {"program": "console"}):
        pass
    said = misused(invoke("run", "--journal", tmp_path / "state", "--resume"))
    assert said.endswith(f"holds no run but a console's state: sender-sim console --state {tmp_path / 'state'}\n")
