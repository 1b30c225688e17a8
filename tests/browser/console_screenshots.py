"""Makes docs/images/console*.png: both programs as `make up` runs them, and a browser that clicks through the console.

`make screenshots`; or `python -m tests.browser.console_screenshots FOLDER` to have them elsewhere.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests import up
from tests.browser.screenshots import DESK, FOLDER, PHONE, browser
from tests.up import Up

# With more lines on the screen the form is seen whole.
TALL = (1280, 1180)


def main(folder: Path) -> None:
    """Make them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="kaisa-screenshots-") as place,
        up.running(Path(place), up.ports()) as both,
        browser() as chromium,
    ):
        page = window(chromium, both, TALL, "light")
        set_up(page, both, folder)
        page.screenshot(path=folder / "console-setup.png")
        press(page, "SAVE & ACTIVATE")
        happen(page, both)
        take(chromium, both, folder)


def set_up(page: Page, both: Up, folder: Path) -> None:
    """Requested, approved, and a macro with a mistake in it."""
    press(page, "Request")
    press(page, "Approve the request")
    page.get_by_label("Enable pre-call").check()
    page.get_by_label("Delay post-call").check()
    press(page, "Edit the default")
    press(page, "SAVE")
    page.goto(f"{both.console}setup")
    macro = page.get_by_label("Macro", exact=True)
    right = macro.input_value()
    macro.fill("caller={form_nr}&ended={start}+{duration}\n&call={id}&kind={event_type}")
    page.locator("#marks .wrong").wait_for()
    page.screenshot(path=folder / "console-macro.png")
    macro.fill(right)
    page.locator("#lint .right").wait_for()


def happen(page: Page, both: Up) -> None:
    """Some calls, half of which have trouble, and an hour and a half."""
    troubles = {"the connection is refused": "0", "a proxy answers 503 in the endpoint's place": "3", "TLS fails": "1"}
    for trouble, attempts in troubles.items():
        page.goto(f"{both.console}calls")
        page.get_by_label("What goes wrong").select_option(label=trouble)
        page.get_by_label("With how many attempts").fill(attempts)
        page.get_by_role("radio", name="after", exact=True).check()
        page.get_by_label("Minutes after").fill("12")
        press(page, "Place")
    page.goto(f"{both.console}calls")
    page.get_by_label("How many", exact=True).fill("4")
    press(page, "Place them")
    for _ in range(3):
        press(page, "+30 min")


def take(chromium: Browser, both: Up, folder: Path) -> None:
    """The calls in light, dark and on a telephone; a delivery after seven days."""
    light, dark, phone = (
        window(chromium, both, size, scheme) for size, scheme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light"))
    )
    for page, name in ((light, "console"), (dark, "console-dark"), (phone, "console-narrow")):
        page.goto(f"{both.console}calls")
        page.screenshot(path=folder / f"{name}.png")
    press(dark, "To the end")
    dark.goto(f"{both.console}calls?standing=given+up")
    dark.get_by_role("link", name="post-call").first.click()
    dark.get_by_role("heading", name="Timeline").wait_for()
    dark.screenshot(path=folder / "console-delivery.png")


def press(page: Page, name: str) -> None:
    """Press a button and wait for where it leads."""
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def window(chromium: Browser, both: Up, size: tuple[int, int], scheme: str) -> Page:
    """The first page in a window."""
    viewport = {"width": size[0], "height": size[1]}
    page = chromium.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]  # words that it knows
    page.goto(both.console)
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
