"""Calls are placed as the form says, and are listed with what became of them."""

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from sender_sim.console.trouble import TROUBLES
from sender_sim.core.call import Direction, Kind
from sender_sim.core.outcome import Answered
from tests.unit.sender_sim.console.conftest import START, Console
from tests.unit.sender_sim.console.page import Page


def listed(page: Page) -> list[str]:
    """The calls of the list, by their kind and standing."""
    return [
        f"{call.all('a')[0].text[1:].split()[0]} {call.all('span', class_='chip')[0].text}"
        for call in page.root.all("article", class_="call")
    ]


def test_a_call_is_placed_as_the_form_says(active: Console) -> None:
    call = active.place(
        kind="outbound", duration="61", recording="after", recording_after="2.5", from_nr="+46701740605", to_nr="+4612"
    ).facts
    assert (call.kind, call.direction, call.answered) == (Kind.VOICE, Direction.OUTBOUND, True)
    assert (call.start, call.duration) == (START, timedelta(seconds=61))
    assert call.recording_after == timedelta(minutes=2.5)
    assert (call.details["from_nr"], call.details["to_nr"]) == ("+46701740605", "+4612")


def test_what_is_left_empty_is_made_up(active: Console) -> None:
    details = active.place().facts.details
    assert details["from_nr"].startswith("+4")
    assert details["channel"]


def test_a_call_that_nobody_answers_and_nobody_records(active: Console) -> None:
    fields = {"kind": "inbound", "duration": "20", "recording": "never", "recording_after": "nonsense"}
    active.post("/calls", **fields)
    active.go("end")
    [call] = active.simulation.book.calls.values()
    assert (call.facts.answered, call.facts.recording_after) == (False, None)
    [attempt] = active.endpoint.sent
    sent = dict(parse_qsl(attempt.request.body.decode(), keep_blank_values=True))
    assert (sent["answered"], sent["duration"], sent["event_type"]) == ("0", "20", "0")


def test_an_sms_is_sent_at_once_with_its_text(active: Console) -> None:
    page = active.post("/calls", kind="sms", text="Är ni öppna?\r\n👍", duration="not asked for")
    assert "delivered" in page.text
    [attempt] = active.endpoint.sent
    assert dict(parse_qsl(attempt.request.body.decode()))["details"] == "Är ni öppna?\n👍"


def test_every_mistake_in_the_form_stands_beside_its_field_and_has_an_address(active: Console) -> None:
    page = active.post(
        "/calls",
        kind="inbound",
        duration="1e3",
        recording="after",
        recording_after="-1",
        trouble="refused",
        trouble_attempts="338",
        text="x" * 2_001,
        from_nr="kept",
    )
    assert page.described("duration") == "must be a whole number of seconds from 0 to 86400"
    assert page.described("recording_after") == "must be a number of minutes from 0 to 10080"
    assert page.described("trouble_attempts").endswith("must be a whole number of attempts from 0 to 337")
    assert page.described("text") == "has 2001 characters; 2000 are the most"
    assert page["from_nr"]["value"] == "kept"
    assert "Nothing was placed." in page.text
    assert not active.simulation.book.calls


def test_an_order_that_is_too_long_for_an_address_is_shown_at_once(active: Console) -> None:
    answer = active.send("/calls", kind="sms", text="å" * 30_000)
    page = Page(answer.text)
    assert (answer.status_code, page["text"].raw.strip()) == (200, "å" * 30_000)
    assert page.described("text") == "has 30000 characters; 2000 are the most"
    assert not active.simulation.book.calls


@pytest.mark.parametrize("number", ["9" * 300, "9" * 400, "inf", "-inf", "nan", "1e400"])
@pytest.mark.parametrize("field", ["duration", "recording_after", "trouble_attempts"])
def test_a_number_that_is_beyond_all_time_is_told_beside_its_field(active: Console, field: str, number: str) -> None:
    form = {"kind": "inbound", "duration": "1", "recording": "after", "recording_after": "1"}
    page = active.post("/calls", **form | {"trouble": "tls", "trouble_attempts": "1"} | {field: number})
    assert "must be a " in page.described(field)
    assert not active.simulation.book.calls


@pytest.mark.parametrize(("field", "value"), [("kind", "fax"), ("trouble", "flood")])
def test_a_choice_that_is_none_is_told(active: Console, field: str, value: str) -> None:
    form = {"kind": "inbound", "duration": "1", "recording": "never", "trouble": "", "trouble_attempts": "1"}
    assert "is none of" in active.post("/calls", **form | {field: value}).text


