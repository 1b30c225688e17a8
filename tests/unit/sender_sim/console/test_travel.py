"""Time travel: it goes where it was told, in the background, can be stopped, and never holds up a page."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from sender_sim.console.access import Access
from sender_sim.core.delivery import Attempt
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.transports import Transport
from tests.openssl import KeyPair
from tests.unit.sender_sim.console.conftest import LONG_ENOUGH, START, Console, Endpoint
from tests.unit.sender_sim.scripted import at_attempt

DOWN = Failed(Failure.CONNECT)


class Gate(Endpoint):
    """An endpoint whose attempts wait, from the second on, until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.script = lambda _: DOWN
        self._is_open = False
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def open(self) -> None:
        self._is_open = True
        if self._waiting:
            loop, event = self._waiting
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(event.set)

    async def send(self, attempt: Attempt) -> Outcome:
        if self.sent and not self._is_open:
            self._waiting = asyncio.get_running_loop(), asyncio.Event()
            self.reached.set()
            await self._waiting[1].wait()
        return await super().send(attempt)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def gated(tmp_path: Path, gate: Gate) -> Iterator[Console]:
    console = Console(tmp_path / "gated.sqlite3", gate, Access())
    console.activate()
    yield console
    gate.open()
    console.close()


def travelling(console: Console, gate: Gate, goal: str = "end") -> None:
    """Have a journey come to where it waits for the endpoint."""
    console.place()
    console.send("/clock", action=goal, page="/calls")
    assert gate.reached.wait(LONG_ENOUGH)


def test_time_stands_still_until_it_is_told_to_pass(active: Console) -> None:
    active.place()
    assert active.simulation.now == START
    assert active.endpoint.sent == []


@pytest.mark.parametrize(
    ("goal", "expected"), [("30m", timedelta(minutes=30)), ("1d", timedelta(days=1)), ("end", timedelta(seconds=95))]
)
def test_time_goes_where_it_was_told(active: Console, goal: str, expected: timedelta) -> None:
    active.place()
    active.go(goal)
    assert active.simulation.now == START + expected
    assert len(active.endpoint.sent) == 1


def test_the_next_event_is_the_next_event(active: Console) -> None:
    active.endpoint.script = at_attempt(3)
    call = active.place()
    for minutes, tries in ((0, 1), (30, 2), (60, 3)):
        active.go("next")
        assert active.simulation.now == START + timedelta(minutes=minutes, seconds=95)
        assert len(active.delivery(call).tries) == tries
    page = active.go("next")
    assert "Nothing is to come." in page.text
    assert active.simulation.now == START + timedelta(minutes=60, seconds=95)
    assert not {"Next event", "To the end"} & set(page.buttons())


def test_a_day_holds_48_attempts_and_the_end_is_after_seven_days(active: Console) -> None:
    active.endpoint.script = lambda _: DOWN
    call = active.place()
    active.go("1d")
    assert len(active.delivery(call).tries) == 48
    page = active.go("end")
    assert len(active.delivery(call).tries) == 337
    assert active.simulation.now == START + timedelta(days=7, seconds=95)
    assert "given up after 337 attempts" in page.text


def test_every_page_says_what_comes_next(active: Console) -> None:
    active.endpoint.script = lambda _: DOWN
    active.place()
    active.go("next")
    for address in ("/workflows", "/setup", "/calls", "/journal"):
        assert "in 30 min attempt 2 of the post-call" in active.get(address)["clock"].text


def test_pages_are_shown_while_an_endpoint_keeps_time_waiting(gated: Console, gate: Gate) -> None:
    travelling(gated, gate)
    page = gated.get("/calls")
    assert "Travelling" in page["clock"].text
    assert "1 attempt under way" in page["clock"].text
    assert page["clock"].all("button")[0].text == "Pause"
    assert page["clock"].all("progress")[0]["value"] == "0"
    assert "in flight" in page.main().text
    assert page.root.all("meta", content="2")  # without a script the page loads itself again


def test_a_journey_is_paused_once_the_attempts_under_way_have_ended(gated: Console, gate: Gate) -> None:
    travelling(gated, gate)
    gated.send("/clock", action="pause", page="/calls")
    page = gated.get("/calls")
    assert "1 attempt under way may take 20 s." in page["clock"].text
    assert "Pause" not in page.buttons()
    gate.open()
    gated.wait()
    assert len(gate.sent) == 2
    assert "Paused" in gated.get("/calls")["clock"].text
    gated.go("end")
    [delivery] = gated.simulation.book.deliveries.values()
    assert [each.number for each in delivery.tries] == list(range(1, 338))


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/calls", {"kind": "sms"}),
        ("/setup", {"action": "save", "url": "https://other.example/"}),
        ("/workflows/deactivate", {}),
        ("/clock", {"action": "1d"}),
        ("/clock", {"action": "live", "speed": "60"}),
    ],
)
def test_what_needs_time_to_stand_still_says_so(gated: Console, gate: Gate, address: str, form: dict[str, str]) -> None:
    travelling(gated, gate)
    answer = gated.send(address, **form)
    assert answer.status_code == 409
    assert "pause it" in answer.text
    assert len(gated.simulation.book.calls) == 1
    assert gated.simulation.saved == gated.simulation.state.settings()[0]


