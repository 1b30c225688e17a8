"""Both programs with their pages, as `make up` runs them."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import unused_port

__all__ = ["Up", "ports", "running"]

LONG_ENOUGH = 60


@dataclass(frozen=True)
class Up:
    """Where everything is."""

    process: subprocess.Popen[str]
    console: str
    inspector: str
    webhook: str
    password: str

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """What it says when it is stopped; it ends well."""
        self.process.send_signal(how)
        said, _ = self.process.communicate(timeout=LONG_ENOUGH)
        assert self.process.returncode == 0
        return said


def ports() -> tuple[int, int]:
    """Those of the console and of the receiver, to start them at the same addresses again."""
    return unused_port(), unused_port()


@contextmanager
def running(folder: Path, console_and_receiver: tuple[int, int]) -> Iterator[Up]:
    """Both, started with everything they keep in the folder; stopped at the end if nobody has done it."""
    console_port, receiver_port = map(str, console_and_receiver)
    command = [sys.executable, "-m", "sender_sim", "up", "--folder", str(folder)]
    ports = ["--port", console_port, "--receiver-port", receiver_port]
    process = subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(6)]
        console, inspector, webhook = (re.findall(r"https?://\S+", line)[0] for line in lines[:3])
        password = lines[1].rpartition("password: ")[2].strip()
        assert lines[5] == "Ctrl-C stops both.\n"
        yield Up(process, console, inspector, webhook, password)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONG_ENOUGH)
