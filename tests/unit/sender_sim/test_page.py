"""The run as one HTML page: whole in itself, safe to open, and it says what happened."""

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import macro
from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.call import Direction
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.faults import AnswerLost, Latency, Refused, Reset, Rule, Status, TlsFailure
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.core.sign import Signer
from sender_sim.reports.page import Page, fault_words, settings_facts
from sender_sim.reports.printable import printable
from sender_sim.reports.reproduce import Command
from sender_sim.reports.summary import Summary
from tests.html_tree import Element, read
from tests.openssl import KeyPair
from tests.unit.sender_sim.scripted import (
    DOWN,
    HALF_HOUR,
    INTEGRATION,
    START,
    URL,
    Scripted,
    a_call,
    always,
    at_attempt,
    play,
    stream,
)

SAVED = Answered(200, b'{"append": "noted"}')
LONG = Answered(200, b'{"append": "%s"}' % (b"x" * 41))
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> &amp; \" ' ]]> --> \u202e\ud83d\0\x1b[2J"
OUTSIDE = {"script", "link", "img", "image", "iframe", "object", "embed", "form", "base", "use", "video", "audio"}


def repeat(request: Request) -> Iterable[Command]:
    return [Command("send it again", f"curl {request.url} --data '{request.body.decode()}'")]


def page_of(
    happened: Iterable[Event],
    *,
    stopped: bool = False,
    integration: Integration = INTEGRATION,
    unexpected: list[str] | None = None,
) -> str:
    summary, page = Summary(), Page([*settings_facts(integration), ("seed", "7")], repeat)
    for event in happened:
        summary.listen(event)
        page.listen(event)
    return page.page(summary, unexpected=unexpected, stopped=stopped)


def deliveries(tree: Element) -> list[Element]:
    """What the table holds of each delivery."""
    return [body for body in tree.one("table", class_="deliveries").all("tbody") if "id" in body.attributes]


def cells(row: Element) -> list[str]:
    return [cell.words for cell in row.children if isinstance(cell, Element)]


def lines(delivery: Element) -> list[list[str]]:
    """A delivery's attempts, as they are listed when it is opened."""
    return [cells(row) for row in delivery.one("table", class_="tries").one("tbody").all("tr")]


def figures(tree: Element) -> dict[str, str]:
    return {each.one("dt").words: each.one("dd").words for each in tree.one("dl", class_="figures").all("div")}


# One that is given up, one whose answer breaks a rule, one delivered later, one delivered at once.
ANSWERS: dict[str, Outcome] = {"down": DOWN, "long": LONG, "later": Answered(503), "good": SAVED}


def mixed(attempt: Attempt) -> Outcome:
    call = attempt.delivery.partition("/")[0]
    return SAVED if (call, attempt.number) == ("later", 3) else ANSWERS[call]


@pytest.fixture(scope="module")
def mixed_page() -> str:
    return page_of(play([a_call(name) for name in ANSWERS], Scripted(mixed)))


@pytest.fixture(scope="module")
def tree(mixed_page: str) -> Element:
    return read(mixed_page)


