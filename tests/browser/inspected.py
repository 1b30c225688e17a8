"""A receiver with an inspector, deployed by its Procfile from a folder of its own, and what Kaisa sends it."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from playwright.sync_api import Page

from tests.acceptance.deployment import Deployment, command_of, copy_out
from tests.calls import FORM

PASSWORD = "correct horse battery"  # noqa: S105 - of these tests alone
# A handler that fails while there is a file `broken` beside it.
HANDLERS = """
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.any
def tell_crm(event: CallEvent) -> str:
    if Path("broken").exists():
        raise ConnectionError(f"no contact for {event.from_nr}")
    return f"told, {event.duration} s"
"""
IN_BACKGROUND = """

@on.background.post_call
def book(event: CallEvent) -> None:
    if Path("broken").exists():
        raise ConnectionError(f"no booking for {event.from_nr}")
"""


@dataclass(frozen=True)
class Inspected:
    """It runs, and is posted to and looked at."""

    deployment: Deployment

    @property
    def base(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.deployment.port}"

    @property
    def inspector(self) -> str:
        return f"{self.base}/inspect"

    def hook(self, body: bytes, content_type: str = FORM) -> int:
        """Send what Kaisa sends; the status."""
        request = Request(f"{self.base}/webhook", data=body, headers={"Content-Type": content_type})  # noqa: S310 - our own
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=20) as answer:
                return int(answer.status)
        except HTTPError as refused:
            return refused.code

    def log_in(self, page: Page, address: str = "") -> None:
        """Go to an address of the inspector, by way of the password."""
        page.goto(f"{self.inspector}{address}")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.inspector}{address}")

    def break_handlers(self) -> None:
        (self.deployment.folder / "broken").touch()

    def mend_handlers(self) -> None:
        (self.deployment.folder / "broken").unlink()


@contextmanager
def running(folder: Path, port: int, settings: Mapping[str, str], *, handlers: str = HANDLERS) -> Iterator[Inspected]:
    """A receiver, stopped at the end of the block."""
    copy_out(folder)
    (folder / "receiver" / "handlers.py").write_text(handlers, "utf-8")
    deployment = Deployment(folder, port, {"KAISA_INSPECT_PASSWORD": PASSWORD, **settings})
    try:
        yield Inspected(deployment.until_ready())
    finally:
        deployment.stop()


@contextmanager
def working(inspected: Inspected, **settings: str) -> Iterator[None]:
    """A worker beside it, as the Procfile starts one."""
    deployment = inspected.deployment
    with deployment.log.open("ab") as log:
        worker = subprocess.Popen(
            ["sh", "-c", command_of("worker", deployment.folder)],
            cwd=deployment.folder,
            env={**deployment.environment(), **settings},
            stderr=log,
        )
    try:
        yield
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
