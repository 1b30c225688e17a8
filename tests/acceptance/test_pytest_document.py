"""What docs/pytest.md shows is run as it stands there, in a project of its own."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sender_sim import certs
from sender_sim.checks.catalogue import CHECKS
from sender_sim.receiver_process import ReceiverProcess
from tests.acceptance.deployment import ROOT

DOCUMENT = (ROOT / "docs" / "pytest.md").read_text("utf-8")
FILES = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
INSTALL, COMMAND = re.findall(r"^```sh\n(.*?)\n```", DOCUMENT, re.MULTILINE | re.DOTALL)

# What the project of the document has: an application of its own, and one that takes what is signed.
PROJECT = """
from datetime import UTC, datetime

from flask import Flask, request
from receiver import app as receiver
from receiver import config

app = Flask(__name__)
bookings = []


@app.post("/hooks/kaisa")
def take():
    if request.form["id"] not in bookings:
        bookings.append(request.form["id"])
    return {"append": "missed" if request.form["answered"] == "0" else "talked"}


def create_app(trusted_certificate):
    settings = {"KAISA_TRUSTED_KEYS": str(trusted_certificate), "DATABASE_URL": "sqlite:///inbox.sqlite3"}
    return receiver.create_app(config.load(settings, now=datetime.now(UTC)))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "myproject.py").write_text(PROJECT, "utf-8")
    for name, content in FILES:
        (tmp_path / name).write_text(content, "utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-W", "error", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, check=False)


def test_the_tests_that_it_shows_pass(project: Path) -> None:
    assert [name for name, _ in FILES] == ["test_kaisa.py", "conftest.py", "test_signed.py"]
    done = run(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 4 passed " in done.stdout


def test_the_checks_run_beside_them(project: Path) -> None:
    keys = certs.mint(project / "keys", now=datetime.now(UTC))
    with ReceiverProcess.running(keys, {}) as receiver:
        at_its_place = {
            "https://localhost:8443/webhook": receiver.url,
            "ca.pem": str(keys.ca),
            "kaisa-signing.key": str(keys.signing_key),
        }
        program, *arguments = [at_its_place.get(word, word) for word in COMMAND.split()]
        done = run(project, *arguments)
    assert program == "pytest"
    assert done.returncode == 0, done.stdout + done.stderr
    own, not_run = 4, 2
    assert f" {own + len(CHECKS) - not_run} passed, {not_run} skipped " in done.stdout


def test_it_is_installed_by_the_name_and_the_extra_that_the_kit_has() -> None:
    assert INSTALL == "pip install 'kaisa-webhook-kit[sim]'"
