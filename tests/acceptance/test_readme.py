"""What the README tells a user to run is run, as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# One of these sets the repository up, which the tests are the result of; CI runs the others.
RUN_BY_CI = ("make demo", "make test")
SET_UP = ("make setup", ". .venv/bin/activate")
# A person reads "running"; a script has to ask.
WAIT = (
    "until curl --silent --fail --cacert certs/dev/ca.pem https://localhost:8443/readyz >ready.json"
    " || ! kill -0 $!; do :; done"
)


def commands(document: str) -> list[str]:
    blocks = BLOCK.findall((ROOT / document).read_text("utf-8"))
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What a fresh clone has that the commands need."""
    for folder in ("receiver", "sender_sim", "certs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "dev"))
    return tmp_path


def test_ci_runs_the_two_commands_a_newcomer_is_told_to_run() -> None:
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert [command for command in RUN_BY_CI if command not in commands("README.md")] == []
    assert [command for command in RUN_BY_CI if not re.search(rf"^[^#\n]*\b{command}$", ci, re.MULTILINE)] == []


def test_every_other_command_of_the_readme_works_in_the_order_given(copy: Path, free_port: int) -> None:
    script = ["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT"]
    for command in commands("README.md"):
        if command not in (*RUN_BY_CI, *SET_UP):
            script.append(command)
            script.extend([WAIT] if command.endswith("&") else [])
    assert len(script) >= 12

    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAISA_")} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": f"sqlite:///{copy / 'inbox.sqlite3'}",
    }
    text = "\n".join(script).replace("8443", str(free_port))
    done = subprocess.run(
        ["bash", "-c", text], cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "The configuration is good." in done.stdout
    assert "-> 200 OK" in done.stdout
    assert "; given up: 0\n" in done.stdout
    assert '"kept": true' in (copy / "run.jsonl").read_text("utf-8").splitlines()[-1]
