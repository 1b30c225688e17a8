"""The inspector as a person uses it, clicked through in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_httpserver import HTTPServer

from tests.browser.conftest import Open, Watch, no_reload
from tests.browser.inspected import HANDLERS, IN_BACKGROUND, PASSWORD, Inspected, running, working
from tests.calls import JSON, POST_CALL, SMS, form, json_text, signed_form
from tests.openssl import KeyPair

NUMBER = "+46701234567"
MASKED = "+46*******67"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202egnp.exe\x1b[31m &amp; {{7*7}}"
# Fields that hold any text.
FREE = (
    *("from_nr", "to_nr", "end_nr", "from_nr_area", "channel", "publisher_id", "campaign_id", "referrer", "url"),
    *("details", "custnr", "id", "fsid"),
)


@pytest.fixture
def inspected(tmp_path: Path, free_port: int) -> Iterator[Inspected]:
    """It accepts unsigned data."""
    with running(tmp_path, free_port, {"KAISA_ACCEPT_UNSIGNED": "true"}) as receiver:
        yield receiver


@pytest.fixture
def inbox(inspected: Inspected, page: Page) -> Page:
    """The list, logged in."""
    inspected.log_in(page)
    return page


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def test_the_password_opens_the_page_that_was_asked_for(inspected: Inspected, page: Page, watch: Watch) -> None:
    watch.expect("status of 403")
    inspected.hook(form(POST_CALL))
    page.goto(f"{inspected.inspector}/deliveries/1")
    expect(page).to_have_title("Log in · Kaisa receiver")
    page.get_by_label("Password").fill("not it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is not the password.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{inspected.inspector}/deliveries/1")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_focused()
    page.goto(inspected.inspector)
    expect(page.get_by_label("Password")).to_be_visible()


def test_an_empty_inbox_says_what_to_enter_in_setup_and_fills_by_itself(
    inspected: Inspected, open_window: Open
) -> None:
    page = open_window(permissions=["clipboard-read", "clipboard-write"])
    inspected.log_in(page)
    expect(page.get_by_role("heading", name="Nothing has arrived yet")).to_be_visible()
    page.get_by_role("button", name="Copy the URL").click()
    expect(page.locator("#news")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{inspected.base}/webhook"
    with no_reload(page):
        inspected.hook(form(POST_CALL))
        expect(row(page, "call-1")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing has arrived yet")).to_have_count(0)


def test_the_list_is_live_and_keeps_what_a_reader_holds_on_to(inspected: Inspected, inbox: Page) -> None:
    inspected.hook(form(POST_CALL))
    link = inbox.get_by_role("link", name="call-1")
    link.focus()
    with no_reload(inbox):
        inspected.hook(form({**SMS, "id": "call-2"}))
        expect(inbox.locator("#news")).to_have_text("One new row")
        expect(inbox.get_by_role("row").nth(1)).to_contain_text("call-2")
        inspected.hook(b"id=%zz")
        expect(inbox.get_by_role("row").nth(1)).to_contain_text("malformed-form")
        inspected.hook(form(POST_CALL))  # the same content again: its row moves up
        expect(inbox.get_by_role("row").nth(1)).to_contain_text("2 times")
        expect(inbox.get_by_role("row").nth(1)).to_contain_text("call-1")
    expect(link).to_be_focused()
    expect(inbox.get_by_role("link", name="refused 1")).to_be_visible()


def test_a_paused_list_stands_still_until_it_is_to_go_on(inspected: Inspected, inbox: Page, watch: Watch) -> None:
    inbox.get_by_role("link", name="Pause").click()
    expect(inbox).to_have_url(f"{inspected.inspector}?live=off")
    asked = len(watch.asked)
    inspected.hook(form(POST_CALL))
    inbox.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # what makes a live page ask at once
    inbox.evaluate("fetch('/inspect?text=a+request+that+comes+after')")
    expect(inbox.get_by_role("heading", name="Nothing has arrived yet")).to_be_visible()
    lists = [url for url in watch.asked[asked:] if urlsplit(url).path == "/inspect"]  # the icon may come late
    assert [url for url in lists if "that+comes+after" not in url] == []
    inbox.get_by_role("link", name="Go on").click()
    expect(row(inbox, "call-1")).to_be_visible()


def test_a_filtered_list_has_an_address_that_shows_another_person_the_same(
    inspected: Inspected, inbox: Page, open_window: Open
) -> None:
    for number in range(3):
        inspected.hook(form({**POST_CALL, "id": f"call-{number}", "details": f"order {number}"}))
        inspected.hook(form({**SMS, "id": f"text-{number}", "details": f"order {number}"}))
    inbox.get_by_label("Text").fill("Order 1")
    inbox.get_by_label("Event").select_option("sms")
    inbox.get_by_label("Phone number").fill("0046 70 123 45 67")
    inbox.get_by_label("Phone number").press("Enter")
    expect(inbox).to_have_url(f"{inspected.inspector}?text=Order+1&event=sms&number=0046+70+123+45+67")
    expect(inbox.get_by_role("row")).to_have_count(2)
    expect(row(inbox, "text-1")).to_be_visible()

    other = open_window()
    inspected.log_in(other, inbox.url.removeprefix(inspected.inspector))
    expect(other.get_by_role("row")).to_have_count(2)
    expect(other.get_by_label("Event")).to_have_value("sms")
    other.get_by_role("link", name="Clear").click()
    expect(other.get_by_role("row")).to_have_count(7)

    other.get_by_label("Seen since").fill("yesterday")
    other.get_by_role("button", name="Filter").click()
    expect(other.get_by_label("Seen since")).to_have_attribute("aria-invalid", "true")
    expect(other.get_by_text("'yesterday' is neither ISO 8601")).to_be_visible()


def test_a_long_list_is_turned_page_by_page(inspected: Inspected, inbox: Page) -> None:
    for number in range(55):
        inspected.hook(form({**POST_CALL, "id": f"call-{number:02}"}))
    inbox.reload()
    expect(inbox.get_by_role("row")).to_have_count(51)
    inbox.get_by_role("link", name="Older").click()
    expect(inbox.get_by_role("row")).to_have_count(6)
    address = inbox.url
    inspected.hook(form({**POST_CALL, "id": "call-99"}))
    inbox.goto(address)
    expect(inbox.get_by_role("row").nth(1)).to_contain_text("call-04")
    inbox.get_by_role("link", name="Newest").click()
    expect(inbox.get_by_role("row").nth(1)).to_contain_text("call-99")


def test_a_delivery_is_verified_step_by_step_down_to_its_bytes(inspected: Inspected, inbox: Page) -> None:
    inspected.hook(form({**POST_CALL, "details": "x" * 5_000}))
    inbox.get_by_role("link", name="call-1").click()
    expect(inbox.get_by_role("heading", level=1)).to_have_text("post-call call-1")
    steps = inbox.get_by_role("region", name="Verification").get_by_role("listitem")
    expect(steps).to_have_count(8)
    expect(steps.nth(6)).to_contain_text("tell_crm returned at")
    inbox.get_by_role("link", name="Hex").click()
    expect(inbox.locator("pre.hex")).to_contain_text("73 74 61 72 74 3d")
    inbox.get_by_role("link", name="Bytes after").click()
    expect(inbox).to_have_url(f"{inspected.inspector}/deliveries/1?view=hex&from=4096#raw")
    expect(inbox.locator("pre.hex")).to_contain_text("00001000")
    inbox.get_by_text("Every value under the name it was sent with (17)").click()
    expect(inbox.get_by_text("custnr").last).to_be_visible()


def test_a_refusal_is_diagnosed_when_asked_and_deleted(
    tmp_path: Path, free_port: int, key_pair: KeyPair, other_key_pair: KeyPair, page: Page
) -> None:
    settings = {"KAISA_TRUSTED_KEYS": str(key_pair.public), "KAISA_SIGNATURE_DIGEST": "sha512"}
    with running(tmp_path, free_port, settings) as receiver:
        assert receiver.hook(signed_form(POST_CALL, key_pair)) == 403
        assert receiver.hook(signed_form(POST_CALL, other_key_pair)) == 403
        receiver.log_in(page)
        page.get_by_role("link", name="signature-wrong").last.click()
        report = page.get_by_role("region", name="Verification").get_by_role("listitem")
        expect(report.filter(has_text="Signature and key")).to_contain_text("failed")
        expect(report.filter(has_text="Handler")).to_contain_text("not reached")
        page.get_by_role("link", name="Ask the doctor").click()
        expect(page).to_have_url(f"{receiver.inspector}/refusals/1?diagnosis=run#diagnosis")
        diagnosis = page.get_by_role("region", name="Diagnosis")
        expect(diagnosis).to_contain_text("A request like this is refused: signature failed.")
        expect(diagnosis).to_contain_text("set KAISA_SIGNATURE_DIGEST=sha256")
        page.get_by_text("Delete …").click()
        page.get_by_role("button", name="Delete refusal 1").click()
        expect(page.get_by_text("Refusal 1 is deleted.")).to_be_visible()
        expect(page.get_by_role("link", name="signature-wrong")).to_have_count(1)


def test_a_handler_that_failed_is_replayed_once_it_is_mended(inspected: Inspected, inbox: Page) -> None:
    inspected.break_handlers()
    assert inspected.hook(form(POST_CALL)) == 500
    row(inbox, "no contact for").get_by_role("link").click()
    expect(inbox.get_by_role("region", name="Traceback of the handler")).to_contain_text("ConnectionError: no contact")
    inspected.mend_handlers()
    inbox.get_by_text("Replay …").click()
    inbox.get_by_role("button", name="Replay").click()
    expect(inbox.get_by_text('Replay of delivery 1: answered {"append": "told, 42 s"}')).to_be_visible()
    steps = inbox.get_by_role("region", name="Verification").get_by_role("listitem")
    expect(steps.nth(6)).to_contain_text("passed")
    expect(inbox.get_by_role("region", name="Traceback of the handler")).to_have_count(0)


def test_numbers_are_masked_until_asked_for_on_that_page_alone(
    inspected: Inspected, open_window: Open, watch: Watch
) -> None:
    page = open_window(permissions=["clipboard-read", "clipboard-write"])
    inspected.log_in(page)
    inspected.hook(form(POST_CALL))
    inspected.hook(form({**SMS, "details": f"call {NUMBER} or 070-123 45 67"}))
    expect(row(page, "sms")).to_contain_text(MASKED)
    assert NUMBER.removeprefix("+") not in page.content()
    page.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page.get_by_text("070********67").first).to_be_visible()
    assert NUMBER.removeprefix("+") not in page.content()
    expect(page.get_by_role("button", name="Copy as curl")).to_have_count(0)

    page.get_by_role("button", name="Show numbers").click()
    expect(page.get_by_role("button", name="Mask numbers")).to_be_visible()
    expect(page.get_by_role("cell", name=NUMBER, exact=True).first).to_be_visible()
    assert "number" not in page.url
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#news")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl '{inspected.base}/webhook'")
    assert "%2B46701234567" in copied

    shown = page.url
    page.goto(inspected.inspector)
    expect(row(page, "sms")).to_contain_text(MASKED)
    page.goto(shown)
    page.get_by_role("button", name="Mask numbers").click()
    expect(page.get_by_role("button", name="Show numbers")).to_be_visible()
    assert NUMBER.removeprefix("+") not in page.content()
    assert [url for url in watch.asked if "46701234567" in url] == []


def test_numbers_are_masked_again_when_their_time_is_over(inspected: Inspected, inbox: Page) -> None:
    inspected.hook(form(POST_CALL))
    inbox.goto(f"{inspected.inspector}/deliveries/1?view=hex#raw")
    inbox.clock.install()
    inbox.get_by_role("button", name="Show numbers").click()
    expect(inbox.get_by_role("button", name="Mask numbers")).to_be_visible()
    inbox.evaluate("window.isTheSame = true")
    with inbox.expect_navigation():  # the page asks for itself anew; what it may show the server says
        inbox.clock.fast_forward("10:05")
    assert inbox.evaluate("window.isTheSame") is None


def test_numbers_are_shown_as_long_where_the_browsers_clock_is_wrong(inspected: Inspected, inbox: Page) -> None:
    inspected.hook(form(POST_CALL))
    inbox.clock.install(time=datetime(2099, 1, 1, tzinfo=UTC))
    inbox.goto(f"{inspected.inspector}/deliveries/1")
    inbox.get_by_role("button", name="Show numbers").click()
    expect(inbox.get_by_role("button", name="Mask numbers")).to_be_visible()
    with no_reload(inbox):
        inbox.clock.fast_forward("09:30")
        expect(inbox.get_by_role("button", name="Mask numbers")).to_be_visible()


def test_everything_can_be_done_with_the_keyboard_alone(inspected: Inspected, page: Page) -> None:
    inspected.hook(form(POST_CALL))
    page.goto(inspected.inspector)
    page.keyboard.type(PASSWORD)  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type("google")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{inspected.inspector}?text=google")

    _tab_to(page, "call-1")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("post-call call-1")
    _tab_to(page, "Show numbers")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Mask numbers")).to_be_visible()
    _tab_to(page, "Replay …")
    page.keyboard.press("Enter")
    _tab_to(page, "Replay", exact=True)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Replay of delivery 1: answered")).to_be_visible()
    _tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_focused()


def _tab_to(page: Page, text: str, *, exact: bool = False) -> None:
    """Press Tab until something with this text has the focus; the page must not keep one on the way."""
    passed = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = str(page.evaluate("document.activeElement.textContent")).strip()
        if (focused == text) if exact else (text in focused and len(focused) < 60):
            return
        passed.append(focused[:30])
    raise AssertionError(f"{text} never had the focus; passed: {passed}")


def test_hostile_text_is_text_in_every_field_and_everywhere_it_is_shown(
    inspected: Inspected, inbox: Page, watch: Watch
) -> None:
    assert inspected.hook(json_text({**POST_CALL, **dict.fromkeys(FREE, HOSTILE), HOSTILE: HOSTILE}), JSON) == 200
    inspected.break_handlers()
    assert inspected.hook(json_text({**POST_CALL, "from_nr": HOSTILE, "id": "x"}), JSON) == 500
    assert inspected.hook(json_text({**POST_CALL, "event_type": HOSTILE}), JSON) == 422
    assert inspected.hook(json_text({HOSTILE: HOSTILE})[:-1], JSON) == 400
    assert inspected.hook(form({**POST_CALL, "details": HOSTILE}), f"text/plain; {HOSTILE!a}") == 415
    inbox.reload()
    expect(inbox.get_by_role("row")).to_have_count(6)
    addresses = ["", "/deliveries/1", "/deliveries/2", *(f"/refusals/{number}?diagnosis=run" for number in (1, 2, 3))]
    for address in addresses:
        for view in ("", f"{'&' if '?' in address else '?'}view=hex"):
            inbox.goto(f"{inspected.inspector}{address}{view if address else ''}")
            assert inbox.evaluate("document.querySelectorAll('img[onerror], main script, main img').length") == 0
            assert "\u202e" not in str(inbox.evaluate("document.documentElement.textContent"))
    inbox.goto(f"{inspected.inspector}/deliveries/1")
    expect(inbox.get_by_role("row").filter(has=inbox.get_by_text("details", exact=True))).to_contain_text(
        "<script>alert(1)</script><img src=x onerror=alert(2)>\"'\\u202egnp.exe\\x1b[31m &amp; {{7*7}}"
    )
    assert [url for url in watch.asked if url.endswith("/x")] == []


def test_a_link_on_another_site_leads_in_without_the_password_again(
    inspected: Inspected, inbox: Page, httpserver: HTTPServer
) -> None:
    inspected.hook(form(POST_CALL))
    link = f"{inspected.inspector}/deliveries/1"
    text = f'<!doctype html><title>chat</title><link rel="icon" href="data:,"><a href="{link}">look at this</a>'
    httpserver.expect_request("/chat").respond_with_data(text, content_type="text/html")
    # Another site: a browser goes by the name, not by who answers.
    inbox.goto(f"http://localhost:{httpserver.port}/chat")
    inbox.get_by_role("link", name="look at this").click()
    expect(inbox.get_by_role("heading", level=1)).to_have_text("post-call call-1")
    expect(inbox).to_have_url(link)


def test_a_page_left_open_goes_to_the_password_when_its_session_is_over(
    inspected: Inspected, inbox: Page, watch: Watch
) -> None:
    watch.expect("status of 401")
    other = inbox.context.new_page()
    other.goto(inspected.inspector)
    other.get_by_role("button", name="Log out").click()
    inbox.bring_to_front()
    expect(inbox.get_by_label("Password")).to_be_visible()


def test_a_page_says_that_it_is_not_up_to_date_while_the_receiver_is_away(
    inspected: Inspected, inbox: Page, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    expect(inbox.locator("body.stale")).to_have_count(0)
    inspected.deployment.stop()
    expect(inbox.locator("body.stale")).to_have_count(1)


def test_without_scripts_everything_still_works(inspected: Inspected, open_window: Open) -> None:
    page = open_window(java_script_enabled=False)
    inspected.hook(form(POST_CALL))
    inspected.hook(b"id=%zz")
    inspected.log_in(page)
    page.get_by_label("State").select_option("refused")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="malformed-form").click()
    page.get_by_role("link", name="Ask the doctor").click()
    expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("A request like this is refused")
    page.get_by_role("button", name="Show numbers").click()
    expect(page.get_by_role("button", name="Mask numbers")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


def test_a_background_job_that_failed_is_seen_and_begun_again(tmp_path: Path, free_port: int, page: Page) -> None:
    settings = {"KAISA_ACCEPT_UNSIGNED": "true", "KAISA_JOB_RETRIES": "0"}
    with running(tmp_path, free_port, settings, handlers=HANDLERS + IN_BACKGROUND) as receiver, working(receiver):
        receiver.log_in(page, "/jobs")
        expect(page.get_by_text("None. A job that failed for good appears here")).to_be_visible()
        receiver.break_handlers()
        assert receiver.hook(form(POST_CALL)) == 500
        failed = page.get_by_role("listitem").filter(has_text="book of delivery 1")
        expect(failed).to_contain_text("ConnectionError: no booking for +46*******67")
        receiver.mend_handlers()
        failed.get_by_role("button", name="Replay").click()
        expect(page.get_by_text("book of delivery 1 begins again")).to_be_visible()
        expect(page.get_by_text("None. A job that failed for good appears here")).to_be_visible()
