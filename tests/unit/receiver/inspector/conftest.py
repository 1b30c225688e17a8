"""The inspector over Flask's test client: a visitor who logs in, follows links and fills in forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from receiver import config
from receiver.app import create_app
from tests.calls import FORM
from tests.clock import NOON, Clock

PASSWORD = "correct horse battery"  # noqa: S105 - of these tests alone
LOCALHOST = "127.0.0.1"
_BLOCKS = ("dd", "div", "dt", "h1", "h2", "h3", "li", "p", "pre", "td", "th")


class _Reader(HTMLParser):
    """The text of a page, and its forms."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append({"action": given.get("action") or ""})
        elif tag in ("input", "button") and self.forms and given.get("name"):
            self.forms[-1][given["name"] or ""] = given.get("value") or ""
        elif tag == "a":
            self.links.append(given.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@dataclass(frozen=True)
class Page:
    """What was answered."""

    status: int
    headers: Headers
    html: str
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a reader sees, white space made one."""
        return " ".join("".join(self._read().words).split())

    @property
    def links(self) -> list[str]:
        return self._read().links

    @property
    def tags(self) -> list[tuple[str, dict[str, str | None]]]:
        return self._read().tags

    @property
    def place(self) -> str:
        """Where it leads."""
        return self.headers["Location"]

    def form(self, action: str) -> dict[str, str]:
        """The fields of the form that is sent to an address."""
        (found,) = [form for form in self._read().forms if form["action"] == action]
        return {name: value for name, value in found.items() if name != "action"}

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader


class Visitor:
    """A browser at the inspector of an application."""

    def __init__(self, app: Flask, *, address: str = LOCALHOST, scheme: str = "http") -> None:
        self.client: FlaskClient = app.test_client()
        self._base = f"{scheme}://localhost"
        self._environ = {"REMOTE_ADDR": address}

    def get(self, path: str, **headers: str) -> Page:
        return self._send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, data: Mapping[str, str]) -> Page:
        return self._send("POST", path, data=dict(data))

    def submit(self, page: Page, action: str, **filled: str) -> Page:
        """Send a form of a page, with the fields that are filled in."""
        return self.post(action, {**page.form(action), **filled})

    def follow(self, page: Page) -> Page:
        assert page.status in (302, 303, 308), page.html
        parts = urlsplit(page.place)
        return self.get(parts._replace(scheme="", netloc="").geturl())

    def log_in(self, password: str = PASSWORD, *, then: str = "/inspect") -> Page:
        """Log in from the page one is sent to."""
        page = self.follow(self.get(then))
        return self.submit(page, "/inspect/login", password=password)

    def hook(self, body: bytes, content_type: str | None = FORM) -> int:
        """What Kaisa does; the status."""
        response = self.client.post("/webhook", data=body, content_type=content_type, base_url=self._base)
        return response.status_code

    def _send(self, method: str, path: str, **options: Any) -> Page:
        # Buffered: read to its end and closed, as a server does.
        answer = self.client.open(
            path, method=method, base_url=self._base, environ_base=self._environ, buffered=True, **options
        )
        return Page(
            answer.status_code, answer.headers, answer.get_data(as_text=True), answer.headers.getlist("Set-Cookie")
        )


@pytest.fixture
def inspected(environ: dict[str, str]) -> dict[str, str]:
    """Settings with an inspector; unsigned data is accepted."""
    return {**environ, "KAISA_INSPECT_PASSWORD": PASSWORD}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The inspector's clock, to set."""
    clock = Clock(datetime.now(UTC))  # what arrives is stored with the real time
    monkeypatch.setattr("receiver.build.utc_now", clock)
    return clock


@pytest.fixture
def app(inspected: dict[str, str], now: Clock) -> Flask:  # noqa: ARG001 - it stands before the application is made
    return application(inspected)


def application(environ: Mapping[str, str]) -> Flask:
    return create_app(config.load(environ, now=NOON))


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Who does not know the password."""
    return Visitor(app)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Who is logged in."""
    visitor = Visitor(app)
    assert visitor.log_in().status == 303
    return visitor
