"""The journal: everything that happened, newest first; and all of it as JSON lines."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Final

from flask import Blueprint, Response, render_template, request

from sender_sim.console.simulation import Simulation
from sender_sim.core.events import Event
from sender_sim.core.records import from_dict
from sender_sim.reports import timeline

__all__ = ["blueprint"]

_PAGE: Final = 100


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages."""
    pages = Blueprint("journal", __name__)

    @pages.get("/journal")
    def show() -> str:
        happened = simulation.state.happened
        last = min(happened, max(0, request.args.get("until", happened, int)))
        first = max(0, last - _PAGE)
        found = islice(simulation.state.records(first), last - first)
        rows = [(number, _row(from_dict(values))) for number, values in found]
        return render_template("journal.html", rows=rows[::-1], first=first, last=last, happened=happened, size=_PAGE)

    @pages.get("/journal.jsonl")
    def export() -> Response:
        def lines() -> Iterator[str]:
            for _, values in simulation.state.records():
                yield f"{json.dumps(values)}\n"

        headers = {"Content-Disposition": "attachment; filename=journal.jsonl"}
        return Response(lines(), mimetype="application/jsonl", headers=headers)

    return pages


def _row(event: Event) -> dict[str, object]:
    name, words = timeline.describe(event)
    return {"at": event.at, "kind": type(event).__name__, "name": name, "words": words}
