"""What docs/load.md tells a user to run is run as it stands there, but for less, against the receiver over HTTPS."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sender_sim import certs
from sender_sim.receiver_process import ReceiverProcess
from tests.acceptance.deployment import ROOT

DOCUMENT = (ROOT / "docs" / "load.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def less(command: str) -> str:
    """The command with few users for few seconds, and everything on this machine."""
    command = re.sub(r"--users \d+", "--users 4", command)
    command = re.sub(r"--run-time \d+s", "--run-time 3s", command)
    return command.replace("master.example.com", "127.0.0.1")


ONE_PROCESS, ALL_CORES, MASTER, WORKER = [less(block) for block in blocks("sh")]
VARIABLES, COMMAND = ONE_PROCESS.rsplit("\n", 2)[:2]
LOCUSTFILE, PATIENT = blocks("python")
[SETTINGS] = blocks("toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user stands, with the files that the document names."""
    folder = tmp_path_factory.mktemp("load")
    certs.mint(folder / "certs" / "dev", now=datetime.now(UTC))
    (folder / "locustfile.py").write_text(LOCUSTFILE, "utf-8")
    return folder


@pytest.fixture(scope="module")
def receiver(folder: Path) -> Iterator[ReceiverProcess]:
    keys = certs.DevelopmentKeys(folder / "certs" / "dev")
    with ReceiverProcess.running(keys, {}) as receiver:
        port = re.findall(r":(\d+)/", receiver.url)[0]
        (folder / "integration.toml").write_text(SETTINGS.replace("8443", port), "utf-8")
        yield receiver


def start(script: str, folder: Path, port: int) -> subprocess.Popen[str]:
    """A shell with these commands, `port` being where a master of Locust listens on loopback."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("KAISA_", "LOCUST_"))}
    environment = others | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LOCUST_MASTER_BIND_HOST": "127.0.0.1",
        "LOCUST_MASTER_BIND_PORT": str(port),
        "LOCUST_MASTER_NODE_PORT": str(port),
    }
    return subprocess.Popen(
        ["bash", "-euc", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outputs(*processes: subprocess.Popen[str]) -> list[str]:
    """What they say until they end; nothing of them is left if one hangs."""
    try:
        return [process.communicate(timeout=60)[0] for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:  # nobody has waited for it: its number cannot be another's yet
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def attempts(receiver: ReceiverProcess) -> int:
    assert receiver.stored("refusals") == []
    return sum(row["attempts"] for row in receiver.stored("deliveries"))


@pytest.mark.parametrize("command", [COMMAND, ALL_CORES])
def test_one_machine(command: str, folder: Path, receiver: ReceiverProcess, free_port: int) -> None:
    process = start(f"{VARIABLES}\n{command}", folder, free_port)
    [output] = outputs(process)
    assert process.returncode == 0, output
    assert re.search(r"post-call +[1-9]\d* +0\(0\.00%\)", output), output
    assert attempts(receiver) > 0


def test_a_master_and_its_workers(folder: Path, receiver: ReceiverProcess, free_port: int) -> None:
    """The master has none of the settings."""
    master = start(MASTER, folder, free_port)
    workers = [start(f"{VARIABLES}\n{WORKER}", folder, free_port) for _ in range(2)]
    said = outputs(master, *workers)
    assert [process.returncode for process in (master, *workers)] == [0, 0, 0], said
    assert re.search(r"post-call +[1-9]\d* +0\(0\.00%\)", said[0]), said[0]
    assert attempts(receiver) > 0


def test_a_class_of_ones_own_is_the_only_one_that_locust_finds(folder: Path, free_port: int) -> None:
    (folder / "patient.py").write_text(PATIENT, "utf-8")
    [output] = outputs(start("locust -f patient.py --list 2>log", folder, free_port))
    assert output.split() == ["Available", "Users:", "PatientUser"]


def test_the_options_in_the_table_are_those_there_are(folder: Path, free_port: int) -> None:
    script = """
import sender_sim.load
from locust.argument_parser import get_parser
for action in get_parser()._actions:
    if action.dest.startswith("kaisa_"):
        print(*action.option_strings, action.env_var)
"""
    [output] = outputs(start(f"python -c '{script}'", folder, free_port))
    in_table = re.findall(r"^\| `(--kaisa-[a-z-]+)(?: [A-Z]+)?` \| `([A-Z_]+)`", DOCUMENT, re.MULTILINE)
    assert len(in_table) == 6
    assert "".join(f"{option} {variable}\n" for option, variable in in_table) == output