@pytest.mark.parametrize("count", ["501", "-1", "ten", "", "9" * 400])
def test_so_many_made_up_calls_are_not_placed(active: Console, count: str) -> None:
    page = active.post("/calls", count=count)
    assert page.described("count") == "must be a whole number of calls from 0 to 500"
    assert not active.simulation.book.calls


def test_made_up_calls_happen_one_after_the_other(active: Console) -> None:
    active.post("/calls", count="25")
    page = active.get("/calls?standing=to+come")
    assert len(listed(page)) > 10
    active.go("end")
    book = active.simulation.book
    assert len(book.calls) == 25
    assert {str(call.standing) for call in book.calls.values()} <= {"delivered", "nothing sent"}
    assert len(listed(active.get("/calls"))) == 20
    assert len(listed(active.get("/calls?page=2"))) == 5


def test_the_append_is_shown_with_the_call_and_with_the_delivery(active: Console) -> None:
    active.endpoint.script = lambda _: Answered(200, '{"append": "åäö <b>👍"}'.encode())
    call = active.place()
    active.go("end")
    for address in ("/calls", f"/calls/{call.facts.id}", f"/deliveries/{call.facts.id}/post-call"):
        [append] = active.get(address).root.all(class_="append")
        assert append.text.removeprefix("saved: ") == "åäö <b>👍"


def test_an_append_that_is_no_text_is_written_out(active: Console) -> None:
    active.endpoint.script = lambda _: Answered(200, b'{"append": "\\ud800"}')
    call = active.place()
    active.go("end")
    for address in ("/calls", f"/calls/{call.facts.id}", f"/deliveries/{call.facts.id}/post-call", "/journal"):
        assert "\\ud800" in active.get(address).main().text


def test_an_empty_append_is_shown_as_one(active: Console) -> None:
    active.endpoint.script = lambda _: Answered(200, b'{"append": ""}')
    active.place()
    active.go("end")
    assert "(empty)" in active.get("/calls").text


def test_an_answer_that_breaks_the_contract_is_told_with_the_delivery(active: Console) -> None:
    active.endpoint.script = lambda _: Answered(200, b'{"append": "' + b"x" * 41 + b'"}')
    call = active.place()
    active.go("end")
    page = active.get(f"/deliveries/{call.facts.id}/post-call")
    assert "Attempt 1: the answer breaks R7: the append has 41 characters; 40 are saved at most" in page.text
    assert "The answer asked to save nothing." in page.text


@pytest.mark.parametrize("trouble", sorted(set(TROUBLES) - {"dripping", "latency"}))
def test_what_goes_wrong_goes_wrong_as_often_as_was_asked_for(active: Console, trouble: str) -> None:
    call = active.place(trouble=trouble, trouble_attempts="2")
    active.endpoint.script = lambda attempt: Answered(200 if b"duration=95" in attempt.request.body else 403)
    active.go("end")
    assert [each.success for each in active.delivery(call).tries] == [False, False, True]
    assert f"{TROUBLES[trouble]}, at the first 2 attempts" in active.get(f"/calls/{call.facts.id}").text


def test_a_trouble_can_last_for_every_attempt(active: Console) -> None:
    call = active.place(trouble="refused", trouble_attempts="0")
    active.go("end")
    assert active.endpoint.sent == []
    assert len(active.delivery(call).tries) == 337
    page = active.get(f"/deliveries/{call.facts.id}/post-call")
    assert "Given up at Mon 9 Mar 09:01:35: the retry window is over." in page.text


def test_there_is_nothing_to_tamper_with_in_a_macro_without_the_duration(active: Console) -> None:
    active.post("/setup", action="save", url="https://x.example/", macro="id={id}")
    call = active.place(trouble="tampered", trouble_attempts="1")
    active.go("end")
    assert [each.success for each in active.delivery(call).tries] == [True]


def test_the_list_is_filtered(active: Console) -> None:
    active.place(from_nr="+46701111111")
    active.place(kind="outbound")
    active.post("/calls", kind="sms", text="Hej")
    active.go("end")
    assert listed(active.get("/calls")) == ["SMS delivered", "Outbound nothing sent", "Inbound delivered"]
    assert listed(active.get("/calls?which=outbound")) == ["Outbound nothing sent"]
    assert listed(active.get("/calls?standing=nothing+sent")) == ["Outbound nothing sent"]
    assert listed(active.get("/calls?q=701111111")) == ["Inbound delivered"]
    assert len(listed(active.get("/calls?q=noted"))) == 2
    assert "None of the 3 calls is as you asked." in active.get("/calls?q=nowhere").text


