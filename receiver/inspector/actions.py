"""What is done from a page: logging in and out, showing numbers, replaying, deleting. Each is a POST with its token."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from typing import Final

import structlog
from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from receiver import build
from receiver.inspector import session
from receiver.inspector.throttle import Throttle
from receiver.receive import Receiver
from receiver.replay import Outcome, replay
from receiver.store import retention

__all__ = ["Actions"]

log = structlog.get_logger()

# Seconds that a page waits for a replayed handler; then it runs on, and the page shows how it ends.
_PATIENCE: Final = 5
_AT_ONCE: Final = 2

# Characters that the name of a page has at most.
_PAGE_NAME: Final = 40


class Actions:
    """What may be done by whoever knows the password."""

    def __init__(self, password: str, receiver: Receiver, throttle: Throttle) -> None:
        self._password = password
        self._receiver = receiver
        self._throttle = throttle
        self._replays = _Replays()

    def login(self) -> ResponseReturnValue:
        """Ask for the password; begin a session with the right one."""
        target = _own(request.values.get("next", ""))
        if request.method == "GET":
            return redirect(target, 303) if session.is_open(build.utc_now()) else _login(target, "")
        wait = self._throttle.take(request.remote_addr)
        if wait:
            log.warning("inspector: too many wrong passwords", wait=round(wait))
            response = _login(target, f"Too many tries. Wait {wait:.0f} seconds.", 429)
            response.headers["Retry-After"] = f"{wait:.0f}"
            return response
        if not session.is_password(request.form.get("password", ""), self._password):
            log.warning("inspector: wrong password")
            return _login(target, "This is not the password.", 403)
        self._throttle.forgive(request.remote_addr)
        session.open_(build.utc_now())
        log.info("inspector: logged in")
        return redirect(target, 303)

    def logout(self) -> ResponseReturnValue:
        """End the session."""
        session.close()
        return redirect(url_for("inspector.login"), 303)

    def numbers(self) -> ResponseReturnValue:
        """Show the phone numbers of one page, or mask them again."""
        if request.form.get("show") == "yes":
            page = request.form.get("page", "")[:_PAGE_NAME]
            session.show_numbers(page, build.utc_now())
            log.info("inspector: numbers shown", page=page)
        else:
            session.hide_numbers()
        return redirect(_own(request.form.get("next", "")), 303)

    def replay(self, number: int) -> ResponseReturnValue:
        """Run the handler of a delivery again."""
        inbox, router = self._receiver.inbox, self._receiver.router
        log.info("inspector: replay", delivery=number)
        outcome = self._replays.run(number, lambda: replay(inbox, router, number, build.utc_now()))
        flash(f"Replay of delivery {number}: {outcome.text}", "good" if outcome.done else "bad")
        return redirect(url_for("inspector.delivery", number=number), 303)

    def delete(self, number: int) -> ResponseReturnValue:
        """Delete a refusal."""
        if not retention.drop_refusals(self._receiver.inbox, [number]):
            abort(404)
        log.info("inspector: refusal deleted", refusal=number)
        flash(f"Refusal {number} is deleted. If Kaisa sends it again, it is here again.", "good")
        return redirect(url_for("inspector.inbox"), 303)

    def replay_job(self) -> ResponseReturnValue:
        """Begin a background job again that was given up."""
        jobs = self._receiver.jobs
        job = jobs.failed(request.form.get("job", "")) if jobs else None
        if jobs is None or job is None:
            abort(404)
        jobs.replay(job)
        log.info("inspector: job replayed", job=job.id)
        flash(f"{job.handler} of delivery {job.delivery} begins again, with all its retries.", "good")
        return redirect(_own(request.form.get("next", "")), 303)


class _Replays:
    """Handlers that are run again, in threads of their own: a slow one takes no request's."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="replay")

    def run(self, number: int, work: Callable[[], Outcome]) -> Outcome:
        """Do it, and wait a little for what came of it."""
        running = self._executor.submit(work)
        try:
            return running.result(_PATIENCE)
        except StillRunning:
            if running.cancel():
                return Outcome(number, done=False, text="not begun: two other replays are running; try again later")
            return Outcome(number, done=True, text="the handler runs on; this page shows how it ends")


def _login(target: str, problem: str, status: int = 200) -> Response:
    return make_response(render_template("inspector/login.html", target=target, problem=problem), status)


def _own(address: str) -> str:
    """An address to go to, if it is the inspector's: a form must lead nowhere else."""
    root = url_for("inspector.inbox")
    mine = address == root or address.startswith((f"{root}/", f"{root}?"))
    return address if mine and address.isprintable() and "\\" not in address else root
