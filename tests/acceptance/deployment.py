"""The receiver as a customer deploys it: its folder and the Procfile, alone in a directory, in a process of its own."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parents[2]
_TRIES = 400
_PAUSE = 0.05


def copy_out(folder: Path) -> Path:
    """A directory with nothing but what is deployed."""
    shutil.copytree(ROOT / "receiver", folder / "receiver", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Procfile", folder)
    return folder


def command_of(kind: str, folder: Path) -> str:
    """What the Procfile starts, in place of the shell that reads it."""
    lines = dict(line.split(": ", 1) for line in (folder / "Procfile").read_text("utf-8").splitlines())
    return f"exec {lines[kind]}"


def environment(**settings: str) -> dict[str, str]:
    """What a platform sets: the settings, and no others of the receiver's or Python's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAISA_", "PYTHON"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **settings}


def running_children(parent: int) -> list[int]:
    """The processes that a process started and that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            state, started_by = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            if int(started_by) == parent and state != "Z":
                found.append(int(stat.parent.name))
    return found


def until(happened: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Look until it happened, a bounded number of times."""
    for _ in range(_TRIES):
        if happened():
            return
        time.sleep(_PAUSE)
    raise AssertionError(otherwise())


@dataclass
class Deployment:
    """The Procfile's web process, listening on loopback instead of everywhere."""

    folder: Path
    port: int
    settings: Mapping[str, str]
    authority: Path | None = None
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = command_of("web", self.folder)
        assert command.count("0.0.0.0") == 1  # noqa: S104 - about to be replaced
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", command.replace("0.0.0.0", "127.0.0.1")],  # noqa: S104 - as a platform does it
                cwd=self.folder,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return self.log.read_text("utf-8")

    def environment(self) -> dict[str, str]:
        """What its processes are given."""
        return environment(PORT=str(self.port), **self.settings)

    def request(self, path: str, body: bytes | None = None, content_type: str | None = None) -> bytes:
        """The body of a 200; anything else raises urllib's errors."""
        scheme, context = (
            ("https", ssl.create_default_context(cafile=self.authority)) if self.authority else ("http", None)
        )
        headers = {"Content-Type": content_type} if content_type else {}
        request = Request(f"{scheme}://localhost:{self.port}{path}", data=body, headers=headers)  # noqa: S310 - our own
        with build_opener(ProxyHandler({}), HTTPSHandler(context=context)).open(request, timeout=20) as response:
            assert response.status == 200
            content: bytes = response.read()
            return content

    def until_ready(self) -> "Deployment":
        """Ask until it answers, a bounded number of times."""
        for _ in range(_TRIES):
            with suppress(URLError, ConnectionError):
                self.request("/readyz")
                return self
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_PAUSE)
                break
        raise AssertionError(f"never ready; it said:\n{self.output}")

    def workers(self) -> list[int]:
        """The processes that serve, which gunicorn's master started."""
        return running_children(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to its whole process group; its exit code."""
        if self.process.returncode is None:  # nobody has waited for it: its number cannot be another's yet
            os.killpg(self.process.pid, number)
        return self.process.wait(30)


class Worker:
    """The Procfile's worker process."""

    def __init__(self, web: Deployment) -> None:
        with web.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", command_of("worker", web.folder)],
                cwd=web.folder,
                env=web.environment(),
                stderr=log,
            )

    def kill(self) -> None:
        if self.process.poll() is None:  # else its number may be another's by now
            self.process.kill()
        self.process.wait(30)