def test_a_test_request_does_not_wait_for_time(gated: Console, gate: Gate) -> None:
    travelling(gated, gate)
    gated.endpoint.sent.clear()  # the gate lets the first one through
    assert gated.send("/test-requests").status_code == 302


def test_live_time_passes_by_itself_and_calls_can_be_placed(active: Console) -> None:
    sent = threading.Event()

    def answer(_: Attempt) -> Outcome:
        sent.set()
        return Answered(200)

    active.endpoint.script = answer
    active.send("/clock", action="live", speed="1800", page="/calls")
    active.send("/calls", kind="sms", text="Hej")
    assert sent.wait(LONG_ENOUGH)
    assert "Live \N{MULTIPLICATION SIGN}1800" in active.get("/calls")["clock"].text
    active.send("/clock", action="pause", page="/calls")
    active.wait()
    assert "Paused" in active.get("/calls")["clock"].text
    assert active.simulation.now > START


def test_settings_can_be_changed_while_time_is_live(active: Console) -> None:
    changed = threading.Event()

    def answer(attempt: Attempt) -> Outcome:
        if attempt.request.url == "https://new.example/":
            changed.set()
        return Answered(200)

    active.endpoint.script = answer
    active.send("/clock", action="live", speed="60", page="/calls")
    assert active.send("/setup", action="save", url="https://new.example/").status_code == 302
    active.send("/calls", kind="sms")
    assert changed.wait(LONG_ENOUGH)
    active.send("/clock", action="pause")
    active.wait()


@pytest.mark.parametrize("form", [{"action": "yesterday"}, {"action": "live", "speed": "1e9"}, {}])
def test_what_the_clock_does_not_know_is_told(active: Console, form: dict[str, str]) -> None:
    assert "it knows pause, live, next, 30m, 1d, end" in active.post("/clock", 400, **form).text


@pytest.mark.parametrize("page", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_the_way_back_leads_to_our_own_pages_only(active: Console, page: str) -> None:
    assert active.send("/clock", action="30m", page=page).headers["Location"] == "/"


def test_what_cannot_go_on_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    class Broken(Endpoint):
        broken = True

        @asynccontextmanager
        async def opened(self) -> AsyncIterator[Transport]:
            if self.broken:
                raise OSError("no more sockets")
            yield self

    broken = Broken()
    broken.broken = False
    console = Console(tmp_path / "broken.sqlite3", broken, Access())
    console.activate()
    call = console.place()
    broken.broken = True
    page = console.go("end")
    assert "Time stopped: OSError: no more sockets" in page["clock"].text
    broken.broken = False
    page = console.go("end")
    assert "Time stopped" not in page["clock"].text
    assert console.delivery(call).standing == "delivered"
    console.close()


def test_a_journey_that_is_abandoned_makes_its_attempt_again(gated: Console, gate: Gate) -> None:
    travelling(gated, gate)
    gated.simulation.close()
    gate.open()
    gated.reopen()
    [delivery] = gated.simulation.book.deliveries.values()
    assert (len(delivery.tries), delivery.standing) == (1, "to be sent")
    gate.sent.clear()
    gated.go("next")
    assert [attempt.number for attempt in gate.sent] == [2]


def test_a_key_that_vanishes_while_time_passes_is_told_with_what_to_do(
    active: Console, key_pair: KeyPair, tmp_path: Path
) -> None:
    key = tmp_path / "mine.key"
    key.write_bytes(key_pair.private.read_bytes())
    active.post("/setup", action="save", url="https://x.example/", sign="on", key=str(key), retry="on")
    active.place()
    key.unlink()

    def broken(_: Attempt) -> Outcome:
        raise RuntimeError("out of order")

    active.endpoint.script = broken
    told = active.go("end")["clock"].text
    assert "Time stopped: RuntimeError: out of order; signature.key: " in told
    assert "start the console again when that is put right" in told
    key.write_bytes(key_pair.private.read_bytes())
    active.endpoint.script = lambda _: Answered(200)
    active.reopen()
    active.go("end")
    assert "delivered" in active.get("/calls").main().text
