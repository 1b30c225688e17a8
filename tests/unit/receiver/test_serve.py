"""`receiver serve`: it becomes gunicorn, or says what is wrong; handlers from the folder it is started in."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from receiver import cli
from tests.unit.receiver.test_cli import run


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the process was replaced with."""
    commands: list[list[str]] = []

    def execv(path: str, command: list[str]) -> None:
        commands.append([path, *command])
        sys.exit(0)

    monkeypatch.setattr(os, "execv", execv)
    return commands


@pytest.mark.parametrize(
    ("arguments", "bind"),
    [
        ([], "127.0.0.1:{PORT}"),
        (["--port", "0"], "127.0.0.1:0"),
        (["--host", "0.0.0.0"], "0.0.0.0:{PORT}"),  # noqa: S104 - nothing listens
        (["--host", "::1", "--port", "0"], "[::1]:0"),
    ],
)
def test_serve_becomes_gunicorn(
    environ: dict[str, str], executed: list[list[str]], free_port: int, arguments: list[str], bind: str
) -> None:
    assert run({**environ, "PORT": f"{free_port}"}, "serve", *arguments).exit_code == 0
    conf = str(Path(cli.__file__).with_name("gunicorn.conf.py"))
    assert executed == [
        [sys.executable, sys.executable, "-m", "gunicorn", "--config", conf, "--bind", bind.format(PORT=free_port)],
    ]


def test_serve_with_mistakes_does_not_start(executed: list[list[str]]) -> None:
    result = run({"DATABASE_URL": "sqlite://"}, "serve")
    assert result.exit_code == 2
    assert result.stderr.endswith("2 mistakes in the configuration\n")
    assert executed == []


@pytest.mark.parametrize("by_option", [True, False])
def test_serve_on_a_port_in_use_says_so_at_once_and_does_not_start(
    environ: dict[str, str], executed: list[list[str]], *, by_option: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = f"{other.getsockname()[1]}"
        result = run(environ, "serve", "--port", port) if by_option else run({**environ, "PORT": port}, "serve")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"127.0.0.1:{port}: cannot be listened on: Address already in use",
        "    -> choose another --port (or PORT) or --host",
        "1 mistake in the configuration",
    ]
    assert executed == []


@pytest.mark.parametrize(
    ("host", "what"),
    [
        ("192.0.2.1", "192.0.2.1:0: cannot be listened on: Cannot assign requested address"),
        ("2001:db8::1", "[2001:db8::1]:0: cannot be listened on: "),
        ("no..name", "no..name:0: cannot be listened on: "),
        ("a" * 64, f"{'a' * 64}:0: cannot be listened on: "),
    ],
)
def test_serve_at_an_address_that_is_not_here_does_not_start(
    environ: dict[str, str], executed: list[list[str]], host: str, what: str
) -> None:
    result = run(environ, "serve", "--host", host, "--port", "0")
    assert result.exit_code == 2
    first, remedy, _ = result.stderr.splitlines()
    assert first.startswith(what)
    assert remedy == "    -> choose another --port (or PORT) or --host"
    assert executed == []


HANDLERS = "from receiver.router import Router\non = Router()\n@on.any\ndef handle(event):\n    return 'mine'\n"


def script(folder: Path, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed `receiver` script, started in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAISA_")}
    command = [str(Path(sys.executable).with_name("receiver")), *arguments]
    return subprocess.run(
        command, cwd=folder, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_script_finds_the_handlers_in_the_folder_it_is_started_in(tmp_path: Path, environ: dict[str, str]) -> None:
    mine = {**environ, "KAISA_HANDLERS": "my_handlers"}
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "my_handlers.py").write_text(HANDLERS)
    done = script(tmp_path / "here", mine, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "The configuration is good.",
        f"store: {environ['DATABASE_URL']}, in {tmp_path / 'here'}",
    ]
    elsewhere = script(tmp_path, mine, "check")
    assert elsewhere.returncode == 2
    assert elsewhere.stderr.splitlines() == [
        "KAISA_HANDLERS=my_handlers: cannot be imported: ModuleNotFoundError: No module named 'my_handlers'",
        "    -> mend the module, or name another one",
        "1 mistake in the configuration",
    ]


def test_handlers_in_a_package_of_the_folder_are_found_too(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "our").mkdir()
    (tmp_path / "our" / "handlers.py").write_text(HANDLERS)
    done = script(tmp_path, {**environ, "KAISA_HANDLERS": "our.handlers"}, "check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "import sys\nsys.exit(0)\n",
            [
                "KAISA_HANDLERS=my_handlers: cannot be imported: SystemExit: 0",
                "    -> mend the module, or name another one",
            ],
        ),
        (
            HANDLERS.replace("def", "async def"),
            ["handler handle: is async", "    -> write a plain `def`: each handler has a thread of its own"],
        ),
    ],
)
def test_handlers_that_cannot_be_used_are_told_before_anything_is_served(
    tmp_path: Path, environ: dict[str, str], source: str, told: list[str]
) -> None:
    (tmp_path / "my_handlers.py").write_text(source)
    done = script(tmp_path, {**environ, "KAISA_HANDLERS": "my_handlers"}, "serve", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [*told, "1 mistake in the configuration"]
