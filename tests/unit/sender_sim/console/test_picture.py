"""The picture of a delivery: where on the axis its attempts stand, and what the book says comes next."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sender_sim.console.book import Book, Standing
from sender_sim.console.picture import Axis, around, fitting, lane, window
from sender_sim.core import synthetic
from sender_sim.core.engine import Engine
from sender_sim.core.outcome import Failed, Failure
from tests.unit.sender_sim.console.conftest import START, Console
from tests.unit.sender_sim.scripted import DOWN, INTEGRATION, Scripted, a_call, always, stream
from tests.unit.sender_sim.test_order import moody
from tests.unit.sender_sim.test_unfinished import BEFORE

HOUR = timedelta(hours=1)
OVER = (Standing.DELIVERED, Standing.GIVEN_UP, Standing.SILENT)


@given(minutes=st.integers(1, 60 * 24 * 400))
def test_the_ticks_of_an_axis_are_few_and_stand_on_it_in_order(minutes: int) -> None:
    axis = Axis(START, START + timedelta(minutes=minutes))
    places = [tick.x for tick in axis.ticks()]
    assert len(places) <= 8
    assert places == sorted(set(places))
    assert all(2 <= x <= 98 for x in places)


def test_ticks_are_round_times() -> None:
    hours = [tick.label for tick in Axis(START - HOUR / 7, START + 3 * HOUR).ticks()]
    assert hours == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]
    days = [tick.label for tick in Axis(START, START + timedelta(days=3)).ticks()]
    assert days == ["12:00", "Tue 3 Mar", "12:00", "Wed 4 Mar", "12:00", "Thu 5 Mar"]


def test_attempts_stand_where_they_were_made_and_the_next_one_where_it_will_be(active: Console) -> None:
    active.endpoint.script = lambda _: Failed(Failure.CONNECT)
    call = active.place(duration="0")
    active.go("30m")
    delivery, now = active.delivery(call), active.simulation.now
    drawn = lane(delivery, call, around(delivery, call, now), now)
    assert [(mark.x, mark.kind) for mark in drawn.marks] == [(2.0, "bad"), (50.0, "bad"), (98.0, "next")]
    assert drawn.words == "attempt 3 follows"


def test_a_wait_and_a_call_are_bars(active: Console) -> None:
    active.post("/setup", action="save", url="https://x.example/", wait_for_recording="on", pre_call="on")
    call = active.place(duration="600", recording="after", recording_after="10")
    active.go("next")
    active.go("next")
    axis = fitting([call], active.simulation.now)
    drawn = lane(active.delivery(call), call, axis, active.simulation.now)
    assert [(bar.kind, bar.x, bar.width) for bar in drawn.bars] == [("call", 2.0, 48.0), ("held", 50.0, 48.0)]
    assert [(mark.x, mark.kind) for mark in drawn.marks] == [(98.0, "good")]


def test_what_is_not_in_the_window_is_not_drawn(active: Console) -> None:
    active.endpoint.script = lambda _: Failed(Failure.CONNECT)
    call = active.place(duration="0")
    active.go("1d")
    delivery, now = active.delivery(call), active.simulation.now
    drawn = lane(delivery, call, window(now, 2 * HOUR), now)
    assert [mark.kind for mark in drawn.marks] == ["bad"] * 4 + ["next"]


def test_337_attempts_and_the_end_of_the_seven_days_fit_a_picture(active: Console) -> None:
    call = active.place(duration="0", trouble="refused", trouble_attempts="0")
    active.go("end")
    delivery = active.delivery(call)
    drawn = lane(delivery, call, around(delivery, call, active.simulation.now), active.simulation.now)
    assert drawn.marks[-1].kind == "limit"
    assert drawn.marks[-1].x == 98.0
    assert 50 < len(drawn.marks) < 337
    assert drawn.words == "given up after 337 attempts: the retry window is over"


def test_the_book_says_what_happens_next(active: Console) -> None:
    active.post("/setup", action="save", url="https://x.example/", wait_for_recording="on", pre_call="on", retry="on")
    active.endpoint.script = moody
    active.post("/calls", count="12")
    book, steps = active.simulation.book, 0
    while (coming := book.coming()) and steps < 60:
        happened = active.simulation.state.happened
        active.go("next")
        assert active.simulation.now == coming[0].due
        assert active.simulation.state.happened > happened
        steps += 1
    assert steps > 20


@given(calls=st.integers(1, 12), seed=st.integers(0, 50))
def test_the_book_knows_of_everything_that_is_to_come(calls: int, seed: int) -> None:
    book, engine = Book(), Engine(BEFORE)
    for call in synthetic.calls(Random(seed), calls, START):
        book.place(call)
        engine.place(call)
    first = book.coming()[0]
    assert (first.due, first.what.endswith(" begins")) == (engine.next_due(), True)
    for event in stream(engine, Scripted(moody)):
        book.take(event)
        assert book.coming() or all(entry.standing in OVER for entry in book.calls.values()) or book.in_flight
    assert book.coming() == []


def test_a_delivery_that_was_never_tried_has_no_marks_but_the_next() -> None:
    book, engine = Book(), Engine(INTEGRATION)
    engine.place(a_call())
    seen = stream(engine, Scripted(always(DOWN)))
    for event in seen[:3]:
        book.take(event)
    [delivery] = book.deliveries.values()
    entry = book.calls["a"]
    drawn = lane(delivery, entry, fitting([entry], START), START)
    assert [mark.kind for mark in drawn.marks] == ["next"]
    assert drawn.words == "is to be sent"
