"""`make up`: both programs run, know each other, stop together, and go on the next time."""

import ssl
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests import up
from tests.unit.sender_sim.console.person import Visitor

SECRET_FILES = ("console.sqlite3", "inspector-password", "kaisa-signing.key", "localhost.key")


def test_both_run_sign_and_verify_and_go_on_the_next_time(tmp_path: Path) -> None:
    folder, ports = tmp_path / "up", up.ports()
    with up.running(folder, ports) as first:
        person = Visitor(first.console)
        person.post("/workflows/request")
        setup = person.post("/workflows/approve")
        assert setup["url"]["value"] == first.webhook
        assert "checked" in setup["sign"]
        form = {"url": first.webhook, "sign": "on", "key": setup["key"]["value"], "retry": "on"}
        person.post("/setup", action="activate", **form)
        person.post("/calls", kind="inbound", duration="95", answered="on", recording="never")
        page = person.post("/clock", action="end", page="/calls")
        assert [each.text for each in page.root.all(class_="append")] == ["saved: answered, 95 s"]
        assert first.stop().endswith("Stopped.\n")
    assert folder.stat().st_mode & 0o077 == 0
    for name in SECRET_FILES:
        assert (folder / name).stat().st_mode & 0o077 == 0
    with up.running(folder, ports) as second:
        assert (second.console, second.webhook, second.password) == (first.console, first.webhook, first.password)
        person = Visitor(second.console)
        assert "active" in person.get("/workflows").text
        assert "answered, 95 s" in person.get("/calls").text
        person.post("/calls", kind="sms")
        assert "delivered" in person.get("/calls").main().text


def test_the_inspector_is_behind_its_password(tmp_path: Path) -> None:
    with up.running(tmp_path / "up", up.ports()) as running:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "up" / "ca.pem"))
        with urlopen(running.inspector, context=trusted, timeout=up.LONG_ENOUGH) as answer:  # noqa: S310 - our own
            assert "Log in" in answer.read().decode()
        assert len(running.password) >= 12


def test_nothing_of_it_runs_on_once_it_was_stopped(tmp_path: Path) -> None:
    with up.running(tmp_path / "up", up.ports()) as running:
        running.stop()
        for address in (running.console, running.inspector):
            with pytest.raises(URLError):
                urlopen(address, timeout=up.LONG_ENOUGH)  # noqa: S310 - our own


def test_a_receiver_that_was_left_behind_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    folder, (console, receiver) = tmp_path / "up", up.ports()
    with up.running(folder, (console, receiver)):
        again = [sys.executable, "-m", "sender_sim", "up", "--folder", str(folder)]
        ports = ["--port", str(up.ports()[0]), "--receiver-port", str(receiver)]
        done = subprocess.run([*again, *ports], capture_output=True, text=True, check=False, timeout=up.LONG_ENOUGH)
    assert done.returncode == 2
    assert "cannot start: " in done.stderr
    assert "Address already in use" in done.stderr
    assert "--receiver-port" in done.stderr


def test_a_password_that_was_never_written_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "inspector-password").touch(0o600)
    with up.running(folder, up.ports()) as running:
        assert (folder / "inspector-password").read_text() == running.password
        assert len(running.password) >= 12