def test_of_a_call_that_is_under_way_it_is_told_that_nothing_will_be_sent(active: Console) -> None:
    active.place(kind="outbound")
    page = active.get("/calls").text
    assert "Nothing will be sent when it ends" in page
    assert "Enable after outbound call" in page
    assert "the post-call follows" not in page


def test_an_empty_list_says_what_to_do(console: Console) -> None:
    assert "No call has happened yet. The integration is available" in console.get("/calls").text
    console.activate()
    assert "Place one with the form" in console.get("/calls").text


def test_what_is_not_there_is_told(active: Console) -> None:
    call = active.place()
    active.go("end")
    name = f"{call.facts.id}/post-call"
    assert "there is no call nobody" in active.get("/calls/nobody", status=404).text
    assert "there is no delivery nobody/sms" in active.get("/deliveries/nobody/sms", status=404).text
    assert f"there is no attempt 2 of {name}" in active.get(f"/deliveries/{name}?attempt=2", status=404).text


def test_a_call_says_what_comes_next_and_when(active: Console) -> None:
    active.post("/setup", action="save", url="https://x.example/", retry="on", wait_for_recording="on")
    call = active.place(recording="after", recording_after="12")
    name = call.facts.id

    def coming() -> list[str]:
        return [each.text for each in active.get(f"/calls/{name}")["main"].all("ol", class_="coming")[0].all("li")]

    assert coming() == ["in 1 min 35 s the call ends Mon 2 Mar 09:01:35"]
    active.go("next")
    assert coming() == [
        "in 12 min its recording is found Mon 2 Mar 09:13:35",
        "in 30 min the wait for a recording is over Mon 2 Mar 09:31:35",
    ]
    assert "until Mon 2 Mar 09:31:35 at the latest (in 30 min)" in active.get(f"/deliveries/{name}/post-call").text
    active.go("next")
    assert "found at Mon 2 Mar 09:13:35" in active.get(f"/calls/{name}").text
    assert "delivered" in active.get(f"/calls/{name}").text


def test_a_delivery_shows_every_attempt_and_its_bytes(active: Console) -> None:
    answers = {1: Answered(503, b"later"), 2: Answered(503, b"later"), 3: Answered(500, b"worse")}
    active.endpoint.script = lambda attempt: answers.get(attempt.number, Answered(200, b"{}", (("X-Mark", "4"),)))
    call = active.place(from_nr="+46701740605")
    active.go("end")
    name = f"/deliveries/{call.facts.id}/post-call"
    page = active.get(name)
    rows = [[cell.text for cell in row.all("td")] for row in page.root.all("table", class_="list")[0].all("tr")]
    assert [row[:3] for row in rows if row] == [
        ["1, 2", "Mon 2 Mar 09:01:35 to Mon 2 Mar 09:31:35", "503 Service Unavailable"],
        ["3", "Mon 2 Mar 10:01:35", "500 Internal Server Error"],
        ["4", "Mon 2 Mar 10:31:35", "200 OK"],
    ]
    assert "Delivered at attempt 4, 1 h 30 min after the first" in page.text
    assert "X-Mark: 4" in page.text
    assert active.endpoint.sent[0].request.body.decode() in [each.raw for each in page.root.all("pre")]
    assert "worse" in [each.raw for each in active.get(f"{name}?attempt=3").root.all("pre")]
    shown = page.root.all("table", class_="pairs")[0].all("tr")[1:]
    decoded = {row.all("th")[0].text: row.all("td")[0].text for row in shown}
    assert (decoded["from_nr"], decoded["duration"], decoded["answered"]) == ("+46701740605", "95", "1")
    assert any("curl" in each.raw for each in page.root.all("pre"))


def test_hostile_text_of_a_call_is_text(active: Console) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'{{ 7 * 7 }}"
    call = active.place(from_nr=hostile, text=hostile)
    active.go("end")
    for address in ("/calls", f"/calls/{call.facts.id}", f"/deliveries/{call.facts.id}/post-call", "/journal"):
        page = active.get(address)
        assert not page.main().all("img")
        assert address == "/journal" or hostile in page.main().text
