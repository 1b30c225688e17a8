"""The inspector's pages for everyone: in light and dark, wide and narrow, judged by axe-core."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NARROW, WIDE, Audit, Open, Watch, fits
from tests.browser.inspected import HANDLERS, IN_BACKGROUND, Inspected, running, working
from tests.calls import JSON, POST_CALL, SMS, form, json_text
from tests.conftest import unused_port

PAGES = (
    "",
    "?state=failed&text=crm",
    "?since=yesterday&code=not-utf-8",
    "/deliveries/1",
    "/deliveries/2?view=hex",
    "/deliveries/3",
    "/refusals/1?diagnosis=run",
    "/jobs",
    "/nothing",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspected]:
    """Some of everything: handled, failed, refused, in other words, a job that was given up."""
    settings = {"KAISA_ACCEPT_UNSIGNED": "true", "KAISA_JOB_RETRIES": "0"}
    folder, handlers = tmp_path_factory.mktemp("inspected"), HANDLERS + IN_BACKGROUND
    with running(folder, unused_port(), settings, handlers=handlers) as receiver, working(receiver):
        receiver.hook(form(POST_CALL))
        receiver.hook(json_text({**SMS, "details": "שלום \u202e Är ni öppna? 👍\nline " + "long" * 400}), JSON)
        receiver.break_handlers()
        receiver.hook(form({**POST_CALL, "id": "call-with-a-very-long-id-" + "x" * 90}))
        receiver.hook(b"id=caf%zz")
        receiver.hook(form(POST_CALL), "text/plain")
        yield receiver


def test_the_judge_finds_what_there_is_to_find(page: Page, audit: Audit) -> None:
    page.set_content('<p style="color: #aaa">pale</p><input><img src="data:,">')
    found = {line.split(": ")[1] for line in audit(page)}
    assert {"color-contrast", "label", "image-alt", "html-has-lang"} <= found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_hinders_anyone(
    filled: Inspected, open_window: Open, audit: Audit, watch: Watch, scheme: str, size: tuple[int, int]
) -> None:
    watch.expect("status of 404")
    page = open_window(size=size, color_scheme=scheme)
    page.goto(filled.inspector)
    assert audit(page) == []
    filled.log_in(page)
    for address in PAGES:
        page.goto(f"{filled.inspector}{address}")
        for opened in page.locator("details:not([open]) > summary").all():
            if opened.is_visible():
                opened.click()
        assert (address, audit(page)) == (address, [])
        assert (address, fits(page)) == (address, True)


def test_whoever_wants_less_motion_gets_none(filled: Inspected, open_window: Open) -> None:
    page = open_window(reduced_motion="reduce")
    filled.log_in(page)
    page.evaluate("document.querySelector('tbody tr').classList.add('new')")
    assert page.evaluate("getComputedStyle(document.querySelector('tr.new')).animationName") == "none"


def test_text_may_be_twice_as_large(filled: Inspected, open_window: Open, watch: Watch) -> None:
    watch.expect("status of 404")
    page = open_window(size=(WIDE[0] // 2, WIDE[1]))
    filled.log_in(page)
    for address in PAGES:
        page.goto(f"{filled.inspector}{address}")
        assert (address, fits(page)) == (address, True)
