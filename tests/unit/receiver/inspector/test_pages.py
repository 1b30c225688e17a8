"""The pages as a person reads them: the list, a delivery, a refusal; and what they show of numbers."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers

from receiver import handlers
from receiver.diagnosis import doctor
from receiver.event import CallEvent, EventType
from receiver.inspector import listing, pages
from receiver.router import Handler
from tests.calls import FORM, JSON, POST_CALL, SMS, form, json_text, signed_form
from tests.clock import Clock
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import change
from tests.unit.receiver.inspector.conftest import PASSWORD, Page, Visitor, application

NUMBERS = ("46701234567", "0701234567", "46812345678", "46850000000")
HOSTILE = "<script>alert(1)</script><b>'\"\u202egnp.exe\x00\x1b"


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], None]:
    """Put a handler for post-calls in the template's place."""
    return lambda handler: monkeypatch.setitem(handlers.on._handlers, EventType.POST_CALL, handler)


def fails(event: CallEvent) -> str:
    raise ValueError(f"no contact for {event.from_nr}")


def rows(page: Page) -> list[str]:
    """The rows of the list, in words."""
    found = re.findall(r"<tr data-key.*?</tr>", page.html, re.DOTALL)
    return [Page(200, Headers(), row).text for row in found]


def test_before_anything_has_come_the_page_says_what_to_do_in_setup(visitor: Visitor) -> None:
    page = visitor.get("/inspect")
    assert "Nothing has arrived yet" in page.text
    assert "Enter this URL in Kaisa's Setup: http://localhost/webhook" in page.text
    assert "Kaisa takes https only" in page.text
    assert "Anyone's data is accepted" in page.text
    assert "Send test request" in page.text


def test_the_url_to_enter_is_the_one_the_page_is_seen_under(inspected: dict[str, str], key_pair: KeyPair) -> None:
    trusting = {**inspected, "KAISA_ACCEPT_UNSIGNED": "", "KAISA_TRUSTED_KEYS": str(key_pair.public)}
    visitor = Visitor(application(trusting), scheme="https")
    visitor.log_in()
    page = visitor.get("/inspect")
    assert "https://localhost/webhook" in page.text
    assert "Kaisa takes https only" not in page.text
    assert "Include SSL signature with all requests" in page.text


def test_the_list_shows_what_came_and_what_became_of_it(visitor: Visitor) -> None:
    visitor.hook(form(POST_CALL))
    visitor.hook(json_text(SMS), JSON)
    visitor.hook(b"id=%zz")
    visitor.hook(b"id=%zz")
    refused, sms, call = rows(visitor.get("/inspect"))
    assert "refused" in refused
    assert "400 malformed-form 2 times '%' at byte 3 is not followed by two hex digits" in refused
    assert "sms call-1 +46*******67 → +46*******78 once" in sms
    assert "post-call call-1 +46*******67 → +46*******78 once answered, 42 s" in call


def test_filters_stand_in_the_address_and_in_the_form(visitor: Visitor) -> None:
    visitor.hook(form(POST_CALL))
    visitor.hook(form(SMS))
    page = visitor.get("/inspect?state=&event=sms&number=&text=+call+me+")
    assert page.place == "/inspect?text=call+me&event=sms"
    page = visitor.follow(page)
    assert len(rows(page)) == 1
    assert ("option", {"selected": None}) in page.tags
    assert [attributes["value"] for tag, attributes in page.tags if attributes.get("id") == "text"] == ["call me"]


def test_a_filter_that_cannot_be_read_is_told_beside_its_field_and_finds_nothing(visitor: Visitor) -> None:
    visitor.hook(form(POST_CALL))
    page = visitor.get("/inspect?since=yesterday")
    assert rows(page) == []
    assert "'yesterday' is neither ISO 8601" in page.text
    (field,) = [attributes for _, attributes in page.tags if attributes.get("id") == "since"]
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "problem-since")


def test_a_search_without_a_result_says_so_and_why(visitor: Visitor) -> None:
    visitor.hook(form(POST_CALL))
    assert "Nothing matches." in visitor.get("/inspect?text=nowhere").text
    page = visitor.get("/inspect?event=sms&code=not-utf-8")
    assert "only refusals have a code, and only deliveries a state, an event or a call id" in page.text


