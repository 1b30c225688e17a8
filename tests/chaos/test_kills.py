"""Killed processes, in short: each kind twice, on each database."""

from pathlib import Path

import pytest

from receiver import build
from tests.acceptance.deployment import copy_out
from tests.chaos.kills import kills
from tests.openssl import KeyPair
from tests.postgres import Postgres


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_whatever_process_is_killed_all_that_was_answered_200_is_stored_once_and_handled(
    database: str, tmp_path: Path, free_port: int, key_pair: KeyPair, request: pytest.FixtureRequest
) -> None:
    folder = copy_out(tmp_path)
    url = f"sqlite:///{folder / 'inbox.sqlite3'}"
    if database == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create_database()
        build.migrate(url, background=True)
    outcome = kills(folder, free_port, url, key_pair, seed=20260301, rounds=2, calls=40)
    assert outcome.findings == (), str(outcome)
    assert outcome.figures["deliveries answered 200"] > 0
