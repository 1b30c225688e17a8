"""The picture of the schedule: every attempt a mark in its place, told by shape and colour; and what a page keeps."""

import re
import tracemalloc
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.delivery import Request
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.reports.page import words
from sender_sim.reports.page.history import End, History, Look
from sender_sim.reports.page.picture import shape
from tests.html_tree import Element, read
from tests.unit.sender_sim.scripted import DOWN, HALF_HOUR, OK, START, Scripted, a_call, always, at_attempt, play
from tests.unit.sender_sim.test_page import page_of

WEEK = timedelta(days=7)
OUTCOMES: dict[Look, Outcome] = {
    Look.SUCCESS: OK,
    Look.ANSWERED: Answered(503),
    **{Look[failure.name]: Failed(failure, "why") for failure in Failure},
}


def picture(happened: list[events.Event]) -> Element:
    return read(page_of(happened)).one("svg", class_="schedule")


def marks(row: Element) -> list[tuple[str, float, str]]:
    """Colour, x and shape of each mark."""
    return [
        (path.attributes["class"].split()[0].removeprefix("look-"), float(x), rest)
        for path in row.all("path")
        for x, rest in re.findall(r"M([\d.]+) [\d.]+(m[^M]+)", path.attributes["d"])
    ]


def rows(drawn: Element) -> list[Element]:
    return drawn.all("g", class_="row")


def test_each_of_337_attempts_has_its_mark_half_an_hour_from_the_one_before() -> None:
    [row] = rows(picture(play(a_call(), Scripted(always(DOWN)))))
    places = [x for _, x, _ in marks(row)]
    assert len(places) == 337
    step = (places[-1] - places[0]) / 336
    assert {round(after - before - step) for before, after in pairwise(places)} == {0}
    assert row.one("line", class_="gone").attributes["x1"] == f"{places[-1] + 7}"


def test_marks_that_stand_close_do_not_touch() -> None:
    [row] = rows(picture(play(a_call(), Scripted(always(Answered(503))))))
    found = marks(row)
    widths = {float(re.findall(r"h([\d.]+)v", square)[0]) for _, _, square in found}
    assert max(widths) < min(after - before for (_, before, _), (_, after, _) in pairwise(found))


def test_every_outcome_has_a_shape_and_a_colour_of_its_own_and_a_legend() -> None:
    assert len({shape(look, 4) for look in Look}) == len(Look)
    looks = list(OUTCOMES)[1:]
    script = Scripted(lambda attempt: OUTCOMES[looks[attempt.number - 1]] if attempt.number <= len(looks) else OK)
    tree = read(page_of(play(a_call(), script)))
    [row] = rows(tree.one("svg", class_="schedule"))
    assert [colour for colour, _, _ in marks(row)] == [look.name.lower() for look in [*looks, Look.SUCCESS]]
    assert [mark for _, _, mark in marks(row)] == [shape(look, 4) for look in [*looks, Look.SUCCESS]]
    assert [each.words for each in tree.one("ul", class_="legend").all("li")] == [look.value for look in Look]
    style = tree.one("style").text
    for look in Look:
        assert f".look-{look.name.lower()} {{" in style
        assert f".stack-{look.name.lower()} {{" in style


def test_attempts_in_a_row_that_came_to_the_same_share_a_tooltip() -> None:
    [row] = rows(picture(play(a_call(), Scripted(at_attempt(4)))))
    assert [path.words for path in row.all("path")] == [
        "attempts 1 to 3, Mon 2 Mar 09:00:00: connect",
        "attempt 4, Mon 2 Mar 10:30:00: 200 OK",
    ]
    assert row.all("title")[0].words == "a/post-call: 4 attempts, delivered later"
    assert row.all("line", class_="gone") == []


