"""The application: the pages put together, behind the guard."""

from flask import Flask, render_template
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from sender_sim.console import words
from sender_sim.console.access import Access, guard
from sender_sim.console.pages import calls, clock, journal, setup, test_requests, workflows
from sender_sim.console.simulation import Busy, Simulation
from sender_sim.core.lifecycle import OutOfOrder
from sender_sim.settings import SettingsError

__all__ = ["create_app"]

_LARGEST_FORM = 256 * 1024


def create_app(simulation: Simulation, access: Access, *, port: int = 0) -> Flask:
    """The console of a simulation. `port` tells its cookie from that of another console on this machine."""
    app = Flask(__name__, static_folder="assets", static_url_path="/assets")
    app.config.update(
        SECRET_KEY=simulation.state.secret,
        SESSION_COOKIE_NAME=f"kaisa-console-{port}",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=_LARGEST_FORM,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.finalize = words.sendable
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.globals["offset"] = words.offset
    guard(app, access)
    for page in (workflows, setup, test_requests, calls, clock, journal):
        app.register_blueprint(page.blueprint(simulation))
    _tell_problems(app)
    return app


def _tell_problems(app: Flask) -> None:
    """Whatever cannot be done is told on a page, with what to do instead."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        return _problem(error.code or 500, error.name, error.description or "")

    @app.errorhandler(OutOfOrder)
    @app.errorhandler(Busy)
    def not_now(error: Exception) -> tuple[str, int]:
        return _problem(409, "Not now", str(error))

    @app.errorhandler(SettingsError)
    def not_usable(error: SettingsError) -> tuple[str, int]:
        return _problem(409, "The saved settings cannot be used", "; ".join(error.problems))


def _problem(status: int, title: str, what: str) -> tuple[str, int]:
    return render_template("problem.html", status=status, title=title, what=what), status