def test_a_long_list_goes_on_and_only_its_first_page_is_live(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing.find, "__kwdefaults__", {"limit": 2})
    for number in range(5):
        visitor.hook(form({**POST_CALL, "id": f"call-{number}"}))
    page = visitor.get("/inspect")
    seen = []
    while True:
        seen += re.findall(r"call-\d", " ".join(rows(page)))
        older = [link for link in page.links if "before=" in link]
        if not older:
            break
        page = visitor.get(older[0])
        assert "Older rows" in page.text
    assert seen == ["call-4", "call-3", "call-2", "call-1", "call-0"]
    assert "Nothing is older than that." in visitor.get("/inspect?before=2000-01-01T00:00:00.000000Z-d1").text


def test_a_live_page_is_answered_304_until_something_changes(visitor: Visitor) -> None:
    def ask(tag: str) -> Page:
        return visitor.get("/inspect", X_Inspector_Live="1", If_None_Match=tag)

    tag = visitor.get("/inspect").headers["ETag"]
    assert ask(tag).status == 304
    visitor.hook(form(POST_CALL))
    page = ask(tag)
    assert (page.status, len(rows(page))) == (200, 1)
    assert ask(page.headers["ETag"]).status == 304
    visitor.hook(form(POST_CALL))  # a duplicate is seen too
    assert ask(page.headers["ETag"]).status == 200
    assert visitor.get("/inspect?state=failed", X_Inspector_Live="1", If_None_Match=tag).status == 200


