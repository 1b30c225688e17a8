"""`sender-sim console`: what it cannot do it says, with what to change; nobody else gets in by mistake."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sender_sim.certs import DevelopmentKeys
from sender_sim.journal import Journal
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.console.conftest import URL, Console
from tests.unit.sender_sim.console.person import Person
from tests.unit.sender_sim.test_cli import misused

PASSWORD = "KAISA_CONSOLE_PASSWORD"  # noqa: S105 - the name of the variable


@pytest.fixture(autouse=True)
def own_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(PASSWORD, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])  # noqa: S104 - that is what is refused
def test_other_machines_are_let_in_only_with_a_password(invoke: Invoke, tmp_path: Path, host: str) -> None:
    said = misused(invoke("console", "--host", host, "--state", tmp_path / "state"))
    assert said == f"--host: {host} can be reached from other machines; set {PASSWORD} to a password\n"
    assert not (tmp_path / "state").exists()


def test_a_password_that_is_soon_guessed_is_refused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "secret")
    said = misused(invoke("console", "--state", tmp_path / "state"))
    assert said == f"{PASSWORD}: has 6 characters; use 8 or more\n"


def test_a_port_that_is_taken_is_told(invoke: Invoke, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = misused(invoke("console", "--port", port, "--state", tmp_path / "state"))
    assert f"127.0.0.1, port {port} cannot be listened at: Address already in use" in said


def test_a_state_of_another_kind_is_told(invoke: Invoke, tmp_path: Path) -> None:
    with Journal.begun(tmp_path / "run.journal", {}):
        pass
    said = misused(invoke("console", "--port", 0, "--state", tmp_path / "run.journal"))
    assert "is the journal of a run, not the state of a console; name another file" in said


def test_a_state_that_is_in_use_is_told(invoke: Invoke, active: Console) -> None:
    said = misused(invoke("console", "--port", 0, "--state", active.path))
    assert "is in use by another sender-sim" in said


def test_a_key_of_the_settings_in_force_that_is_gone_is_told_with_its_place(
    invoke: Invoke, console: Console, development_keys: DevelopmentKeys, tmp_path: Path
) -> None:
    key = tmp_path / "mine.key"
    key.write_bytes(development_keys.signing_key.read_bytes())
    console.activate(sign="on", key=str(key))
    console.close()
    key.unlink()
    said = misused(invoke("console", "--port", 0, "--state", console.path))
    assert said.startswith(f"{console.path}, the settings in force: signature.key: {key} cannot be read")


@pytest.mark.parametrize(
    ("option", "expected"),
    [("--ca", "--ca: {} cannot be used: No such file or directory"), ("--settings", "{} cannot be read: No such file")],
)
def test_a_file_that_is_not_there_is_told(invoke: Invoke, tmp_path: Path, option: str, expected: str) -> None:
    said = misused(invoke("console", option, tmp_path / "none", "--state", tmp_path / "state"))
    assert said.startswith(expected.format(tmp_path / "none"))


def test_commands_without_pages_need_no_web_framework() -> None:
    script = "import sys, sender_sim.cli; sys.exit('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_settings_file_fills_the_form(tmp_path: Path) -> None:
    (tmp_path / "kaisa.toml").write_text(f'url = "{URL}"\njson = true\n[signature]\nkey = "my.key"\n')
    person = Person("--state", tmp_path / "state", "--settings", tmp_path / "kaisa.toml")
    try:
        page = person.get("/setup")
        assert page["url"]["value"] == URL
        assert page["key"]["value"] == str(tmp_path / "my.key")
        assert "checked" in page["json"]
    finally:
        assert person.end(signal.SIGINT) == 0
