"""Everything is on disk: a console that was closed, or killed, goes on where it was."""

import json
import re
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.certs import DevelopmentKeys
from sender_sim.console.access import Access
from sender_sim.console.state import State
from sender_sim.core.outcome import Answered
from sender_sim.journal import Journal, JournalError
from sender_sim.settings import SettingsError
from tests.openssl import KeyPair
from tests.unit.sender_sim.console.conftest import LONG_ENOUGH, START, URL, Console, Endpoint
from tests.unit.sender_sim.console.person import Person
from tests.unit.sender_sim.scripted import at_attempt


def pages(console: Console) -> list[str]:
    """What all pages show."""
    deliveries = [f"/deliveries/{name}" for name in console.simulation.book.deliveries]
    calls = [f"/calls/{name}" for name in console.simulation.book.calls]
    return [console.get(each).text for each in ("/workflows", "/setup", "/calls", "/journal", *calls, *deliveries)]


def test_a_console_that_is_opened_again_shows_what_it_showed_and_goes_on(active: Console) -> None:
    active.post("/setup", action="save", url=URL, retry="on", pre_call="on", wait_for_recording="on")
    active.endpoint.script = at_attempt(4)
    active.post("/calls", count="12")
    held = active.place(recording="after", recording_after="20")
    active.go("30m")
    before = pages(active)
    active.reopen()
    assert pages(active) == before
    active.go("end")
    assert active.delivery(held).standing == "delivered"
    standings = {str(call.standing) for call in active.simulation.book.calls.values()}
    assert standings <= {"delivered", "nothing sent"}


def test_a_restart_at_every_event_does_what_one_console_does(tmp_path: Path) -> None:
    def played(name: str, *, restart: bool) -> list[str]:
        endpoint = Endpoint()
        endpoint.script = at_attempt(3)
        console = Console(tmp_path / name, endpoint, Access())
        console.activate(pre_call="on", wait_for_recording="on")
        console.simulation.random.seed(7)
        console.place(recording="after", recording_after="2")
        while console.simulation.book.coming():
            console.go("next")
            if restart:
                console.reopen()
        events = [json.dumps(values) for _, values in console.simulation.state.records()]
        console.close()
        return [re.sub(r'"seconds": [\d.]+', "", event) for event in events]

    assert played("restarted", restart=True) == played("undisturbed", restart=False)


def test_calls_that_are_to_come_are_not_forgotten(active: Console) -> None:
    active.post("/calls", count="5")
    left = [call.id for call in active.simulation.book.to_come]
    assert left
    active.reopen()
    assert [call.id for call in active.simulation.book.to_come] == left


def test_the_time_that_was_reached_is_kept(active: Console) -> None:
    active.go("1d")
    before = active.simulation.now
    active.reopen()
    assert active.simulation.now == before > START


def test_what_goes_wrong_with_a_call_goes_on_going_wrong(active: Console) -> None:
    call = active.place(trouble="refused", trouble_attempts="3")
    active.go("next")
    active.reopen()
    active.go("end")
    assert [each.success for each in active.delivery(call).tries] == [False, False, False, True]


def test_a_form_that_was_open_during_a_restart_can_still_be_sent(active: Console) -> None:
    client = active.client
    active.get("/setup")
    with client.session_transaction() as session:
        token = session["token"]
    cookies = client.get_cookie("kaisa-console-0")
    assert cookies is not None
    active.reopen()
    active.client.set_cookie("kaisa-console-0", cookies.value)
    assert active.client.post("/calls", data={"token": token, "kind": "sms"}).status_code == 302


def test_a_key_that_is_gone_is_told_before_anything_is_lost(active: Console, key_pair: KeyPair, tmp_path: Path) -> None:
    key = tmp_path / "mine.key"
    key.write_bytes(key_pair.private.read_bytes())
    active.post("/setup", action="save", url=URL, sign="on", key=str(key))
    key.unlink()
    with pytest.raises(SettingsError, match=r"signature.key: .*mine.key cannot be read"):
        active.reopen()
    active.close()
    key.write_bytes(key_pair.private.read_bytes())
    active.open()
    assert active.simulation.saved is not None


