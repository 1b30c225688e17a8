"""A real browser: Debian's chromium, driven by playwright. Every page is watched, for errors and for where it asks."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Request as Asked

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Long enough for a machine that does much else; nothing waits for it that goes well.
PATIENCE = 20_000
WIDE, NARROW = (1280, 800), (360, 740)

# Chromium has services of its own that it asks; here it reaches this machine alone, whatever a page does.
_OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def missing(what: str) -> Never:
    """Say why a test cannot be made here. In CI that is a failure: there everything is."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    # Not for the session: it has an event loop in this thread, beside which other tests cannot run theirs.
    with sync_playwright() as running:
        expect.set_options(timeout=PATIENCE)
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The browser, for all tests of this folder."""
    path = shutil.which("chromium")
    if not path:
        missing("chromium is not installed: `apt-get install chromium`")
    launched = launch(playwright, path)
    yield launched
    launched.close()


def launch(playwright: Playwright, path: str) -> Browser:
    """Start a browser that reaches this machine alone."""
    sandbox = os.geteuid() != 0  # which root has not
    return playwright.chromium.launch(executable_path=path, args=_OPTIONS, chromium_sandbox=sandbox)


@dataclass
class Watch:
    """What went wrong in a browser's window. A test says beforehand what of it is part of its story."""

    expected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """A message on the console that belongs to the test, as a regular expression."""
        self.expected.append(pattern)

    def follow(self, context: BrowserContext) -> None:
        """Watch every page of a window."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self._problem(f"uncaught: {error.error}"))
        context.on("request", self._request)
        context.on("dialog", lambda dialog: self._dialog(dialog))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._problem(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Asked) -> None:
        self.asked.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in ("http", "https") or parts.hostname not in LOOPBACK:
            self._problem(f"asked for {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self._problem(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _problem(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.expected):
            self.problems.append(text)


Open = Callable[..., Page]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What the browser complains of; at the end of a test that is nothing."""
    watching = Watch()
    yield watching
    assert watching.problems == []


@pytest.fixture
def open_window(browser: Browser, watch: Watch) -> Iterator[Open]:
    """A new window with cookies of its own; options are those of a browser's context."""
    with ExitStack() as stack:

        def opened(*, size: tuple[int, int] = WIDE, **options: Any) -> Page:
            context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            watch.follow(context)
            return context.new_page()

        yield opened


@pytest.fixture
def page(open_window: Open) -> Page:
    """A window."""
    return open_window()


Audit = Callable[[Page], list[str]]


@pytest.fixture
def audit() -> Audit:
    """What hinders people on a page, as axe-core finds it: rule, impact and element."""
    if not AXE.exists():
        missing("axe-core is not installed: `make browser` does it, and needs npm")
    source = AXE.read_text("utf-8")

    def audited(page: Page) -> list[str]:
        page.evaluate(source)  # past the page's policy, which lets no other script in
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['impact']}: {violation['id']}: {node['html']}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return audited


@contextmanager
def no_reload(page: Page) -> Iterator[None]:
    """Whatever happens in the block happens on the page that is there."""
    page.evaluate("window.isTheSame = true")
    yield
    assert page.evaluate("window.isTheSame") is True


def fits(page: Page) -> bool:
    """Whether a page is no wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width <= 0
