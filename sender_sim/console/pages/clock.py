"""The clock, on every page: what time it is, what comes next, and the buttons that let time pass."""

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from receiver import wire
from sender_sim.console.access import own
from sender_sim.console.simulation import Goal, Simulation

__all__ = ["blueprint"]

_SPEEDS = {"1": 1.0, "60": 60.0, "1800": 1800.0}
_NEXT_SHOWN = 5


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages, and what every other page is told about the clock."""
    pages = Blueprint("clock", __name__)

    @pages.app_context_processor
    def tell() -> dict[str, Any]:
        return {"clock": _seen(simulation), "speeds": list(_SPEEDS)}

    @pages.get("/clock")
    def show() -> str:
        return render_template("_clock.html", page=own(request.args.get("page", "")))

    @pages.post("/clock")
    def move() -> Response:
        action, speed = request.form.get("action", ""), _SPEEDS.get(request.form.get("speed", ""))
        if action == "pause":
            simulation.pause()
        elif action == "live" and speed:
            simulation.live(speed)
        elif action in list(Goal):
            simulation.go(Goal(action))
        else:
            abort(400, f"the clock knows no {action!r}; it knows pause, live, {', '.join(Goal)}")
        return redirect(own(request.form.get("page", "")))

    return pages


def _seen(simulation: Simulation) -> dict[str, Any]:
    with simulation.still():
        travel, now = simulation.travel, simulation.now
        coming = simulation.book.coming()
        seen: dict[str, Any] = {
            "now": now,
            "coming": coming[:_NEXT_SHOWN],
            "more": max(0, len(coming) - _NEXT_SHOWN),
            "in_flight": simulation.book.in_flight,
            "happened": simulation.state.happened,
            "problem": simulation.problem,
            "speed": None,
            "goal": None,
            "share": None,
        }
        if travel:
            goal = travel.itinerary.goal or _end(simulation)
            seen |= {"speed": travel.itinerary.speed, "goal": goal, "stopping": travel.stopping}
            seen["share"] = _share(travel.itinerary.begin, now, goal)
    seen["moving"] = travel is not None
    return seen


def _end(simulation: Simulation) -> datetime:
    """When everything that is known of now will be over at the latest."""
    limits = [each.first_due + wire.RETRY_WINDOW for each in simulation.book.pending if each.first_due]
    return max([simulation.now, *limits, *(each.due for each in simulation.book.coming())])


def _share(begin: datetime, now: datetime, goal: datetime) -> int:
    """How far the way is, in percent."""
    return 100 if goal <= begin else min(100, int(100 * (now - begin) / (goal - begin)))
