"""Someone at the pages of a console that runs as its own process."""

import json
import re
import signal
import subprocess
import sys
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from tests.unit.sender_sim.console.conftest import LONG_ENOUGH
from tests.unit.sender_sim.console.page import Page

__all__ = ["Person", "Visitor"]


class Visitor:
    """Someone at the pages of a console."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._open = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar())).open

    def get(self, address: str) -> Page:
        return Page(self._open(self.url + address, timeout=LONG_ENOUGH).read().decode())

    def post(self, address: str, **form: str) -> Page:
        """Submit a form and go where it leads."""
        token = self.get("/workflows").root.all("input", name="token")[0]["value"]
        body = urlencode({"token": token, **form}).encode()
        return Page(self._open(self.url + address, body, timeout=LONG_ENOUGH).read().decode())

    def attempts(self) -> list[int]:
        """The numbers of the attempts that came to an end, out of the exported journal."""
        lines = self._open(f"{self.url}/journal.jsonl", timeout=LONG_ENOUGH).read().decode().splitlines()
        return [event["attempt"] for event in map(json.loads, lines) if event["event"] == "AttemptEnded"]


class Person(Visitor):
    """Someone at a console that runs as a process of its own."""

    def __init__(self, *options: object) -> None:
        command = [sys.executable, "-m", "sender_sim", "console", "--port", "0", *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        [url] = re.findall(r"http://127\.0\.0\.1:\d+", self.process.stdout.readline())
        super().__init__(url)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        self.process.communicate(timeout=LONG_ENOUGH)
        return self.process.returncode
