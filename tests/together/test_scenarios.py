"""Scenarios played by the sender against the receiver, under gunicorn over HTTPS: both books agree at the end."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.wire import EventType
from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.core import hostile
from sender_sim.receiver_process import ReceiverProcess

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Books:
    """What both sides say of a scenario."""

    summary: dict[str, Any]
    saved: dict[str, str]
    stored: dict[str, dict[str, Any]]
    handled: Counter[str]


@pytest.fixture(scope="module")
def next_keys(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentKeys:
    return certs.mint(tmp_path_factory.mktemp("next"), now=datetime.now(UTC))


@dataclass(frozen=True)
class Receiver:
    """A receiver with a book of what its handlers were run for."""

    process: ReceiverProcess
    keys: DevelopmentKeys
    book: Path

    def play(self, scenario: str, *arguments: str) -> Books:
        command = [
            sys.executable,
            "-m",
            "sender_sim",
            "run",
            self.process.url,
            "--ca",
            str(self.keys.ca),
            "--seed",
            "4",
        ]
        command += ["--sign", str(self.keys.signing_key), "--scenario", scenario, "--format", "json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        stream = [json.loads(line) for line in done.stdout.splitlines()]
        saved = {event["delivery"]: event["append"] for event in stream if event["event"] == "AppendSaved"}
        rows = self.process.stored("deliveries")
        stored = {f"{row['call_id']}/{EventType(row['event_type']).label}": row for row in rows}
        return Books(stream[-1], saved, stored, Counter(self.book.read_text("utf-8").splitlines()))


@pytest.fixture
def receiver(development_keys: DevelopmentKeys, next_keys: DevelopmentKeys, tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that trusts both keys, and is empty."""
    book = tmp_path / "handled"
    book.touch()
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/inbox.sqlite3",
        "KAISA_HANDLERS": "tests.together.handlers",
        "KAISA_TRUSTED_KEYS": f"{development_keys.signing_certificate},{next_keys.signing_certificate}",
        "HANDLED": str(book),
        "PYTHONPATH": str(ROOT),
    }
    with ReceiverProcess.running(development_keys, settings) as process:
        yield Receiver(process, development_keys, book)


def agree(books: Books) -> None:
    """Everything is stored, handled once, and answered with what the sender has saved."""
    assert books.summary["unexpected"] == []
    assert len(books.stored) == books.summary["delivered"] > 0
    assert books.handled == dict.fromkeys(books.stored, 1)
    assert {row["state"] for row in books.stored.values()} == {"handled"}
    assert {name: row["answer"]["append"] for name, row in books.stored.items() if row["answer"]} == books.saved


def test_of_lost_answers_every_handler_runs_once_and_the_first_append_is_saved(receiver: Receiver) -> None:
    books = receiver.play("answers-lost")
    agree(books)
    seen = sum(row["attempts"] for row in books.stored.values())
    assert seen == books.summary["attempts"] > books.summary["delivered"]


def test_a_storm_of_duplicates_is_one_row_and_one_handler_run_each(receiver: Receiver) -> None:
    books = receiver.play("duplicate-storm", "--calls", "15")
    agree(books)
    assert all(22 < row["attempts"] < 26 for row in books.stored.values())
    assert {row["revision"] for row in books.stored.values()} == {1}


def test_after_two_days_down_everything_is_there(receiver: Receiver) -> None:
    books = receiver.play("endpoint-down-two-days")
    agree(books)
    assert books.summary["attempts"] > 10 * len(books.stored)
    assert {row["attempts"] for row in books.stored.values()} == {1}


@pytest.mark.parametrize("encoding", ["--form", "--json"])
def test_hostile_text_is_stored_and_answered_as_it_was_sent(receiver: Receiver, encoding: str) -> None:
    books = receiver.play("hostile-text", encoding)
    agree(books)
    assert {row["fields"]["details"] for row in books.stored.values()} == set(hostile.TEXTS.values())


def test_a_receiver_that_trusts_both_keys_outlives_a_rotation(receiver: Receiver, next_keys: DevelopmentKeys) -> None:
    books = receiver.play("key-rotation", "--next-sign", str(next_keys.signing_key))
    agree(books)
    assert len({row["signed_by"] for row in books.stored.values()}) == 2


def test_an_activation_sends_what_it_should_and_no_more(receiver: Receiver) -> None:
    agree(receiver.play("activation"))