def test_the_strip_has_every_attempt_of_the_run_whatever_rows_there_are() -> None:
    calls = [a_call(f"{number}", start=START + number * timedelta(minutes=7)) for number in range(100)]
    drawn = picture(play(calls, Scripted(at_attempt(3))))
    counted: Counter[str] = Counter()
    for bar in drawn.all("rect"):
        if bar.attributes["class"].startswith("stack-"):
            number, outcome = re.findall(r": ([\d,]+) attempts?: (.*)$", bar.words)[0]
            counted[outcome] += int(number)
    assert counted == {"200": 100, "no connection": 200}
    assert len(rows(drawn)) == 40


def test_rows_are_those_with_trouble_before_those_without_in_the_order_they_were_due() -> None:
    calls = [a_call(f"{number:03}", start=START + number * timedelta(minutes=1)) for number in range(100)]
    drawn = picture(
        play(calls, Scripted(lambda attempt: DOWN if attempt.delivery[2] == "0" and attempt.number < 3 else OK))
    )
    names = [row.one("text", class_="name").words.partition(" ")[0] for row in rows(drawn)]
    assert names == sorted(names)
    assert len(names) == 40
    assert {name for name in names if name.endswith("0")} == {f"{number:03}" for number in range(0, 100, 10)}


@pytest.mark.parametrize(
    ("last", "labels"),
    [
        (timedelta(0), ["Mon 2 Mar 09:00", "09:02", "09:04", "09:06", "09:08", "09:10"]),
        (timedelta(hours=3), ["Mon 2 Mar 09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]),
        (timedelta(hours=20), ["Mon 2 Mar 09:00", "12:00", "15:00", "18:00", "21:00", "Tue 3 Mar", "03:00"]),
        (WEEK, ["Mon 2 Mar 09:00", *(f"{day} Mar" for day in ("Wed 4", "Thu 5", "Fri 6", "Sat 7", "Sun 8", "Mon 9"))]),
    ],
    ids=str,
)
def test_the_axis_has_round_times(last: timedelta, labels: list[str]) -> None:
    drawn = picture(play([a_call("first"), a_call("last", start=START + last)], Scripted()))
    shown = [text.words for text in drawn.all("text") if text.attributes["y"] == "14"]
    assert shown[: len(labels)] == labels


def listened(count: int, attempts: int) -> History:
    """What is kept of deliveries that fail so often and are then given up."""
    history = History()
    request = Request("https://e.example/", "text/plain", b"id=1", WEEK)
    for number in range(count):
        name = f"{number}/sms"
        history.listen(
            events.DeliveryCreated(START, name, f"{number}", EventType.SMS, START, retry=True, request=request)
        )
    for attempt in range(attempts):
        at = START + attempt * HALF_HOUR
        for number in range(count):
            outcome = f"timeout: reason {attempt % 3}"
            history.listen(events.AttemptEnded(at, f"{number}/sms", attempt + 1, False, None, outcome, 20.0))
    for number in range(count):
        history.listen(events.GivenUp(at, f"{number}/sms", attempts, "over"))
    return history


def test_of_seventy_thousand_attempts_little_is_kept() -> None:
    tracemalloc.start()
    try:
        history = listened(208, 337)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert history.density.total() == 208 * 337 == 70_096
    assert most < 4_000_000
    assert kept < 2_000_000


def test_of_many_deliveries_that_ended_alike_some_are_kept_whole() -> None:
    history = listened(1_000, 2)
    assert history.deliveries == 1_000
    assert [track.end for track in history.tracks()] == [End.GIVEN_UP] * 100
    assert {track.attempts for track in history.tracks()} == {2}


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=30), "30 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=7, seconds=1), "7 days 1 s"),
    ],
    ids=str,
)
def test_a_length_of_time_is_told_in_words(span: timedelta, told: str) -> None:
    assert words.length(span) == told


def test_numbers_are_told_in_words() -> None:
    assert [words.count(1, "attempt"), words.count(1_234, "attempt")] == ["1 attempt", "1,234 attempts"]
    assert [words.count(1, "delivery", "deliveries"), words.count(2, "delivery", "deliveries")] == [
        "1 delivery",
        "2 deliveries",
    ]
    assert [words.numbers(3, 3), words.numbers(3, 9)] == ["attempt 3", "attempts 3 to 9"]
