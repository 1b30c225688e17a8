"""The `receiver` command tells its errors in words, and has a version wherever it lies."""

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Never

import pytest
from click.testing import CliRunner

from receiver import __version__, cli, config
from receiver.errors import HandlerFailed, KitError, NotFound, StoreUnavailable

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            StoreUnavailable("the database did not take it", cause="disk I/O error\n"),
            f"the database did not take it: disk I/O error\n    -> {StoreUnavailable.remedy}",
        ),
        (HandlerFailed("the handler raised"), f"the handler raised\n    -> {HandlerFailed.remedy}"),
        (NotFound("nothing", remedy="look elsewhere"), "nothing\n    -> look elsewhere"),
        (KitError("something else"), "something else"),
    ],
)
def test_an_error_that_escapes_a_command_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, error: KitError, told: str
) -> None:
    def fail() -> Never:
        raise error

    monkeypatch.setattr(config, "listing", fail)
    result = CliRunner().invoke(cli.main, ["check", "--list"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {told}\n")


def test_a_bug_stays_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "listing", None)
    assert isinstance(CliRunner().invoke(cli.main, ["check", "--list"]).exception, TypeError)


def test_a_receiver_that_is_copied_and_not_installed_has_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> Never:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    result = CliRunner().invoke(cli.main, ["--version"], prog_name="receiver")
    assert (result.exit_code, result.output) == (0, f"receiver, version {__version__}\n")


def test_the_version_is_stated_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "receiver/__init__.py"
