"""The inspector as a part of the application: its addresses, and what holds for each request to them."""

from typing import Final

import structlog
from flask import Blueprint, Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from receiver import build
from receiver.config import Settings
from receiver.errors import Refusal
from receiver.inspector import session
from receiver.inspector.actions import Actions
from receiver.inspector.files import Files
from receiver.inspector.pages import LIVE, Pages
from receiver.inspector.room import Room
from receiver.inspector.throttle import Throttle
from receiver.receive import Receiver

__all__ = ["add_inspector"]

log = structlog.get_logger()

# No script, style or image but the inspector's own; nothing is embedded, and no form leads elsewhere.
_SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FORM_BYTES: Final = 16_384
_ID: Final = "<int(max=9223372036854775807):number>"
# The endpoints that need no password.
_FILE: Final = "inspector.file"
_LOGIN: Final = "inspector.login"


def add_inspector(app: Flask, settings: Settings, receiver: Receiver) -> None:
    """Add it to the application, behind its password."""
    session.add_sessions(app, settings.inspect_password)
    blueprint = Blueprint("inspector", __name__, url_prefix=session.PREFIX, template_folder="templates")
    files, room = Files(), Room(settings.threads)
    blueprint.before_request(lambda: _enter(room))
    blueprint.before_request(_let_in)
    blueprint.after_request(_finish)
    blueprint.context_processor(
        lambda: {
            "file": files.address,
            "csrf": session.csrf_token,
            "has_jobs": receiver.jobs is not None,
        }
    )
    _add_addresses(blueprint, Pages(settings, receiver), Actions(settings.inspect_password, receiver, Throttle()))
    blueprint.add_url_rule("/files/<name>", "file", files.file)
    blueprint.register_error_handler(HTTPException, _told)
    blueprint.register_error_handler(Refusal, _refused)
    app.register_blueprint(blueprint)


def _add_addresses(blueprint: Blueprint, pages: Pages, actions: Actions) -> None:
    add = blueprint.add_url_rule
    add("", "inbox", pages.inbox)
    add(f"/deliveries/{_ID}", "delivery", pages.delivery)
    add(f"/deliveries/{_ID}/replay", "replay", actions.replay, methods=["POST"])
    add(f"/refusals/{_ID}", "refusal", pages.refusal)
    add(f"/refusals/{_ID}/delete", "delete", actions.delete, methods=["POST"])
    add("/jobs", "jobs", pages.jobs)
    add("/jobs/replay", "replay_job", actions.replay_job, methods=["POST"])
    add("/numbers", "numbers", actions.numbers, methods=["POST"])
    add("/login", "login", actions.login, methods=["GET", "POST"])
    add("/logout", "logout", actions.logout, methods=["POST"])
    add("/", "root", lambda: redirect(url_for("inspector.inbox"), 308))
    add("/<path:rest>", "nothing", _nothing)


def _enter(room: Room) -> ResponseReturnValue | None:
    """Take a place until the answer is sent to its end; where there is none, ask to come again."""
    if request.endpoint == _FILE:  # from memory
        return None
    g.place = room.enter()
    if g.place:
        return None
    reading = request.method == "GET"
    next_ = "This page tries again by itself." if reading else "Nothing was done: go back, and repeat it in a moment."
    response = _failure(503, "The inspector is busy", f"Webhooks go first. {next_}", again=reading)
    response.headers["Retry-After"] = "2"
    return response


def _let_in() -> ResponseReturnValue | None:
    """Turn away who has no session, and forms that no page of this session made."""
    request.max_content_length = _FORM_BYTES
    if request.endpoint == _FILE:
        return None
    if not session.is_open(build.utc_now()):
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET":
            # A link on another site brings no SameSite=Strict cookie. A page of our own that asks again does.
            return make_response(render_template("inspector/again.html"))
        if request.endpoint != _LOGIN:
            return _turned_away()
    if request.method == "POST" and session.is_forged(request.form.get("csrf", "")):
        return _failure(
            403, "This form is out of date", "Go back, load the page again and repeat it. It needs cookies to work."
        )
    return None


def _turned_away() -> ResponseReturnValue:
    if LIVE in request.headers:
        return Response("logged out", 401, content_type="text/plain")
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("inspector.login", next=f"{request.script_root}{target}"), 303)


def _finish(response: Response) -> Response:
    for name, value in _SECURITY.items():
        response.headers[name] = value
    if place := g.pop("place", None):
        response.call_on_close(place.leave)
    return response


def _nothing(rest: str) -> ResponseReturnValue:  # noqa: ARG001 - what is not there
    return _failure(404, "Nothing is here", "The address may be cut, or what it named has been deleted.")


def _told(error: HTTPException) -> Response:
    if error.code == 404:
        return make_response(_nothing(""))
    return _failure(error.code or 500, error.name, "Go back to the list and try again from there.")


def _refused(refusal: Refusal) -> Response:
    log.warning("inspector: refused", code=refusal.code, detail=refusal.detail, evidence=refusal.evidence)
    return _failure(refusal.status, refusal.title, refusal.remedy)


def _failure(status: int, title: str, detail: str, *, again: bool = False) -> Response:
    text = render_template("inspector/failure.html", status=status, title=title, detail=detail, again=again)
    return make_response(text, status)