def test_a_key_that_nothing_needs_any_more_is_not_missed(active: Console, key_pair: KeyPair, tmp_path: Path) -> None:
    key = tmp_path / "mine.key"
    key.write_bytes(key_pair.private.read_bytes())
    active.post("/setup", action="save", url=URL, sign="on", key=str(key))
    active.post("/setup", action="save", url=URL)
    key.unlink()
    active.reopen()
    assert active.simulation.saved is not None


def test_a_file_that_is_the_journal_of_a_run_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    with Journal.begun(path, {"calls": 3}):
        pass
    before = path.read_bytes()
    with (
        pytest.raises(JournalError, match="is the journal of a run, not the state of a console"),
        State.opened(path, now=START),
    ):
        pass
    assert path.read_bytes() == before


def test_two_consoles_do_not_share_a_file(active: Console) -> None:
    with pytest.raises(JournalError, match="is in use by another sender-sim"):
        Console(active.path, Endpoint(), Access())


def test_answers_that_cannot_be_kept_stop_time_and_lose_nothing(active: Console) -> None:
    call = active.place()
    connection = active.simulation.state._connection
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT raise(ABORT, 'disk is full'); END")
    page = active.go("end")
    assert "what happens cannot be kept: disk is full" in page["clock"].text
    connection.execute("DROP TRIGGER full")
    active.go("end")
    assert [each.number for each in active.delivery(call).tries] == [1]
    assert active.delivery(call).standing == "delivered"


def test_an_answer_is_kept_up_to_a_limit(active: Console) -> None:
    active.endpoint.script = lambda _: Answered(200, b"x" * 200_000)
    call = active.place()
    active.go("end")
    answer = active.simulation.state.answer_to(f"{call.facts.id}/post-call", 1)
    assert isinstance(answer, Answered)
    assert (len(answer.body), answer.cut) == (64 * 1024, True)


def test_a_console_that_is_killed_in_mid_journey_goes_on_and_loses_no_attempt(
    tmp_path: Path, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    reached, killed, served = threading.Event(), threading.Event(), []

    def down_at_first(request: Request) -> Response:
        served.append(request.get_data())
        if len(served) == 30:
            reached.set()
            assert killed.wait(LONG_ENOUGH)
        return Response("{}", 200 if len(served) > 60 else 503)

    server.expect_request("/hook").respond_with_handler(down_at_first)
    options = ("--state", tmp_path / "state", "--ca", development_keys.ca)
    person = Person(*options)
    person.post("/workflows/request")
    person.post("/workflows/approve")
    person.post("/setup", action="activate", url=server.url_for("/hook"), retry="on")
    person.post("/calls", kind="inbound", duration="1", recording="never", answered="on")
    person.post("/clock", action="end", page="/calls")
    assert reached.wait(LONG_ENOUGH)
    assert person.end(signal.SIGKILL) == -signal.SIGKILL
    killed.set()

    person = Person(*options)
    assert "active" in person.get("/workflows").text
    assert person.attempts() == list(range(1, 30))
    while "Nothing is to come" not in person.get("/calls")["clock"].text:
        person.post("/clock", action="next", page="/calls")
    assert person.attempts() == list(range(1, 61))
    assert len(served) == 61  # the one that was under way is made again
    assert len(set(served)) == 1
    assert "delivered" in person.get("/calls").main().text
    assert person.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("there", [True, False])
def test_the_state_of_a_command_is_for_its_owner_alone(tmp_path: Path, *, there: bool) -> None:
    if there:
        assert Person("--state", tmp_path / "state").end(signal.SIGINT) == 0
        (tmp_path / "state").chmod(0o644)
    person = Person("--state", tmp_path / "state")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert person.end(signal.SIGINT) == 0
    assert modes == {"state": 0o600, "state-wal": 0o600}
    with sqlite3.connect(tmp_path / "state") as connection:
        assert connection.execute("SELECT count(*) FROM steps").fetchone() == (0,)
    connection.close()
