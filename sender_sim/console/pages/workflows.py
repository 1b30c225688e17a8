"""Workflows: the integration is requested, approved, set up, activated and deactivated (C1)."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from sender_sim.console.simulation import Simulation
from sender_sim.core.lifecycle import Stage, Step

__all__ = ["blueprint"]

# The steps that are taken here, by their place in the address; the others are taken in Setup.
_STEPS = {"request": Step.REQUEST, "approve": Step.APPROVE, "deactivate": Step.DEACTIVATE}
_SAID = {
    Step.REQUEST: "The integration is requested.",
    Step.APPROVE: "The request is approved: Setup is open.",
    Step.DEACTIVATE: "The integration is deactivated: no data flows any more.",
}


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages."""
    pages = Blueprint("workflows", __name__)

    @pages.get("/")
    def home() -> Response:
        return redirect(url_for(".show"))

    @pages.get("/workflows")
    def show() -> str:
        with simulation.still():
            stage, taken, saved = simulation.state.stage, simulation.state.steps(), simulation.saved
        return render_template("workflows.html", stage=stage, stages=list(Stage), taken=taken, saved=saved)

    @pages.post("/workflows/<any(request, approve, deactivate):name>")
    def take(name: str) -> Response:
        step = _STEPS[name]
        simulation.take(step)
        flash(_SAID[step])
        return redirect(url_for("setup.show" if step is Step.APPROVE else ".show"))

    return pages
