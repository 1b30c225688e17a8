"""The live view of a run: what it says, and where it is shown."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from io import StringIO
from tempfile import TemporaryFile

import pytest
from pytest_httpserver import HTTPServer
from rich.console import Console

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.events import Event
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.reports.live import LiveView, shown
from sender_sim.reports.summary import Summary
from sender_sim.watch import Watched
from tests.unit.sender_sim.scripted import DOWN, OK, START, Scripted, a_call, always, at_attempt, play


class Seconds:
    """Real time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def seen(happened: Iterable[Event], *, width: int = 120) -> list[str]:
    """What the view says after these events."""
    return drawn(listened(happened), width=width)


def listened(happened: Iterable[Event]) -> LiveView:
    summary = Summary()
    view = LiveView(summary, Seconds())
    for event in happened:
        summary.listen(event)
        view.listen(event)
    return view


def drawn(view: LiveView, *, width: int = 120) -> list[str]:
    file = StringIO()
    Console(file=file, width=width, color_system=None).print(view)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_view_says_when_it_is_how_far_it_is_and_what_failed_last() -> None:
    calls = [a_call("a"), a_call("b"), a_call("c")]
    answers: dict[str, Outcome] = {
        "a": OK,
        "b": Answered(503),
        "c": Failed(Failure.TIMEOUT, "no whole answer after 20 s"),
    }
    happened = play(calls, Scripted(lambda attempt: answers[attempt.delivery[0]]))
    second = next(index for index, event in enumerate(happened) if event.at > START) + 3
    head, figures, *failures = seen(happened[:second])
    assert head.startswith("Mon 02 Mar 09:30:00  ")
    assert head.endswith("  1 of 3 deliveries are over")
    assert figures == "attempts: 4 (0/s)  delivered: 1  retrying: 2  given up: 0  violations: 0"
    assert failures == [
        "  09:00:00  b/post-call  attempt 1: 503 Service Unavailable",
        "  09:00:00  c/post-call  attempt 1: timeout: no whole answer after 20 s",
        "  09:30:00  b/post-call  attempt 2: 503 Service Unavailable",
    ]


def test_at_the_end_nothing_is_retried_and_the_last_three_failures_are_told() -> None:
    head, figures, *failures = seen(play(a_call(), Scripted(always(DOWN))))
    assert head.endswith("1 of 1 deliveries are over")
    assert "retrying: 0  given up: 1" in figures
    assert [line.split()[3] for line in failures] == ["335:", "336:", "337:"]


def test_what_was_delivered_later_is_retried_no_more() -> None:
    assert "delivered: 1  retrying: 0  given up: 0" in seen(play(a_call(), Scripted(at_attempt(3))))[1]


def test_a_run_that_goes_on_is_told_as_a_whole() -> None:
    happened = play([a_call("a"), a_call("b")], Scripted(at_attempt(3)))
    watched = Watched(Summary())
    for event in happened[:9]:
        watched.recall(event)
    for event in happened[9:]:
        watched.listen(event)
    head, figures, *_ = drawn(watched.view)
    assert head.endswith("  2 of 2 deliveries are over")
    assert "delivered: 2  retrying: 0" in figures


def test_the_rate_is_that_of_the_last_few_seconds() -> None:
    happened = [event for event in play(a_call(), Scripted(always(DOWN))) if type(event).__name__ == "AttemptEnded"]
    summary, seconds = Summary(), Seconds()
    view = LiveView(summary, seconds)
    rates = []
    for number, event in enumerate(happened):
        seconds.now += 0.1 if number < 200 else 0.5
        summary.listen(event)
        view.listen(event)
        rates.append(round(view.rate))
    assert rates[100] == 10
    assert rates[-1] == 2


def test_a_failure_is_one_line_of_text_however_long_and_hostile() -> None:
    happened = play(a_call(), Scripted(always(Failed(Failure.TLS, "[bold]\n\x1b[2J" + "x" * 300))))
    lines = seen(happened[:5], width=80)
    assert len(lines) == 3
    assert lines[2].startswith(r"  09:00:00  a/post-call  attempt 1: tls: [bold] \x1b[2Jxxx")
    assert lines[2].endswith("…")


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    file = StringIO()
    with shown(listened([]), Console(file=file)):
        pass
    assert file.getvalue() == ""


def test_nothing_is_left_of_it_on_a_terminal() -> None:
    file = StringIO()
    with shown(listened(play(a_call(), Scripted())), Console(file=file, force_terminal=True, width=80)):
        pass
    assert "1 of 1 deliveries are over" in file.getvalue()
    assert file.getvalue().endswith("\x1b[1A\x1b[2K")  # up a line, and wipe it


@pytest.fixture
def command(server: HTTPServer, development_keys: DevelopmentKeys) -> list[str]:
    server.expect_request("/hook", "POST").respond_with_data("{}")
    url, ca = server.url_for("/hook"), str(development_keys.ca)
    return [sys.executable, "-m", "sender_sim", "run", url, "--ca", ca, "--seed", "3", "--calls", "5"]


def on_a_terminal(command: list[str], *, output_too: bool) -> tuple[str, str]:
    """What is on the terminal, and what is on standard output if that is a file."""
    ours, theirs = os.openpty()
    with TemporaryFile() as file:
        output = theirs if output_too else file.fileno()
        process = subprocess.Popen(command, stdout=output, stderr=theirs, env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        screen = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        assert process.wait() == 0
        file.seek(0)
        return screen.decode(), file.read().decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # nobody is left at the other end
        return b""


def test_a_run_is_watched_on_standard_error_while_its_output_goes_to_a_file(command: list[str]) -> None:
    screen, output = on_a_terminal([*command, "--format", "json"], output_too=False)
    assert "deliveries are over" in screen
    assert [json.loads(line)["event"] for line in output.splitlines()][-1] == "Summary"


def test_a_run_without_a_word_is_watched_on_the_same_terminal(command: list[str]) -> None:
    screen, _ = on_a_terminal(command, output_too=True)
    assert "deliveries are over" in screen
    assert screen.rpartition("\x1b[2K")[2].startswith("calls: 5 (--seed 3 makes them again)")


@pytest.mark.parametrize("option", ["--timeline", "--format=json"])
def test_what_a_run_prints_to_a_terminal_is_not_drawn_over(command: list[str], option: str) -> None:
    screen, _ = on_a_terminal([*command, option], output_too=True)
    assert "\x1b" not in screen
    assert "deliveries are over" not in screen
