"""Test requests: one button, one request, and what came of it shown whole (C10)."""

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from sender_sim.console.reading import read
from sender_sim.console.simulation import Simulation
from sender_sim.core.exchange import Exchange
from sender_sim.reports.reproduce import commands

__all__ = ["blueprint"]


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages."""
    pages = Blueprint("test_requests", __name__)

    @pages.post("/test-requests")
    def send() -> Response:
        return redirect(url_for(".show", number=simulation.test()))

    @pages.get("/test-requests/<int(max=9223372036854775807):number>")
    def show(number: int) -> str:
        tests = simulation.state.tests(number)
        if not tests:
            abort(404, f"there is no test request {number}")
        exchange = Exchange(tests[0].request, tests[0].outcome)
        reading = read(exchange.request)
        lines = list(commands(exchange.request, ca=simulation.options.ca))
        return render_template("test_request.html", test=tests[0], exchange=exchange, reading=reading, commands=lines)

    return pages
