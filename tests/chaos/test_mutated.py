"""Mutated requests, in short; and that what goes wrong with one would be seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine

from receiver.errors import InternalError, Refusal
from receiver.receive import Receiver
from receiver.store import database
from tests.acceptance.deployment import Deployment, copy_out
from tests.chaos import mutated
from tests.openssl import KeyPair

SEED = 20260301


@pytest.fixture
def engines_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    opened: list[Engine] = []
    connect = database.connect

    def remember(url: str, *, connections: int) -> Engine:
        opened.append(connect(url, connections=connections))
        return opened[-1]

    monkeypatch.setattr(database, "connect", remember)
    yield
    structlog.reset_defaults()
    for engine in opened:
        engine.dispose()


def test_the_decoder_refuses_or_reads_whatever_comes_and_takes_nothing_that_was_not_signed(key_pair: KeyPair) -> None:
    outcome = mutated.in_the_decoder(key_pair, seed=SEED, requests=15_000)
    assert outcome.findings == (), str(outcome)
    assert {"answered 200", "answered 400", "answered 403", "answered 422"} <= outcome.figures.keys()


@pytest.mark.usefixtures("engines_are_closed")
def test_the_application_answers_nothing_over_499(key_pair: KeyPair, tmp_path: Path) -> None:
    outcome = mutated.in_the_application(key_pair, tmp_path, seed=SEED, requests=600, pages=60)
    assert outcome.findings == (), str(outcome)


def test_the_deployed_receiver_outlives_mutated_http(key_pair: KeyPair, tmp_path: Path, free_port: int) -> None:
    settings = {"KAISA_TRUSTED_KEYS": str(key_pair.public)}
    deployment = Deployment(copy_out(tmp_path), free_port, settings)
    try:
        outcome = mutated.over_the_wire(key_pair, deployment.until_ready(), seed=SEED, requests=400)
    finally:
        deployment.stop()
    assert outcome.findings == (), str(outcome)


@pytest.mark.parametrize("error", [KeyError("x"), InternalError("x")], ids=["an exception", "a refusal of 500"])
def test_a_decoder_that_breaks_is_found(error: Exception, key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(Receiver, "_map", broken)
    outcome = mutated.in_the_decoder(key_pair, seed=SEED, requests=100)
    assert outcome.findings
    assert all(("500" if isinstance(error, Refusal) else "KeyError") in found for found in outcome.findings)


def test_a_decoder_that_takes_what_was_not_signed_is_found(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Receiver, "_verify", lambda *_: None)
    outcome = mutated.in_the_decoder(key_pair, seed=SEED, requests=100)
    assert any("accepted without a signature" in found for found in outcome.findings)
