"""The console clicked through in a real browser, in front of the real receiver: by mouse, by keys, without scripts."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import up
from tests.browser.conftest import NARROW, WIDE, Audit, Open, Watch, fits, no_reload
from tests.up import Up

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202egnp.exe &amp; {{7*7}}"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Up]:
    with up.running(tmp_path, up.ports()) as running:
        yield running


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A console that the tests of this module may share: they look, or add to it."""
    with up.running(tmp_path_factory.mktemp("filled"), up.ports()) as running:
        yield running


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def activate(page: Page, both: Up) -> None:
    """Go the whole way, unless it was gone before."""
    page.goto(f"{both.console}workflows")
    if page.get_by_text("active", exact=True).first.get_attribute("aria-current"):
        return
    for name in ("Request", "Approve the request"):
        if button(page, name).count():
            button(page, name).click()
    page.goto(f"{both.console}setup")
    button(page, "SAVE & ACTIVATE").click()
    expect(page.get_by_role("status")).to_contain_text("Saved, and active")


def place(page: Page, both: Up, **fields: str) -> None:
    """Place a call with the form."""
    page.goto(f"{both.console}calls")
    for label, value in fields.items():
        control = page.get_by_label(label.replace("_", " "), exact=False).last
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(label=value)
        else:
            control.fill(value)
    button(page, "Place").click()
    expect(page.get_by_role("status")).to_have_text("The call is placed.")


def clock(page: Page) -> Locator:
    return page.get_by_role("region", name="Simulated time")


def test_the_whole_story(tmp_path: Path, page: Page, watch: Watch) -> None:
    folder, ports = tmp_path / "up", up.ports()
    # A browser asks for the icon when it finds the time: that may be while the console is stopped.
    watch.expect(r"ERR_CONNECTION_REFUSED .*/assets/icon\.svg")
    with up.running(folder, ports) as both:
        _is_requested_and_approved(page, both)
        _is_set_up_with_mistakes_beside_their_fields(page, both)
        _has_its_macro_edited_with_the_palette(page)
        _sends_a_test_request(page, both)
        _is_activated_and_reports_a_call_that_is_retried(page)
        address = page.url
        page.goto("about:blank")
        both.stop(signal.SIGTERM)
    with up.running(folder, ports):
        page.goto(address)
        expect(page.get_by_text("delivered", exact=True).first).to_be_visible()
        expect(page.locator(".append")).to_have_text("answered, 95 s")
        expect(page.get_by_role("row")).to_have_count(3)
        button(page, "+1 day").click()
        expect(clock(page)).to_contain_text("Nothing is to come.")


def _is_requested_and_approved(page: Page, both: Up) -> None:
    page.goto(both.console)
    button(page, "Request").click()
    expect(page.get_by_role("status")).to_have_text("The integration is requested.")
    button(page, "Approve the request").click()
    expect(page).to_have_url(f"{both.console}setup")
    expect(page.get_by_label("Webhook URL")).to_have_value(both.webhook)


def _is_set_up_with_mistakes_beside_their_fields(page: Page, both: Up) -> None:
    url, key = page.get_by_label("Webhook URL"), page.get_by_label("Private key")
    right = key.input_value()
    url.fill("http://localhost/webhook")
    key.fill("/nowhere.key")
    button(page, "SAVE & ACTIVATE").click()
    expect(page.get_by_role("alert")).to_have_text("Nothing was saved: 2 fields need a change.")
    expect(url).to_have_accessible_description(re.compile("is http; Kaisa posts to https only"))
    expect(key).to_have_accessible_description(re.compile("cannot be read"))
    url.fill(both.webhook)
    key.fill(right)


