"""C3, C11: the macro editor: what is used is green, what is unknown is marked, and the exact bytes are shown."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import wire
from receiver.wire import EventType
from sender_sim.console.draft import Draft
from sender_sim.console.preview import Preview, inserted, preview
from tests.openssl import KeyPair
from tests.unit.sender_sim.console.conftest import START, Console
from tests.unit.sender_sim.console.page import Page


def seen(macro: str, **draft: object) -> Preview:
    return preview(Draft(macro=macro, **draft), EventType.POST_CALL, START)  # type: ignore[arg-type] # any field


def test_the_palette_lists_every_macro_and_those_in_use_are_green() -> None:
    palette = seen("a={id}&b={duration}{id}&c=fsid").palette
    assert [chip.name for chip in palette] == [field.name for field in wire.FIELDS]
    assert [chip.name for chip in palette if chip.used] == ["duration", "id"]


def test_an_empty_macro_is_kaisas_default_and_its_macros_are_used() -> None:
    unused = [chip.name for chip in seen("").palette if not chip.used]
    assert unused == ["recording_id"]


def test_used_macros_stay_green_while_there_are_mistakes() -> None:
    assert [chip.name for chip in seen("a={id}&b={nope}&c").palette if chip.used] == ["id"]


def test_the_recording_can_be_inserted_only_while_post_calls_wait_for_it() -> None:
    for waits in (False, True):
        assert seen("a={id}", wait_for_recording=waits).palette[-1].available is waits


def test_what_is_wrong_is_marked_where_it_stands_and_what_was_meant_is_offered() -> None:
    shown = seen("a={id}\n&b={form_nr}&c={x}}")
    assert [(mark.text, mark.kind) for mark in shown.marks] == [
        ("a=", "plain"),
        ("{id}", "known"),
        ("\n&b=", "plain"),
        ("{form_nr}", "wrong"),
        ("&c=", "plain"),
        ("{x}}", "wrong"),
    ]
    assert [(each.line, each.column, each.instead) for each in shown.problems] == [
        (2, 4, "from_nr"),
        (2, 16, ""),
        (2, 19, ""),
    ]


@given(text=st.text(alphabet="ab={}&\n\r\t _idåx👍", max_size=40))
def test_the_marks_are_the_text_whatever_it_holds(text: str) -> None:
    shown = seen(text)
    assert "".join(mark.text for mark in shown.marks) == (text or wire.DEFAULT_MACRO)
    assert bool(shown.problems) is (shown.request is None)


def test_the_exact_bytes_are_shown_as_form_and_as_json() -> None:
    assert seen("n={from_nr}&t=%{details}").request_body == b"n=%2B46701740605&t=%25Test+request"
    assert seen("n={from_nr}&t={id}", json=True).request_body == b'{"n":"+46701740605","t":"test-request"}'


def test_the_exact_bytes_are_shown_signed(key_pair: KeyPair) -> None:
    shown = seen("n={id}", sign=True, key=str(key_pair.private))
    payload = b"n=test-request"
    assert shown.payload == payload
    sign = quote_plus(key_pair.sign_base64(payload))
    assert shown.request_body == f"payload=n%3Dtest-request&sign={sign}".encode()


def test_a_key_that_cannot_sign_leaves_the_bytes_unsigned_and_says_why() -> None:
    shown = seen("n={id}", sign=True, key="/nowhere.key")
    assert shown.request_body == b"n=test-request"
    assert shown.unsigned.startswith("/nowhere.key cannot be read: No such file or directory")


def test_a_url_that_is_wrong_does_not_keep_the_bytes_from_being_shown(key_pair: KeyPair) -> None:
    assert seen("n={id}", url="nonsense", sign=True, key=str(key_pair.private)).payload == b"n=test-request"


@pytest.mark.parametrize(("event_type", "expected"), [(EventType.POST_CALL, b"rec-test-request"), (EventType.SMS, b"")])
def test_the_sample_has_a_recording_where_it_can_have_one(event_type: EventType, expected: bytes) -> None:
    shown = preview(Draft(macro="r={recording_id}", wait_for_recording=True), event_type, START)
    assert shown.request_body == b"r=" + expected


def test_the_script_is_given_what_it_puts_in_place(console: Console) -> None:
    answer = console.send("/setup/preview", macro="a={form_nr}", event="sms")
    page = Page(answer.text)
    assert [page[name].tag for name in ("marks", "lint", "palette", "sent", "saved")] == [
        "div",
        "div",
        "ul",
        "div",
        "span",
    ]
    [button] = page["lint"].all("button")
    assert (button["data-line"], button["data-column"], button["data-instead"]) == ("1", "3", "from_nr")
    assert console.simulation.saved is None


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("a={id}", "a={id}&channel={channel}"),
        ("a={id}&", "a={id}&channel={channel}"),
        ("", f"{wire.DEFAULT_MACRO}&channel={{channel}}"),
    ],
)
def test_without_a_script_a_macro_is_inserted_as_a_pair_at_the_end(macro: str, expected: str, console: Console) -> None:
    assert inserted(macro, "channel") == expected
    page = console.post("/setup", action="insert:channel", macro=macro)
    assert page["macro"].raw == f"\n{expected}"


def test_without_a_script_the_default_is_there_to_be_edited(console: Console) -> None:
    page = console.post("/setup", action="default")
    assert page["macro"].raw == f"\n{wire.DEFAULT_MACRO}"
    assert [each.text for each in page["lint"].all("p")] == ["The macro is good."]


def test_a_macro_that_is_none_is_not_inserted(console: Console) -> None:
    assert console.post("/setup", action="insert:<b>", macro="a={id}")["macro"].raw == "\na={id}"
