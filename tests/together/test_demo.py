"""`sender-sim demo`: the story ends as it should, and it would say so if it did not."""

import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from sender_sim import demo
from sender_sim.cli import main


def test_the_demo_ends_well() -> None:
    done = subprocess.run([sys.executable, "-m", "sender_sim", "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "All 7 deliveries ended as they should, and both sides agree."
    assert "WRONG" not in done.stdout


@pytest.mark.parametrize(("good", "exit_code"), [(True, 0), (False, 1)])
def test_the_exit_code_says_how_the_demo_ended(monkeypatch: pytest.MonkeyPatch, exit_code: int, *, good: bool) -> None:
    monkeypatch.setattr(demo, "tell", lambda: good)
    assert CliRunner().invoke(main, ["demo"]).exit_code == exit_code


def test_the_demo_fails_where_an_ending_is_not_the_expected_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "3-answer-lost/post-call"
    right = demo._ENDINGS[name]
    monkeypatch.setitem(demo._ENDINGS, name, replace(right, attempts=1))
    assert demo.tell() is False
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG")]
    assert wrong == [f"WRONG: {name} ended with {right}, not {replace(right, attempts=1)}"]