def _has_its_macro_edited_with_the_palette(page: Page) -> None:
    macro, lint, sent = page.get_by_label("Macro", exact=True), page.locator("#lint"), page.locator("#sent")
    chips = page.locator("#palette button")
    with no_reload(page):
        macro.fill("who={form_nr}")
        expect(lint).to_contain_text("unknown macro {form_nr}; did you mean {from_nr}?")
        expect(page.locator("#marks .wrong")).to_have_text("{form_nr}")
        expect(page.locator("#palette .used")).to_have_count(0)
        button(lint, "Write {from_nr} instead").click()
        expect(macro).to_have_value("who={from_nr}")
        expect(lint).to_have_text("The macro is good.")
        expect(page.locator("#palette .used code")).to_have_text(["{from_nr}"])
        for name in ("{id}", "{event_type}", "{duration}", "{answered}", "{start}", "{to_nr}", "{fsid}"):
            chips.filter(has_text=name).first.click()
        expect(macro).to_have_value(
            "who={from_nr}&id={id}&event_type={event_type}&duration={duration}&answered={answered}&start={start}"
            "&to_nr={to_nr}&fsid={fsid}"
        )
        expect(page.locator("#palette .used")).to_have_count(8)
        macro.fill("x=")
        chips.filter(has_text="{id}").first.click()
        expect(macro).to_have_value("x={id}")
        expect(sent).to_contain_text("What is signed")
        expect(page.get_by_role("region", name="The exact bytes that are signed")).to_have_text("x=test-request")
        page.get_by_label("Send as JSON").check()
        expect(sent).to_contain_text("application/json")
        expect(page.get_by_role("region", name="The exact bytes that are signed")).to_have_text('{"x":"test-request"}')
        page.get_by_label("Include SSL signature").uncheck()
        expect(page.get_by_role("region", name="The exact bytes that are sent")).to_have_text('{"x":"test-request"}')
        page.get_by_label("Include SSL signature").check()
        page.get_by_label("Send as JSON").uncheck()
        button(page, "Edit the default").click()
        expect(page.locator("#palette .used")).to_have_count(17)


def _sends_a_test_request(page: Page, both: Up) -> None:
    expect(button(page, "Send test request")).to_be_disabled()
    button(page, "SAVE").click()
    expect(page.get_by_role("status")).to_contain_text("Saved. Data flows once")
    button(page, "Send test request").click()
    expect(page.get_by_role("heading", name="Test request 1")).to_be_visible()
    expect(page.locator(".outcome")).to_contain_text("200 OK")
    expect(page.get_by_role("region", name="The answer's body")).to_have_text('{"append": "answered, 63 s"}')
    expect(page.get_by_text(f"POST {both.webhook}")).to_be_visible()


def _is_activated_and_reports_a_call_that_is_retried(page: Page) -> None:
    page.get_by_role("link", name="Setup").first.click()
    button(page, "SAVE & ACTIVATE").click()
    expect(page.get_by_role("status")).to_contain_text("Saved, and active")
    page.get_by_role("link", name="Calls").first.click()
    expect(page.get_by_text("No call has happened yet.")).to_be_visible()
    page.get_by_label("What goes wrong").select_option(label="the connection is refused")
    page.get_by_label("With how many attempts").fill("2")
    button(page, "Place").click()
    expect(clock(page)).to_contain_text("in 1 min 35 s the call ends")
    button(page, "Next event").click()
    expect(clock(page)).to_contain_text("in 30 min attempt 2 of the post-call")
    expect(page.locator("svg.lane .bad")).to_have_count(1)
    expect(page.locator("svg.lane .next")).to_have_count(1)
    button(page, "+30 min").click()
    expect(page.locator("svg.lane .bad")).to_have_count(2)
    button(page, "To the end").click()
    expect(page.locator(".append")).to_have_text("answered, 95 s")
    page.get_by_role("link", name="post-call").click()
    expect(page.get_by_text("Delivered at attempt 3, 1 h after the first.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", name="Answer to attempt 1 of 3")).to_be_visible()
    page.goto(page.url.partition("?")[0])


def test_time_is_seen_passing_and_is_paused(filled: Up, page: Page) -> None:
    activate(page, filled)
    page.goto(f"{filled.console}calls")
    page.get_by_label("How many", exact=True).fill("3")
    button(page, "Place them").click()
    page.get_by_label("How fast live time passes").select_option("1800")
    button(page, "Live").click()
    expect(clock(page)).to_contain_text("Live")
    with no_reload(page):  # the page follows by itself
        expect(clock(page)).to_contain_text("Nothing is to come.")
        expect(page.get_by_text("to come", exact=True)).to_have_count(1)  # in the list of standings alone
    button(page, "Pause").click()
    expect(clock(page)).to_contain_text("Paused")


def test_who_goes_by_the_keys_keeps_their_place_while_time_passes(filled: Up, page: Page) -> None:
    activate(page, filled)
    place(page, filled, Duration="86000")
    page.get_by_label("How fast live time passes").select_option("60")
    button(page, "Live").click()
    for control in (clock(page).get_by_role("link").first, button(page, "Pause")):
        control.focus()
        seen = clock(page).get_by_role("time").inner_text()
        expect(clock(page).get_by_role("time")).not_to_have_text(seen)
        expect(control).to_be_focused()
    button(page, "Pause").click()
    expect(button(page, "Live")).to_be_visible()


