"""The receivers of this folder as processes, on loopback, over HTTPS."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.conftest import unused_port
from tests.independent.terminator import tls_in_front_of
from tests.openssl import KeyPair

FOLDER = Path(__file__).parent
PACKAGES = {"php": "php-cli", "node": "nodejs"}


@dataclass(frozen=True)
class Profile:
    """How the signatures are made that a receiver takes."""

    digest: str = "sha256"
    padding: str = "pkcs1v15"
    encoding: str = "base64"

    def __str__(self) -> str:
        return f"{self.digest}-{self.padding}-{self.encoding}"


@dataclass(frozen=True)
class Receiver:
    """A running receiver: where it is, what to trust it by, the key it verifies with, and what it has read."""

    name: str
    url: str
    ca: Path
    key: KeyPair
    profile: Profile
    book: Path

    def readings(self) -> list[list[list[str]]]:
        """The names and values of each delivery it accepted, in order."""
        return [json.loads(line) for line in self.book.read_bytes().splitlines()]


@dataclass(frozen=True)
class Tls:
    """A certificate for localhost that vouches for itself, and its key."""

    certificate: Path
    key: Path


@contextmanager
def running(name: str, folder: Path, key: KeyPair, tls: Tls, profile: Profile) -> Iterator[Receiver]:
    """A receiver in PHP or Node.js, for the block."""
    book = folder / "book"
    book.touch()
    environment = {
        "KEY": str(key.public),
        "DIGEST": profile.digest,
        "PADDING": profile.padding,
        "ENCODING": profile.encoding,
        "BOOK": str(book),
        "TLS_CERT": str(tls.certificate),
        "TLS_KEY": str(tls.key),
    }
    with {"php": _php, "node": _node}[name](environment, tls) as port:
        yield Receiver(name, f"https://localhost:{port}/webhook", tls.certificate, key, profile, book)


@contextmanager
def _php(environment: Mapping[str, str], tls: Tls) -> Iterator[int]:
    port = unused_port()
    settings = ("display_errors=0", "enable_post_data_reading=0", "post_max_size=0")
    options = [f"-d{each}" for each in settings]
    command = [program("php"), *options, "-S", f"127.0.0.1:{port}", str(FOLDER / "receiver.php")]
    started = _process(command, environment, "stderr", "Development Server")
    with started, tls_in_front_of(port, tls.certificate, tls.key) as tls_port:
        yield tls_port


@contextmanager
def _node(environment: Mapping[str, str], _: Tls) -> Iterator[int]:
    with _process([program("node"), FOLDER / "receiver.mjs"], environment, "stdout", "") as line:
        yield int(line)


def program(name: str) -> str:
    """The path of a program. Where there is none, a test is skipped, but for CI, which installs it."""
    if path := shutil.which(name):
        return path
    missing = f"{name} is not installed: apt-get install {PACKAGES[name]}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def _process(command: Sequence[str | Path], environment: Mapping[str, str], says: str, when: str) -> Iterator[str]:
    """A process until the end of the block; the line on the stream `says` in which it says that it is ready."""
    streams = {says: subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, **environment}, text=True, **streams) as process:  # type: ignore[call-overload]
        try:
            output: IO[str] = getattr(process, says)
            line = next((line for line in output if when in line), None)
            assert line, f"{command[0]} ended with {process.wait()} before it was ready"
            with ThreadPoolExecutor(1) as reader:
                rest = reader.submit(output.read)  # a pipe that nobody reads stops who writes
                try:
                    yield line
                finally:
                    process.terminate()
                    rest.result()
        finally:
            process.terminate()