def test_a_page_that_is_up_to_date_costs_no_rendering(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = visitor.get("/inspect").headers["ETag"]
    monkeypatch.setattr(pages, "render_template", None)
    assert visitor.get("/inspect", X_Inspector_Live="1", If_None_Match=tag).status == 304


def test_an_open_page_of_a_delivery_reads_no_body_until_something_changes(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.hook(form(POST_CALL))
    tag = visitor.get("/inspect/deliveries/1").headers["ETag"]
    for name in ("report.of_delivery", "fields.typed", "curl.command"):
        monkeypatch.setattr(f"receiver.inspector.{name}", None)
    assert visitor.get("/inspect/deliveries/1", X_Inspector_Live="1", If_None_Match=tag).status == 304


def test_a_delivery_is_shown_with_its_report_its_fields_and_its_bytes(
    inspected: dict[str, str], key_pair: KeyPair
) -> None:
    trusting = {**inspected, "KAISA_ACCEPT_UNSIGNED": "", "KAISA_TRUSTED_KEYS": str(key_pair.public)}
    visitor = Visitor(application(trusting))
    visitor.log_in()
    assert visitor.hook(signed_form(POST_CALL, key_pair)) == 200
    page = visitor.get("/inspect/deliveries/1")
    for step in ("Envelope passed 'payload' of", "Signature and key passed", "Handler passed call_ended returned at"):
        assert step in page.text
    assert "start 2026-03-01 11:58:00 UTC 2026-03-01 11:58:00" in page.text
    assert "duration 42 seconds 42" in page.text
    assert "from_nr +46*******67 E.164 +46*******67" in page.text
    assert "answered yes yes or no 1" in page.text
    assert "event_type post-call event type 0" in page.text
    assert "publisher_id none" in page.text
    assert "recording_id not in the macro" in page.text
    assert '{"append": "answered, 42 s"}' in page.text
    assert "payload=start%3D" in page.text
    assert "Sent once with this content." in page.text
    assert "It would run call_ended." in page.text


def test_attempts_are_listed_with_the_time_between_them(visitor: Visitor, database: Path) -> None:
    visitor.hook(form(POST_CALL))
    seen = ("2026-03-01T12:00:00+00:00", "2026-03-01T12:30:01+00:00", "2026-03-03T13:30:01+00:00")
    change(database, f"UPDATE deliveries SET attempts = 405, seen = '{json.dumps(seen)}'")  # noqa: S608 - the test's own
    text = visitor.get("/inspect/deliveries/1").text
    assert "Sent 405 times with this content; the last 3 are kept." in text
    assert "403 2026-03-01 12:00:00Z 404 2026-03-01 12:30:01Z +30 min 1 s 405 2026-03-03 13:30:01Z +2 d 1 h" in text


def test_a_failed_handler_is_shown_with_its_traceback_and_what_comes_next(
    visitor: Visitor, handle: Callable[[Handler], None]
) -> None:
    handle(fails)
    visitor.hook(form(POST_CALL))
    page = visitor.get("/inspect/deliveries/1")
    assert "Traceback of the handler Traceback (most recent call last):" in page.text
    assert "ValueError: no contact for +46*******67" in page.text
    assert "None yet. Kaisa tries again about" in page.text


def test_what_was_purged_says_so(visitor: Visitor, database: Path) -> None:
    visitor.hook(form(POST_CALL))
    change(database, "UPDATE deliveries SET body = NULL, fields = NULL, wire_values = NULL, error = NULL, numbers = ''")
    page = visitor.get("/inspect/deliveries/1")
    assert page.status == 200
    assert page.text.count("purged or erased") >= 4
    assert "It would not be replayed: its content was purged or erased." in page.text
    assert "call-1" in " ".join(rows(visitor.get("/inspect")))


def test_a_macro_of_ones_own_shows_fields_under_the_names_they_were_sent_with(inspected: dict[str, str]) -> None:
    visitor = Visitor(application({**inspected, "KAISA_MACRO": "caller={from_nr}&ref=%23{id}&src=kaisa"}))
    visitor.log_in()
    visitor.hook(form({"caller": "070-123 45 67", "ref": "%237", "src": "kaisa", "more": '["a"]'}))
    page = visitor.get("/inspect/deliveries/1")
    assert "from_nr 070********67 as it was sent caller = 070********67" in page.text
    assert "id 7 text ref = 7" in page.text
    assert 'src kaisa more ["a"]' in page.text
    assert "more than it has: more" in page.text


def test_revisions_lead_to_each_other(visitor: Visitor) -> None:
    for channel in ("one", "two"):
        visitor.hook(form({**POST_CALL, "channel": channel}))
    assert "/inspect/deliveries/2" in visitor.get("/inspect/deliveries/1").links
    assert "/inspect/deliveries/1" in visitor.get("/inspect/deliveries/2").links
    assert "revision 2" in rows(visitor.get("/inspect"))[0]


def test_a_refusal_shows_where_it_stopped_and_what_to_change(visitor: Visitor) -> None:
    visitor.hook(b"caf%zz", FORM)
    page = visitor.get("/inspect/refusals/1")
    assert "400 malformed-form" in page.text
    assert "What to change send what the content type promises" in page.text
    assert "Envelope not applicable not reached: refused before" in page.text
    assert "caf%zz" in page.text
    assert "From 127.0.0.1" in page.text
    assert "Next attempt about" in page.text
    assert "Ask the doctor" in page.text


def test_the_doctor_looks_when_asked_with_the_settings_as_they_are(
    inspected: dict[str, str], key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    trusting = {**inspected, "KAISA_ACCEPT_UNSIGNED": "", "KAISA_TRUSTED_KEYS": str(key_pair.public)}
    visitor = Visitor(application(trusting))
    visitor.log_in()
    assert visitor.hook(signed_form(POST_CALL, other_key_pair)) == 403
    asked = "/inspect/refusals/1?diagnosis=run"
    page = visitor.get(asked)
    assert "A request like this is refused: signature failed." in page.text
    assert "another key made it" in page.text

    both = f"{key_pair.public},{other_key_pair.public}"
    visitor = Visitor(application({**trusting, "KAISA_TRUSTED_KEYS": both}))
    visitor.log_in()
    assert "is accepted with the settings as they are now. Kaisa's next attempt succeeds." in visitor.get(asked).text

    hexadecimal = {**trusting, "KAISA_TRUSTED_KEYS": both, "KAISA_SIGNATURE_ENCODING": "hex"}
    visitor = Visitor(application(hexadecimal))
    visitor.log_in()
    page = visitor.get(asked)
    assert "set KAISA_SIGNATURE_ENCODING=base64" in page.text
    assert "What verifies" in page.text


def test_one_diagnosis_at_a_time(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.hook(b"caf%zz", FORM)
    inner: list[Page] = []

    def diagnose(*_: object, **__: object) -> None:
        inner.append(visitor.get("/inspect/refusals/1?diagnosis=run"))
        raise RuntimeError("as if the doctor failed")

    with monkeypatch.context() as patch:
        patch.setattr(doctor, "diagnose", diagnose)
        assert visitor.get("/inspect/refusals/1?diagnosis=run").status == 500
    assert "Another diagnosis is being made" in inner[0].text
    assert "A request like this is refused" in visitor.get("/inspect/refusals/1?diagnosis=run").text


@pytest.mark.parametrize(
    "path", ["/inspect/deliveries/7", "/inspect/refusals/7", f"/inspect/deliveries/{2**63}", "/inspect/x/y"]
)
def test_what_is_not_there_is_told(visitor: Visitor, path: str) -> None:
    page = visitor.get(path)
    assert (page.status, "Nothing is here" in page.text) == (404, True)


def test_the_largest_id_is_one_to_look_for(visitor: Visitor) -> None:
    assert visitor.get(f"/inspect/deliveries/{2**63 - 1}").status == 404


@pytest.mark.parametrize(
    "asked", ["?view=hex", "?from=999999999", "?from=-5", "?from=x", "?view=hex&from=16", "?view=<b>"]
)
def test_every_window_of_the_bytes_has_an_address(visitor: Visitor, asked: str) -> None:
    visitor.hook(form({**POST_CALL, "details": "x" * 9_000}))
    page = visitor.get(f"/inspect/deliveries/1{asked}")
    assert page.status == 200
    assert "bytes," in page.text


def test_links_between_windows_keep_the_view(visitor: Visitor) -> None:
    visitor.hook(form({**POST_CALL, "details": "x" * 9_000}))
    page = visitor.get("/inspect/deliveries/1?view=hex&from=4096")
    assert {"/inspect/deliveries/1?view=hex#raw", "/inspect/deliveries/1?view=hex&from=8192#raw"} <= set(page.links)


def test_a_page_that_shows_numbers_knows_for_how_many_seconds(visitor: Visitor, now: Clock) -> None:
    def seconds() -> list[str | None]:
        return [given.get("data-shown") for tag, given in visitor.get("/inspect").tags if tag == "body"]

    assert seconds() == [None]
    visitor.submit(visitor.get("/inspect"), "/inspect/numbers", show="yes")
    assert seconds() in (["600"], ["601"])  # a fraction of a second is one more
    now.advance(timedelta(minutes=9))
    assert seconds() in (["60"], ["61"])


def test_no_page_shows_a_number_before_it_is_asked_for_and_only_that_page_then(visitor: Visitor, now: Clock) -> None:
    for body in (form(POST_CALL), json_text({**SMS, "details": "ring 070-123 45 67 or +46 8 123 456 78"})):
        visitor.hook(body, FORM if body.startswith(b"start") else JSON)
    visitor.hook(form({"payload": form(POST_CALL).decode()}) + b"&x=%zz")
    paths = [
        "/inspect",
        *(f"/inspect/deliveries/{number}{view}" for number in (1, 2) for view in ("", "?view=hex")),
        "/inspect/refusals/1",
        "/inspect/refusals/1?view=hex",
        "/inspect/refusals/1?diagnosis=run",
    ]

    def shown(path: str) -> bool:
        page = visitor.get(path)
        assert page.status == 200
        digits = re.sub(r"[^0-9]", "", re.sub(r"<[^>]+>", "", page.html))
        return any(number in digits for number in NUMBERS)

    assert [path for path in paths if shown(path)] == []
    page = visitor.get("/inspect/deliveries/1")
    answer = visitor.submit(page, "/inspect/numbers", show="yes")
    assert answer.place == "/inspect/deliveries/1"
    assert [path for path in paths if shown(path)] == ["/inspect/deliveries/1", "/inspect/deliveries/1?view=hex"]
    now.advance(timedelta(minutes=10))
    assert [path for path in paths if shown(path)] == []
    visitor.submit(visitor.get("/inspect?state=handled"), "/inspect/numbers", show="yes")
    assert [path for path in paths if shown(path)] == ["/inspect"]
    visitor.submit(visitor.get("/inspect"), "/inspect/numbers", show="no")
    assert [path for path in paths if shown(path)] == []


def test_the_command_can_be_copied_once_its_numbers_are_shown(visitor: Visitor) -> None:
    visitor.hook(form(POST_CALL))
    masked = visitor.get("/inspect/deliveries/1")
    assert "show the numbers to copy it" in masked.text
    assert "data-copy" not in masked.html
    visitor.submit(masked, "/inspect/numbers", show="yes")
    page = visitor.get("/inspect/deliveries/1")
    assert 'data-copy="curl"' in page.html
    assert f"--data-raw '{form(POST_CALL).decode()}'" in page.text


def test_a_live_page_masks_its_numbers_when_their_time_is_over(visitor: Visitor, now: Clock) -> None:
    visitor.hook(form(POST_CALL))
    visitor.submit(visitor.get("/inspect"), "/inspect/numbers", show="yes")
    page = visitor.get("/inspect")
    assert "+46701234567" in page.text
    now.advance(timedelta(minutes=11))
    again = visitor.get("/inspect", X_Inspector_Live="1", If_None_Match=page.headers["ETag"])
    assert (again.status, "+46701234567" in again.text) == (200, False)


def test_looking_writes_no_number_into_the_log(visitor: Visitor, log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    visitor.hook(form(POST_CALL))
    visitor.submit(visitor.get("/inspect/deliveries/1"), "/inspect/numbers", show="yes")
    visitor.get("/inspect/deliveries/1")
    visitor.get("/inspect?number=%2B46701234567&text=46701234567")
    visitor.get("/inspect/deliveries/46701234567")
    logged = str(log_lines())
    assert "inspector: numbers shown" in logged
    assert [number for number in NUMBERS if number in logged] == []


@pytest.mark.parametrize("name", list(POST_CALL))
def test_hostile_text_in_any_field_is_text_on_every_page(visitor: Visitor, name: str) -> None:
    visitor.hook(json_text({**POST_CALL, name: HOSTILE}), JSON)
    visitor.hook(json_text({**POST_CALL, HOSTILE: "x"}), JSON)
    visitor.hook(json_text({"id": HOSTILE})[:-1], JSON)
    addresses = {link for link in visitor.get("/inspect").links if re.search(r"/(deliveries|refusals)/", link)}
    assert len(addresses) >= 2
    for path in ("/inspect", *addresses, *(f"{each}?view=hex&diagnosis=run" for each in addresses)):
        page = visitor.get(path)
        assert page.status == 200
        assert "<script>alert" not in page.html
        assert "<b>'" not in page.html
        assert not {"\u202e", "\x00", "\x1b"} & set(page.html)
        assert all(attributes.get("src") for tag, attributes in page.tags if tag == "script")


def test_a_hostile_host_and_query_are_text_too(visitor: Visitor) -> None:
    page = visitor.get('/inspect?text="><script>alert(1)</script>&since=<b>x</b>')
    assert "<script>alert" not in page.html
    assert "<b>x" not in page.html


def test_pages_are_found_behind_a_prefix(app: Flask) -> None:
    """A proxy that serves it under a path of its own."""
    client = app.test_client()
    page = client.get("/inspect", environ_overrides={"SCRIPT_NAME": "/kaisa"}, buffered=True)
    assert page.headers["Location"] == "/kaisa/inspect/login?next=/kaisa/inspect"
    form = client.get("/inspect/login?next=/kaisa/inspect", environ_overrides={"SCRIPT_NAME": "/kaisa"}, buffered=True)
    token = re.findall(r'name="csrf" value="([^"]+)"', form.text)[0]
    assert 'action="/kaisa/inspect/login"' in form.text
    cookie = form.headers["Set-Cookie"]
    assert "Path=/kaisa/inspect" in cookie
    answer = client.post(
        "/inspect/login",
        data={"csrf": token, "password": PASSWORD, "next": "/kaisa/inspect"},
        environ_overrides={"SCRIPT_NAME": "/kaisa"},
        headers={"Cookie": cookie.partition(";")[0]},
        buffered=True,
    )
    assert answer.headers["Location"] == "/kaisa/inspect"