def test_everything_can_be_done_with_the_keys(filled: Up, page: Page) -> None:
    activate(page, filled)
    page.goto(f"{filled.console}calls")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("radio", name="Inbound call").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="SMS")).to_be_checked()
    expect(page.get_by_label("Duration, seconds")).to_be_hidden()
    page.get_by_label("Details; the text of an SMS").fill("by keys")
    page.get_by_label("From", exact=True).press("Enter")
    expect(page.get_by_text("by keys")).to_be_visible()
    page.goto(f"{filled.console}setup")
    page.get_by_label("Macro", exact=True).fill("a={id}")
    chip = page.locator("#palette button").filter(has_text="{channel}")
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Macro", exact=True)).to_have_value("a={id}&channel={channel}")
    expect(page.locator("#palette .used")).to_have_count(2)
    expect(chip).to_be_focused()


def test_every_page_works_without_scripts(filled: Up, open_window: Open) -> None:
    page = open_window(java_script_enabled=False)
    activate(page, filled)
    page.goto(f"{filled.console}setup")
    page.get_by_label("Macro", exact=True).fill("a={form_nr}")
    button(page, "Check").last.click()
    expect(page.locator("#lint")).to_contain_text("did you mean {from_nr}?")
    page.get_by_label("Macro", exact=True).fill("a={id}")
    page.locator("#palette button").filter(has_text="{channel}").click()
    expect(page.get_by_label("Macro", exact=True)).to_have_value("a={id}&channel={channel}")
    place(page, filled)
    button(page, "To the end").click()
    expect(page.get_by_text("delivered", exact=True).first).to_be_visible()


def test_a_draft_can_be_shared_by_its_address(filled: Up, page: Page, open_window: Open) -> None:
    activate(page, filled)
    page.goto(f"{filled.console}setup")
    page.get_by_label("Macro", exact=True).fill("shared={id}")
    expect(page.locator("#saved")).to_have_text("Not saved: macro")
    address = page.get_by_role("link", name="an address of its own").get_attribute("href")
    assert address is not None
    other = open_window()
    other.goto(filled.console.rstrip("/") + address)
    expect(other.get_by_label("Macro", exact=True)).to_have_value("shared={id}")


def test_the_journal_is_exported(filled: Up, page: Page) -> None:
    activate(page, filled)
    page.goto(f"{filled.console}journal")
    with page.expect_download() as started:
        page.get_by_role("link", name="Export as JSON lines").click()
    lines = started.value.path().read_text("utf-8").splitlines()
    assert '"SettingsChanged"' in lines[0]
    assert started.value.suggested_filename == "journal.jsonl"


def test_hostile_text_is_shown_as_text(filled: Up, page: Page, watch: Watch) -> None:
    activate(page, filled)
    for field in ("From", "To (the tracking number)", "Details; the text of an SMS"):
        page.goto(f"{filled.console}calls")
        page.get_by_label(field, exact=True).fill(HOSTILE)
        button(page, "Place").click()
        expect(page.locator("dd").get_by_text(HOSTILE)).to_be_visible()
    page.goto(f"{filled.console}setup")
    page.get_by_label("Webhook URL").fill(HOSTILE)
    page.get_by_label("Macro", exact=True).fill(HOSTILE)
    expect(page.locator("#marks")).to_have_text(HOSTILE)
    button(page, "SAVE").click()
    expect(page.get_by_label("Webhook URL")).to_have_value(HOSTILE)
    page.goto(f"{filled.console}calls")
    page.get_by_role("searchbox").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox")).to_have_value(HOSTILE)
    assert page.evaluate("document.images.length") == 1  # the brand
    assert watch.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_hinders_anyone(
    filled: Up, open_window: Open, audit: Audit, scheme: str, size: tuple[int, int]
) -> None:
    page = open_window(size=size, color_scheme=scheme)
    activate(page, filled)
    place(page, filled, What_goes_wrong="the connection is refused")
    button(page, "Next event").click()
    call = page.url.rpartition("/")[2].partition("#")[0]
    mistakes = "setup?draft=1&tried=1&url=http://x&macro=a%3D%7Bform_nr%7D&sign=on&key=none"
    calls = ("calls", "calls?zoom=week", "calls?order=1&kind=inbound&duration=x&trouble=refused", f"calls/{call}")
    for address in ("workflows", "setup", mistakes, *calls, f"deliveries/{call}/post-call", "journal", "calls?q=none"):
        page.goto(f"{filled.console}{address}")
        for opened in page.locator("details:not([open]) > summary").all():
            if opened.is_visible():
                opened.click()
        assert (address, audit(page)) == (address, [])
        assert (address, fits(page)) == (address, True)