def test_the_page_asks_for_nothing_and_runs_nothing(tree: Element, mixed_page: str) -> None:
    [style] = re.findall(r"<style>(.*?)</style>", mixed_page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert [meta.attributes["content"] for meta in tree.all("meta", **{"http-equiv": "Content-Security-Policy"})] == [
        policy
    ]
    assert "url(" not in style
    assert "@import" not in style
    assert {element.tag for element in tree.descendants()}.isdisjoint(OUTSIDE)
    for element in tree.descendants():
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action", "background", "xlink:href"}
            assert name != "href" or value.startswith("#")


def test_every_link_and_label_leads_to_something_on_the_page(tree: Element) -> None:
    ids = [element.attributes["id"] for element in tree.descendants() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = [link.attributes["href"].removeprefix("#") for link in tree.all("a")]
    labels = [label for each in tree.descendants() for label in each.attributes.get("aria-labelledby", "").split()]
    assert len(links) == 1
    assert len(labels) >= 5
    assert set(links) | set(labels) <= set(ids)


def test_what_broke_the_contract_comes_first_with_its_rule_and_what_to_change(tree: Element) -> None:
    assert tree.one("h1").words == "The contract was broken"
    assert [heading.words for heading in tree.all("h2")] == [
        "What went wrong",
        "Figures",
        "The schedule",
        "Deliveries",
    ]
    given_up, violated = tree.one("ul", class_="wrongs").all("li")
    assert given_up.words.startswith("R4 1 delivery was given up No attempt got its 200, ")
    assert violated.words == (
        "R7 the append is over 40 characters Seen 1 time, first in long/post-call: the append has 41 characters; "
        "40 are saved at most. What to change: Answer at most 40 Unicode code points. "
        "Of a longer append nothing is saved."
    )


def test_a_run_that_kept_the_contract_says_so_and_has_nothing_to_change() -> None:
    tree = read(page_of(play(a_call(), Scripted(always(SAVED)))))
    assert tree.one("h1").words == "The contract was kept"
    assert tree.all("ul", class_="wrongs") == []
    assert {each.attributes.get("class") for each in tree.one("dl", class_="figures").all("div")} == {None}


def test_a_scenario_that_ended_as_it_should_says_so_though_deliveries_were_given_up() -> None:
    tree = read(page_of(play(a_call(), Scripted(always(DOWN))), unexpected=[]))
    assert tree.one("h1").words == "The scenario ended as it should"
    assert [heading.words for heading in tree.all("h2")] == ["Figures", "The schedule", "Deliveries"]


def test_a_scenario_that_did_not_end_as_it_should_says_what_came_out_otherwise() -> None:
    tree = read(page_of(play(a_call(), Scripted(always(LONG))), unexpected=["given up: 0 of 1, expected: all"]))
    assert tree.one("h1").words == "The scenario did not end as it should"
    told = [each.one("h3").words for each in tree.one("ul", class_="wrongs").all("li")]
    assert told == ["given up: 0 of 1, expected: all", "the append is over 40 characters"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(fault=Refused()), "refused"),
        (Rule(fault=AnswerLost(), probability=0.25), "answer lost, with a probability of 0.25"),
        (Rule(fault=TlsFailure(), begin=HALF_HOUR), "tls failure, from 30 min on"),
        (Rule(fault=Refused(), begin=HALF_HOUR, end=timedelta(days=2)), "refused, from 30 min to 2 days"),
        (Rule(fault=Status(503), end=2 * HALF_HOUR), "status 503, until 1 h"),
        (Rule(fault=Status(502, before=True)), "status 502 in the endpoint's place"),
        (Rule(fault=Latency(1.5), first=2, last=3), "latency 1.5, attempts 2 to 3"),
        (Rule(fault=Reset(), first=2, event_type=EventType.SMS), "reset, attempts from 2 on, sms only"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_told_in_words(rule: Rule, told: str) -> None:
    assert fault_words(rule) == told


def test_the_header_has_the_url_the_settings_the_seed_and_the_simulated_time(key_pair: KeyPair) -> None:
    signer = Signer(key_pair.private.read_bytes(), digest="sha512")
    integration = Integration(url=URL, encoding="json", pre_call=True, signer=signer, timeout=timedelta(seconds=0.5))
    tree = read(page_of(play(a_call(), Scripted(at_attempt(3)), integration), integration=integration))
    header = tree.one("header")
    assert header.one("p", class_="url mono").words == URL
    facts = {each.one("dt").words: each.one("dd").words for each in header.one("dl").all("div")}
    assert facts == {
        "encoding": "JSON",
        "signed": "RSA, pkcs1v15, sha512, base64",
        "pre-call": "on",
        "after outbound calls": "off",
        "retry": "on",
        "wait for the recording": "off",
        "deadline of an attempt": "0.5 s",
        "seed": "7",
        "simulated time (UTC)": "Mon 2 Mar 09:00:00 to 10:00:00, 2026: 1 h",
    }


def test_the_figures_are_those_of_the_run(tree: Element) -> None:
    assert figures(tree) == {
        "calls": "4",
        "deliveries": "4",
        "attempts": "342",
        "delivered": "3",
        "given up": "1",
        "violations": "1",
        "appends saved": "2",
    }
    delivered_at, failed = tree.all("table", class_="counts")
    assert [cells(row)[:2] for row in delivered_at.all("tr")] == [["attempt 1", "2"], ["attempt 3", "1"]]
    assert [cells(row) for row in failed.all("tr")] == [["337", "connect"], ["2", "503 Service Unavailable"]]


def test_deliveries_with_trouble_come_first_each_with_its_attempts_outcome_and_append(tree: Element) -> None:
    assert [cells(delivery.all("tr")[0]) for delivery in deliveries(tree)] == [
        ["long/post-call", "Mon 2 Mar 09:00:00", "1", "broke the contract", "200 OK", "none"],
        ["down/post-call", "Mon 2 Mar 09:00:00", "337", "given up", "connect", "none"],
        ["later/post-call", "Mon 2 Mar 09:00:00", "3", "delivered later", "200 OK", "noted"],
        ["good/post-call", "Mon 2 Mar 09:00:00", "1", "delivered at once", "200 OK", "noted"],
    ]


def test_a_delivery_opens_to_its_attempts_those_alike_together(tree: Element) -> None:
    long, down, later, _ = deliveries(tree)
    assert lines(long) == [["1", "Mon 2 Mar 09:00:00", "200 OK", "0.000 s"]]
    assert long.one("p", class_="words").words == "R7: the append has 41 characters; 40 are saved at most"
    assert lines(down) == [
        ["1 to 337", "Mon 2 Mar 09:00:00 to Mon 9 Mar 09:00:00, every 30 min", "connect", "0.000 s"],
    ]
    assert "Given up: the retry window is over." in down.words
    assert lines(later) == [
        ["1 to 2", "Mon 2 Mar 09:00:00 to 09:30:00", "503 Service Unavailable", "0.000 s"],
        ["3", "Mon 2 Mar 10:00:00", "200 OK", "0.000 s"],
    ]


def test_of_a_delivery_whose_outcomes_keep_changing_the_middle_is_left_out() -> None:
    tree = read(page_of(play(a_call(), Scripted(lambda attempt: Answered(500 + attempt.number % 2)))))
    told = lines(deliveries(tree)[0])
    assert [line[0] for line in told] == [*map(str, range(1, 21)), "21 to 327", *map(str, range(328, 338))]
    assert told[20] == ["21 to 327", "", "307 more, by turns", ""]


def test_any_attempt_can_be_repeated_with_the_lines_for_its_request(tree: Element) -> None:
    for delivery in deliveries(tree):
        call = delivery.one("th", scope="row").words.partition("/")[0]
        command = delivery.one("pre").text
        assert command.startswith(f"curl {URL} --data 'start=2026-03-02+09%3A00%3A00&")
        assert f"&id={call}&" in command
        assert "To send it again:" in delivery.words


def test_a_delivery_that_waited_for_its_recording_says_so() -> None:
    call = a_call(recording_after=timedelta(minutes=12), recording_id="rec")
    held = Integration(url=URL, wait_for_recording=True, macro=macro.parse("r={recording_id}", recording=True))
    tree = read(page_of(play(call, Scripted(always(SAVED)), held)))
    assert "Held for its recording from Mon 2 Mar 09:00:00 for 12 min." in deliveries(tree)[0].words
    bar = tree.one("svg", class_="schedule").one("rect", class_="held")
    assert bar.words == "held for its recording for 12 min"
    assert "waits for its recording" in tree.one("ul", class_="legend").words


def test_a_change_of_the_settings_is_a_line_in_the_picture() -> None:
    engine = Engine(INTEGRATION)
    engine.place(a_call(duration=HALF_HOUR))
    engine.set_up(START + timedelta(minutes=5), Integration(url=URL, retry=False))
    tree = read(page_of(stream(engine, Scripted(always(SAVED)))))
    change = tree.one("svg", class_="schedule").one("line", class_="change")
    assert change.words == "Mon 2 Mar 09:05:00: settings changed: retry"


def test_a_run_that_was_stopped_shows_what_had_happened_by_then() -> None:
    happened = play([a_call("a"), a_call("b")], Scripted(lambda attempt: DOWN if attempt.delivery[0] == "a" else SAVED))
    tree = read(page_of(happened[:50], stopped=True))
    assert tree.one("header").words.startswith("A run of sender-sim, stopped before its end")
    assert [cells(each.all("tr")[0])[3] for each in deliveries(tree)] == ["not over", "delivered at once"]


def test_a_run_in_which_nothing_was_sent_has_a_page_without_a_picture() -> None:
    tree = read(page_of(play(a_call(direction=Direction.OUTBOUND), Scripted())))
    assert [heading.words for heading in tree.all("h2")] == ["Figures", "Deliveries"]
    assert "Nothing is sent for 1 call with these settings." in tree.words
    assert read(page_of([])).one("h1").words == "The contract was kept"


def test_of_a_delivery_that_began_before_the_page_listened_the_attempts_are_counted() -> None:
    happened = play(a_call(), Scripted(always(DOWN)))
    tree = read(page_of(happened[-30:]))
    assert figures(tree)["given up"] == "1"
    assert deliveries(tree) == []
    assert len(tree.one("svg", class_="schedule").all("rect")) > 0


def test_hostile_text_is_shown_as_text_wherever_it_comes_from() -> None:
    answers: list[Outcome] = [Answered(200, b'{"append": "<b>&amp;\\u202e\\ud83d"}'), Failed(Failure.TLS, HOSTILE)]
    happened = play(a_call(HOSTILE), Scripted(lambda attempt: answers[attempt.number % 2]))
    tree = read(page_of(happened, integration=Integration(url=f"https://e.example/{HOSTILE}")))
    [delivery] = deliveries(tree)
    shown = printable(HOSTILE)
    assert delivery.one("th", scope="row").text == f"{shown}/post-call"
    assert delivery.one("q").text == r"<b>&amp;\u202e\ud83d"
    assert f"tls: {shown}" in delivery.text
    assert tree.one("p", class_="url mono").text == f"https://e.example/{shown}"
    assert {element.tag for element in tree.descendants()}.isdisjoint(OUTSIDE | {"b"})
    assert {"\u202e", "\x1b", "\0"}.isdisjoint(tree.text)


BEFORE = play(a_call(), Scripted(always(DOWN)))[:4]


@given(st.text())
def test_any_append_is_shown_as_it_is_or_escaped(text: str) -> None:
    page = page_of([*BEFORE, events.AppendSaved(START, "a/post-call", "a", text)])
    page.encode("utf-8")
    [delivery] = deliveries(read(page))
    assert delivery.one("q").text == printable(text)
