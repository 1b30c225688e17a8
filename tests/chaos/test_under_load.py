"""What may befall a receiver under load, in short, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import build
from tests.acceptance.deployment import copy_out
from tests.chaos.kills import kills
from tests.chaos.load import Load, loaded
from tests.chaos.outages import full_disk, restarts, two_simulators
from tests.chaos.outcome import Outcome
from tests.openssl import KeyPair
from tests.postgres import Postgres, server

SEED = 20260301
CALLS = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'inbox.sqlite3'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return migrated(postgres)


def migrated(postgres: Postgres) -> str:
    url = postgres.create_database()
    build.migrate(url, background=True)
    return url


@pytest.fixture
def load(url: str, tmp_path: Path, free_port: int, key_pair: KeyPair) -> Iterator[Load]:
    with loaded(copy_out(tmp_path), free_port, url, key_pair, seed=SEED, calls=CALLS) as load:
        yield load


def nothing_is_wrong(outcome: Outcome) -> None:
    assert outcome.findings == (), str(outcome)
    assert outcome.figures["deliveries answered 200"] > CALLS // 2


def test_whatever_process_is_killed_all_that_was_answered_200_is_stored_once_and_handled(load: Load) -> None:
    nothing_is_wrong(kills(load, seed=SEED, rounds=2))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_while_the_disk_is_full_nothing_is_answered_200_that_is_not_stored(load: Load) -> None:
    outcome = full_disk(load, seed=SEED, times=3)
    nothing_is_wrong(outcome)
    assert outcome.figures["of them 503"] > 0


def test_a_restarted_database_loses_nothing_that_was_answered_200(
    tmp_path: Path, free_port: int, key_pair: KeyPair
) -> None:
    with (
        server() as own,
        loaded(copy_out(tmp_path), free_port, migrated(own), key_pair, seed=SEED, calls=CALLS) as load,
    ):
        outcome = restarts(load, own, seed=SEED, times=2)
    nothing_is_wrong(outcome)
    assert outcome.figures["of them 503"] > 0


def test_two_simulators_that_send_the_same_are_answered_the_same(
    url: str, tmp_path: Path, free_port: int, key_pair: KeyPair
) -> None:
    with loaded(copy_out(tmp_path), free_port, url, key_pair, seed=SEED, calls=CALLS, at_once=2) as load:
        nothing_is_wrong(two_simulators(load, seed=SEED, deliveries=1))
