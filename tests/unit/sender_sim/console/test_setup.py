"""C2-C9: the settings form, with its mistakes beside their fields; what is saved is what is sent."""

import os
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from receiver import wire
from sender_sim import settings
from sender_sim.console.access import Access
from sender_sim.console.draft import SWITCHES, TEXTS, Draft
from tests.openssl import KeyPair
from tests.unit.sender_sim.console.conftest import START, URL, Console, Endpoint
from tests.unit.sender_sim.console.page import Page


@pytest.fixture
def approved(console: Console) -> Console:
    console.post("/workflows/request")
    console.post("/workflows/approve")
    return console


def test_every_setting_of_the_contract_has_its_field(approved: Console) -> None:
    page = approved.get("/setup")
    in_a_file = set(settings._FILE.load_fields) - {"active", "timeout", "signature"}
    for name in in_a_file | set(settings._SIGNATURE.load_fields):
        assert page[name]["name"] == name
        assert page.root.all("label", **{"for": name})


def test_the_form_stands_as_it_was_saved_and_says_so(approved: Console, key_pair: KeyPair) -> None:
    form = {"url": URL, "macro": "a={id}\r\n&b={event_type}", "json": "on", "pre_call": "on", "sign": "on"}
    page = approved.post("/setup", action="save", key=str(key_pair.private), digest="sha512", **form)
    assert "Saved. Data flows once the integration is activated." in page.text
    assert page["saved"].text == f"Saved {START:%a} 2 Mar 09:00:00"
    assert page["url"]["value"] == URL
    assert page["macro"].raw == "\na={id}\n&b={event_type}"
    assert [name for name in SWITCHES if "checked" in page[name]] == ["json", "pre_call", "sign"]
    assert [each.text for each in page["digest"].all("option") if "selected" in each] == ["sha512"]


def test_every_mistake_stands_beside_its_field_and_nothing_is_saved(approved: Console, tmp_path: Path) -> None:
    bad = {"url": "http://endpoint.example/", "macro": "a={form_nr}", "sign": "on", "key": str(tmp_path / "none.key")}
    page = approved.post("/setup", action="activate", digest="md5", padding="pss", encoding="hex", **bad)
    assert "Nothing was saved: 4 fields need a change" in page.text
    assert page.described("url").startswith("'http://endpoint.example/' is http; Kaisa posts to https only")
    assert page.described("key").startswith(f"{tmp_path / 'none.key'} cannot be read: No such file or directory")
    assert page.described("digest") == "'md5' is none of sha256, sha384, sha512, sha1"
    assert page.described("macro").startswith("The macro has 1 mistake, listed below it.")
    assert "unknown macro {form_nr}; did you mean {from_nr}?" in page["lint"].text
    assert [each["id"] for each in page.root.all(**{"aria-invalid": "true"})] == ["url", "macro", "key", "digest"]
    assert page["saved"].text == "Not saved"
    assert (page["url"]["value"], page["macro"].raw) == (bad["url"], "\na={form_nr}")
    assert approved.simulation.saved is None
    assert "approved" in approved.get("/workflows").text


def test_an_empty_form_says_what_is_missing(approved: Console) -> None:
    page = approved.post("/setup", action="save", sign="on")
    assert page.described("url").startswith("is not set; give the endpoint's https URL")
    assert page.described("key").startswith("is not set; name the private key (PEM) to sign with")


def test_mistakes_have_an_address_that_can_be_shared(approved: Console) -> None:
    answer = approved.send("/setup", action="save", url="ftp://x", json="on")
    assert answer.status_code == 302
    assert "token" not in answer.headers["Location"]
    page = approved.get(answer.headers["Location"])
    assert page.described("url").startswith("'ftp://x' is not a webhook URL")
    assert "checked" in page["json"]


def test_a_draft_has_an_address_and_is_not_what_is_saved(active: Console) -> None:
    page = active.post("/setup", action="check", url="https://other.example/", retry="on", pre_call="on")
    assert page["saved"].text == "Not saved: url, pre_call"
    address = page["sent"].all("a")[0]["href"]
    assert active.get(address)["url"]["value"] == "https://other.example/"
    assert active.get("/setup")["url"]["value"] == URL


def test_a_draft_survives_its_address() -> None:
    draft = Draft(url="https://x/?a=1&b=å", macro="a={id}\n&b=%+ 👍", json=True, retry=False, sign=True, key="k e y")
    query = dict(parse_qsl(urlencode(draft.as_query()), keep_blank_values=True))
    assert Draft.from_form(query) == draft


def test_the_form_is_first_filled_with_a_settings_file(tmp_path: Path, endpoint: Endpoint) -> None:
    signature = {"key": "my.key", "digest": "sha1"}
    first = Draft.from_settings({"url": URL, "json": True, "retry": False, "timeout": 3, "signature": signature})
    assert first == Draft(url=URL, json=True, retry=False, sign=True, key="my.key", digest="sha1")
    console = Console(tmp_path / "console.sqlite3", endpoint, Access(), first=first)
    page = console.get("/setup")
    assert (page["url"]["value"], page["key"]["value"], "checked" in page["json"]) == (URL, "my.key", True)
    assert page["saved"].text == "Never saved"
    console.close()


