"""The template deployed alone: it starts by its Procfile, keeps what it answered 200, and says what is wrong."""

import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import pytest
import trustme

from tests.acceptance.deployment import ROOT, Deployment, command_of, copy_out, environment
from tests.calls import FORM, JSON, POST_CALL, form, signed_form, signed_json
from tests.openssl import KeyPair

Deploy = Callable[..., Deployment]
DATABASE = "kaisa-webhook.sqlite3"
# What a customer writes: their own file, in the template's place.
HANDLERS = """
from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.post_call
def call_ended(event: CallEvent) -> str:
    return f"{answer} {event.id}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_out(tmp_path)


@pytest.fixture
def deploy(folder: Path, free_port: int, key_pair: KeyPair) -> Iterator[Deploy]:
    """Start it, with one trusted key unless told otherwise; what was started is stopped after the test."""
    started: list[Deployment] = []

    def start(authority: Path | None = None, **settings: str) -> Deployment:
        trusted = {} if "KAISA_ACCEPT_UNSIGNED" in settings else {"KAISA_TRUSTED_KEYS": str(key_pair.public)}
        started.append(Deployment(folder, free_port, {**trusted, **settings}, authority))
        return started[-1]

    yield start
    for deployment in started:
        deployment.stop()


def write_handlers(folder: Path, answer: str) -> None:
    (folder / "receiver" / "handlers.py").write_text(HANDLERS.replace("{answer}", answer))


def stored(folder: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.execute("SELECT call_id, state, answer FROM deliveries").fetchall()


def test_the_procfile_names_the_web_process_the_release_of_a_version_and_a_worker_for_background_handlers() -> None:
    assert (ROOT / "Procfile").read_text("utf-8") == (
        "web: python -m gunicorn --config receiver/gunicorn.conf.py --bind 0.0.0.0:$PORT\n"
        "release: python -m receiver migrate\n"
        "worker: python -m receiver worker\n"
    )


def test_a_release_on_sqlite_makes_the_tables_and_does_so_again_without_a_word_of_complaint(
    folder: Path, free_port: int, key_pair: KeyPair
) -> None:
    environ = environment(PORT=str(free_port), KAISA_TRUSTED_KEYS=str(key_pair.public))
    for _ in range(2):
        released = subprocess.run(
            ["sh", "-c", command_of("release", folder)],
            check=False,
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (released.returncode, released.stdout, released.stderr) == (0, "The database is up to date.\n", "")
        assert stored(folder) == []


def test_what_was_answered_200_survives_kill_9_and_is_answered_the_same_after_it(
    folder: Path, deploy: Deploy, key_pair: KeyPair
) -> None:
    body = signed_form(POST_CALL, key_pair)
    write_handlers(folder, "first")
    deployment = deploy().until_ready()
    assert deployment.request("/webhook", body, FORM) == b'{"append": "first call-1"}'
    assert deployment.stop(signal.SIGKILL) == -signal.SIGKILL
    assert stored(folder) == [("call-1", "handled", '{"append": "first call-1"}')]

    write_handlers(folder, "second")
    again = deploy().until_ready()
    assert again.request("/webhook", body, FORM) == b'{"append": "first call-1"}'
    other = signed_json({**POST_CALL, "id": "call-2"}, key_pair)
    assert again.request("/webhook", other, JSON) == b'{"append": "second call-2"}'
    assert "Traceback" not in again.output


def test_what_is_not_signed_is_refused_with_401(deploy: Deploy) -> None:
    deployment = deploy().until_ready()
    with pytest.raises(HTTPError) as refused:
        deployment.request("/webhook", form(POST_CALL), FORM)
    with closing(refused.value):
        assert (refused.value.code, refused.value.headers["Content-Type"]) == (401, "application/problem+json")


def test_it_stops_when_it_is_told_to(deploy: Deploy) -> None:
    deployment = deploy().until_ready()
    assert deployment.stop(signal.SIGTERM) == 0
    assert "Traceback" not in deployment.output


def test_https_is_served_with_a_certificate_of_ones_own(
    folder: Path, deploy: Deploy, key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    certificate = other_key_pair.certificate(folder / "server.crt")
    deployment = deploy(certificate, KAISA_TLS_CERT=str(certificate), KAISA_TLS_KEY=str(other_key_pair.private))
    body = signed_form(POST_CALL, key_pair)
    assert deployment.until_ready().request("/webhook", body, FORM) == b'{"append": "answered, 42 s"}'


def test_https_is_served_with_a_chain_by_an_authority(folder: Path, deploy: Deploy) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    ca, chain, key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(ca)
    issued.private_key_and_cert_chain_pem.write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    deployment = deploy(ca, KAISA_ACCEPT_UNSIGNED="true", KAISA_TLS_CERT=str(chain), KAISA_TLS_KEY=str(key))
    assert deployment.until_ready().request("/webhook", form(POST_CALL), FORM) == b'{"append": "answered, 42 s"}'


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"KAISA_TRUSTED_KEYS": "none.pem", "KAISA_MACRO": "id={idd}", "KAISA_PORT": "1"},
            [
                "receiver cannot start:",
                "KAISA_PORT: is not a setting",
                "KAISA_TRUSTED_KEYS: none.pem does not exist",
                "KAISA_MACRO: line 1, column 4: unknown macro {idd}; did you mean {id}?",
            ],
        ),
        ({"KAISA_TRUSTED_KEYS": ","}, ["receiver cannot start:", "KAISA_TRUSTED_KEYS: is not set"]),
        ({"KAISA_HANDLERS": "no_such_module"}, ["receiver cannot start:", "KAISA_HANDLERS=no_such_module: cannot be"]),
        ({"DATABASE_URL": "sqlite:///missing/x.sqlite3"}, ["receiver cannot start:", "unable to open database file"]),
    ],
    ids=["settings", "no key", "handlers", "store"],
)
def test_wrong_settings_are_told_in_words_and_stop_it(
    deploy: Deploy, settings: dict[str, str], told: list[str]
) -> None:
    deployment = deploy(**settings)
    assert deployment.process.wait(30) != 0
    output = deployment.output
    assert [line for line in told if line not in output] == []
    assert "Traceback" not in output
