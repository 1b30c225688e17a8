"""Makes docs/images/inspector*.png: a receiver, what the simulator sends it, and a browser that looks at it.

`make screenshots`; or `python -m tests.browser.screenshots FOLDER` to have them elsewhere.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from sender_sim import certs
from tests.acceptance.deployment import ROOT
from tests.browser.conftest import launch
from tests.browser.inspected import Inspected, running
from tests.conftest import unused_port

FOLDER = ROOT / "docs" / "images"
DESK, PHONE = (1280, 860), (390, 844)
HANDLERS = """
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.post_call
def tell_crm(event: CallEvent) -> str:
    if Path("broken").exists():
        raise ConnectionError("the CRM does not answer")
    return f"in the CRM, {event.duration} s" if event.answered else "missed"
"""


def main(folder: Path) -> None:
    """Make them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kaisa-screenshots-") as place:
        keys = certs.mint(Path(place) / "keys", now=datetime.now(UTC))
        settings = {"KAISA_TRUSTED_KEYS": f"keys/{keys.signing_certificate.name}"}
        with running(Path(place), unused_port(), settings, handlers=HANDLERS) as receiver, browser() as chromium:
            fill(receiver, keys.signing_key)
            take(chromium, receiver, folder)


def fill(receiver: Inspected, key: Path) -> None:
    """A morning's calls; one handler that fails, one request that is changed on the way, one that is not signed."""
    simulate(receiver, "run", "--sign", key, "--pre-call", "--calls", "9", "--seed", "5")
    simulate(receiver, "run", "--sign", key, "--calls", "2", "--seed", "6", "--fault", "answer-lost:attempts=1-3")
    simulate(receiver, "test-request")
    simulate(
        receiver,
        "run",
        "--sign",
        key,
        "--calls",
        "1",
        "--seed",
        "8",
        "--after-outbound",
        "--no-retry",
        "--fault",
        "tampered",
    )
    receiver.break_handlers()
    simulate(receiver, "send", "--sign", key, "--seed", "9")
    receiver.mend_handlers()
    text = "details=Är ni öppna på lördag? 👍"
    simulate(receiver, "send", "--sign", key, "--event", "sms", "--json", "--seed", "12", "--set", text)


def simulate(receiver: Inspected, command: str, *options: object) -> None:
    """The simulator's command line, as a user has it. What it finds wrong is what the pictures are to show."""
    arguments = [command, f"{receiver.base}/webhook", "--allow-http", *map(str, options)]
    done = subprocess.run([sys.executable, "-m", "sender_sim", *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"sender-sim {' '.join(arguments)}:\n{done.stderr}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    path = shutil.which("chromium")
    if not path:
        sys.exit("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        yield launch(playwright, path)


def take(chromium: Browser, receiver: Inspected, folder: Path) -> None:
    """The list in light, dark and on a telephone; a failed delivery; a refusal with its diagnosis."""
    light, dark = (window(chromium, receiver, DESK, scheme) for scheme in ("light", "dark"))
    light.screenshot(path=folder / "inspector.png")
    dark.screenshot(path=folder / "inspector-dark.png")
    window(chromium, receiver, PHONE, "light").screenshot(path=folder / "inspector-narrow.png")
    failed = light.get_by_role("row").filter(has_text="does not answer").get_by_role("link")
    light.goto(f"{receiver.base}{failed.get_attribute('href')}")
    light.screenshot(path=folder / "inspector-delivery.png")
    refused = dark.get_by_role("row").filter(has_text="signature-wrong").get_by_role("link")
    dark.goto(f"{receiver.base}{refused.get_attribute('href')}?diagnosis=run")
    dark.screenshot(path=folder / "inspector-refusal.png")


def window(chromium: Browser, receiver: Inspected, size: tuple[int, int], scheme: str) -> Page:
    """The list in a window."""
    viewport = {"width": size[0], "height": size[1]}
    page = chromium.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]  # words that it knows
    receiver.log_in(page)
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
