"""The journal: what is kept is on disk, in order, and a file that is no journal is told in words."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import sqlite3
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from sender_sim.core import events
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.journal import Journal, JournalError, Noting
from tests.unit.sender_sim.endpoints import attempt_at
from tests.unit.sender_sim.scripted import START, Scripted, a_call
from tests.unit.sender_sim.test_unfinished import undisturbed

PLAN: dict[str, Any] = {"url": "https://endpoint.example/", "calls": 3}
ENDED = events.CallEnded(START, "a")


def begin(path: Path) -> None:
    with Journal.begun(path, PLAN):
        pass


def find(path: Path) -> None:
    with Journal.found(path):
        pass


def test_what_was_kept_is_there_again_with_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "week.journal"
    with Journal.begun(path, PLAN) as journal:
        for batch in undisturbed():
            journal.keep(batch)
    with Journal.found(path) as journal:
        assert journal.plan == PLAN
        assert list(journal.events()) == list(chain(*undisturbed()))


OUTCOMES = (
    Answered(200, bytes(range(256)), (("Content-Type", "text/plain"),), 0.25, cut=True),
    Failed(Failure.RESET, "connection reset by peer \ud83d", 1.5),
)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_attempt_whose_answer_came_before_the_run_was_killed_is_not_made_again(
    tmp_path: Path, outcome: Outcome
) -> None:
    attempt = attempt_at("https://endpoint.example/")
    with Journal.begun(tmp_path / "journal", PLAN) as journal:
        assert asyncio.run(Noting(Scripted(lambda _: outcome), journal).send(attempt)) is outcome
    endpoint = Scripted()
    with Journal.found(tmp_path / "journal") as journal:
        noted = asyncio.run(Noting(endpoint, journal).send(attempt))
    assert endpoint.sent == []
    assert noted is not None
    assert asdict(noted) == asdict(outcome)


def test_an_outcome_is_forgotten_when_it_is_among_the_events(tmp_path: Path) -> None:
    first, other = attempt_at("https://endpoint.example/"), replace(attempt_at("https://endpoint.example/"), number=2)
    with Journal.begun(tmp_path / "journal", PLAN) as journal:
        for attempt in (first, other):
            journal.note(attempt, Answered(503))
        journal.keep(
            [events.AttemptEnded(START, first.delivery, 1, success=False, status=503, outcome="503", seconds=0.1)]
        )
        assert journal.noted(first) is None
        assert journal.noted(other) == Answered(503)


def keep_and_die(path: Path) -> None:
    with Journal.begun(path, PLAN) as journal:
        journal.keep([events.CallBegan(START, "a", a_call()), ENDED])
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_kept_outlives_the_process(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=keep_and_die, args=[tmp_path / "journal"])
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with Journal.found(tmp_path / "journal") as journal:
        assert list(journal.events()) == [events.CallBegan(START, "a", a_call()), ENDED]


def fill(path: Path) -> None:
    """Keep one event, then more of them at once than the disk has room for."""
    with Journal.found(path) as journal:
        journal.keep([ENDED])
        journal._connection.execute("PRAGMA max_page_count = 20")
        journal.keep([ENDED] * 10_000)


def test_on_a_full_disk_events_that_belong_together_are_not_kept_in_part(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    begin(path)
    with pytest.raises(JournalError, match=r"journal cannot be used as a journal: database or disk is full$"):
        fill(path)
    with Journal.found(path) as journal:
        assert list(journal.events()) == [ENDED]


def test_a_journal_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("precious")
    with pytest.raises(JournalError, match="exists already; --resume goes on with the run in it"):
        begin(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("content", [b"no database at all, but longer than the header of one would be" * 10, b""])
def test_a_file_that_is_no_journal_is_told_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal (is not|cannot be used as) a journal"):
        find(path)


def test_a_database_of_somebody_else_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (number INTEGER)")
    connection.close()
    with pytest.raises(JournalError, match=r"is not a journal of this version of sender-sim$"):
        find(path)


def test_a_database_of_somebody_else_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (number INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError):
        find(path)
    assert path.read_bytes() == before


def test_a_beginning_that_was_cut_short_anywhere_is_begun_anew_or_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, connect = tmp_path / "folder", sqlite3.connect
    folder.mkdir()
    states: list[Path] = []

    def copied(_: str) -> None:
        """What a kill would leave, before each statement."""
        states.append(Path(shutil.copytree(folder, tmp_path / f"{len(states)}")))

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(copied)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    begin(folder / "journal")
    monkeypatch.undo()
    assert len(states) > 5
    for state in states:
        with suppress(JournalError):
            find(state / "journal")
            continue
        begin(state / "journal")
    for state in states:
        with Journal.found(state / "journal") as journal:
            assert journal.plan == PLAN


def test_an_empty_file_is_no_run_to_go_on_with_and_one_is_begun_in_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.touch()
    with pytest.raises(JournalError, match=r"is not a journal yet: no run was begun in it; leave --resume out$"):
        find(path)
    begin(path)
    find(path)


def test_a_journal_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"is not there; without --resume, run begins a journal$"):
        find(tmp_path / "journal")


def test_two_simulators_do_not_share_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    in_use = pytest.raises(JournalError, match=r"is in use by another sender-sim; wait for it, or name another file$")
    with Journal.begun(path, PLAN), in_use:
        find(path)
    with Journal.found(path) as journal:
        assert journal.plan == PLAN