def test_a_signature_that_is_switched_off_keeps_its_fields_and_signs_nothing(active: Console) -> None:
    page = active.post("/setup", action="save", url=URL, key="/nowhere.key", padding="pss")
    assert page["key"]["value"] == "/nowhere.key"
    active.place()
    active.go("end")
    assert b"payload=" not in active.endpoint.sent[-1].request.body


def test_what_is_saved_is_what_is_sent(active: Console, key_pair: KeyPair) -> None:
    form = {"url": "https://new.example/", "macro": "who={from_nr}&kind={event_type}", "json": "on", "sign": "on"}
    active.post("/setup", action="save", key=str(key_pair.private), **form)
    active.place(from_nr="+46701740605")
    active.go("end")
    [attempt] = active.endpoint.sent
    payload = b'{"who":"+46701740605","kind":"0"}'
    assert attempt.request.url == "https://new.example/"
    assert attempt.request.content_type == "application/json"
    assert attempt.request.body == (
        b'{"payload":"{\\"who\\":\\"+46701740605\\",\\"kind\\":\\"0\\"}","sign":"'
        + key_pair.sign_base64(payload).encode()
        + b'"}'
    )


def test_a_delivery_keeps_the_settings_it_was_born_with(active: Console) -> None:
    active.place(trouble="refused", trouble_attempts="1")
    active.go("next")
    active.post("/setup", action="save", url="https://new.example/", retry="on")
    active.go("end")
    assert [attempt.request.url for attempt in active.endpoint.sent] == [URL]


def test_earlier_settings_are_listed_with_what_changed(active: Console) -> None:
    active.post("/setup", action="save", url=URL, retry="on", json="on", wait_for_recording="on")
    rows = [[cell.text for cell in row.all("td")] for row in active.get("/setup").root.all("tr")]
    assert [f"{START:%a} 2 Mar 09:00:00", "yes", URL, "json, wait_for_recording"] in rows
    assert [f"{START:%a} 2 Mar 09:00:00", "yes", URL, "the first"] in rows


def test_http_is_permitted_to_this_machine_if_it_was_asked_for(tmp_path: Path, endpoint: Endpoint) -> None:
    console = Console(tmp_path / "console.sqlite3", endpoint, Access(), allow_http=True)
    assert "Saved, and active" in console.activate(url="http://127.0.0.1:8000/webhook").text
    console.close()


def test_the_names_of_a_draft_are_those_of_the_form() -> None:
    assert set(asdict(Draft())) == {*SWITCHES, *TEXTS}


HOSTILE = "</textarea><script>alert(1)</script>\"'&amp;{\N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text_in_any_field_is_text(approved: Console, name: str) -> None:
    page: Page = approved.post("/setup", action="save", **{"url": URL, "sign": "on", name: HOSTILE})
    assert [each["src"] for each in page.root.all("script")] == ["/assets/console.js"]
    shown = page[name]
    assert HOSTILE in (shown.raw, shown.raw.removeprefix("\n"), shown["value"]) or HOSTILE in shown.text
    assert wire.DEFAULT_MACRO in page["macro"]["placeholder"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/dev/zero", "/dev/zero is no file; name the private key (PEM)"),
        ("{folder}", "{folder} is no file; name the private key (PEM)"),
        ("{folder}/pipe", "{folder}/pipe is no file; name the private key (PEM)"),
        ("{folder}/long", "{folder}/long has over 65,536 bytes, which no key has"),
        ("{folder}/a\0b", "is no name of a file"),
        ("{folder}/" + "x" * 5_000, "cannot be read: File name too long"),
    ],
)
def test_whatever_a_form_names_as_its_key_the_console_is_not_held_up(
    approved: Console, tmp_path: Path, name: str, told: str
) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it: who opens it waits for ever
    (tmp_path / "long").write_bytes(b"x" * 65_537)
    key = name.format(folder=tmp_path)
    page = approved.post("/setup", action="save", url=URL, sign="on", key=key)
    assert told.format(folder=tmp_path) in page.described("key")
    assert "Shown without a signature" in page.text


@pytest.mark.parametrize("action", ["save", "check", "insert:id"])
def test_a_form_that_is_too_long_for_an_address_is_shown_at_once(approved: Console, action: str) -> None:
    macro = "a={id}&b=" + "å" * 30_000  # six bytes each in an address
    answer = approved.send("/setup", action=action, url="http://wrong.example/", macro=macro)
    page = Page(answer.text)
    assert answer.status_code == 200
    assert "å" * 30_000 in page["macro"].raw
    assert page["url"]["value"] == "http://wrong.example/"
    assert ("aria-invalid" in page["url"]) is (action == "save")
